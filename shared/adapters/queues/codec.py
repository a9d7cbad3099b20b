"""Commands as bytes: ids, a schema version and the trace; never a guest's data.

A message once written is read for ever: a change of meaning is a new version, and old samples stay in the tests.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from shared.domain.commands import Command, InviteChunk, JoinChunk, MailChunk
from shared.domain.errors import GuestlistError
from shared.domain.ids import ChunkId, GroupId

VERSION = 1
_GUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KINDS: dict[str, type[InviteChunk] | type[JoinChunk] | type[MailChunk]] = {
    "invite-chunk": InviteChunk,
    "join-chunk": JoinChunk,
    "mail-chunk": MailChunk,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class UnreadableMessage(GuestlistError):
    """A message that is none of ours, or of a version this code does not know."""


class _Head(msgspec.Struct):
    """What a message of any version begins with."""

    v: int
    traceparent: str | None = None


class _Message(msgspec.Struct, omit_defaults=True):
    v: int
    kind: str
    group: Annotated[str, msgspec.Meta(pattern=f"^{_GUID}$")]
    chunk: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{22}$")]
    attempt: Annotated[int, msgspec.Meta(ge=0)] = 0
    slot: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    traceparent: str | None = None


_head = msgspec.json.Decoder(_Head)
_decoder = msgspec.json.Decoder(_Message)
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def encode_command(command: Command, traceparent: str | None) -> bytes:
    """A command as JSON in UTF-8."""
    kind = _NAMES[type(command)]
    message = _Message(VERSION, kind, command.group, command.chunk, command.attempt, command.slot, traceparent)
    return msgspec.json.encode(message)


def decode_command(body: bytes) -> Command:
    """Read a command.

    Raises:
        UnreadableMessage: where it is none.
    """
    try:
        version = _head.decode(body).v
        if version != VERSION:
            raise UnreadableMessage(f"a message of version {version}; this code reads version {VERSION}")
        found = _decoder.decode(body)
    except _BROKEN as e:
        raise UnreadableMessage(str(e)) from e
    if found.kind not in _KINDS:
        raise UnreadableMessage(f"'{found.kind}' is no kind of command")
    return _KINDS[found.kind](GroupId(found.group), ChunkId(found.chunk), found.attempt, found.slot)


def read_traceparent(body: bytes) -> str | None:
    """The trace a message belongs to, of whatever version; None where it has none or cannot be read."""
    try:
        return _head.decode(body).traceparent
    except _BROKEN:
        return None
