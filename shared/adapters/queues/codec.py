"""Commands as bytes: ids, a schema version and the trace; never a guest's data.

A message once written is read for ever: a change of meaning is a new version, and old samples stay in the tests.
"""

from datetime import datetime
from typing import Literal

import msgspec

from shared.domain.commands import Command, InviteChunk, JoinChunk, MailChunk
from shared.domain.errors import GuestlistError
from shared.domain.ids import ChunkId, GroupId

VERSION: Literal[1] = 1
_KINDS: dict[str, type[InviteChunk] | type[JoinChunk] | type[MailChunk]] = {
    "invite-chunk": InviteChunk,
    "join-chunk": JoinChunk,
    "mail-chunk": MailChunk,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class UnreadableMessage(GuestlistError):
    """A message that is none of ours, or of a version this code does not know."""


class _Message(msgspec.Struct, omit_defaults=True):
    v: Literal[1]
    kind: str
    group: str
    chunk: str
    attempt: int = 0
    slot: datetime | None = None
    traceparent: str | None = None


_decoder = msgspec.json.Decoder(_Message)


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
        found = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise UnreadableMessage(str(e)) from e
    if found.kind not in _KINDS:
        raise UnreadableMessage(f"'{found.kind}' is no kind of command")
    return _KINDS[found.kind](GroupId(found.group), ChunkId(found.chunk), found.attempt, found.slot)


def read_traceparent(body: bytes) -> str | None:
    """The trace a message belongs to; None where it has none or cannot be read."""
    try:
        return _decoder.decode(body).traceparent
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
