"""Commands as bytes: ids, a schema version and the trace; never a guest's data.

A message once written is read for ever: a change of meaning is a new version, and old samples stay in the tests.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from shared.domain.applications import AppId
from shared.domain.audits.records import AuditId
from shared.domain.commands import (
    ChunkWork,
    Command,
    FulfilRequest,
    ImportChunk,
    InviteChunk,
    JoinChunk,
    MailChunk,
    MailDigest,
    MailRequest,
    PutRight,
    RoundTrip,
    RunAudit,
    RunSetupStep,
    SearchPerson,
    SplitImport,
    TakeApart,
    UndoImport,
)
from shared.domain.errors import GuestlistError
from shared.domain.ids import ChunkId, GroupId, UserId
from shared.domain.import_ids import ImportId
from shared.domain.people import CaseId
from shared.domain.requests import RequestId
from shared.domain.setup.order import SetupStep
from shared.domain.setup.records import SetupId

VERSION = 1
_GUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class UnreadableMessage(GuestlistError):
    """A message that is none of ours, or of a version this code does not know."""


class _Head(msgspec.Struct):
    """What a message of any version begins with."""

    v: int
    traceparent: str | None = None


type _Guid = Annotated[str, msgspec.Meta(pattern=f"^{_GUID}$")]
type _Key = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{22}$")]
type _Count = Annotated[int, msgspec.Meta(ge=0)]


class _Message(msgspec.Struct, omit_defaults=True, kw_only=True, tag_field="kind"):
    v: int = msgspec.field(default=0)
    attempt: _Count = 0
    traceparent: str | None = None


class _Chunk(_Message):
    group: _Guid
    chunk: _Key
    slot: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    revived: _Count = 0


class _InviteChunk(_Chunk, tag="invite-chunk"):
    pass


class _JoinChunk(_Chunk, tag="join-chunk"):
    pass


class _MailChunk(_Chunk, tag="mail-chunk"):
    pass


class _ImportChunk(_Chunk, tag="import-chunk"):
    position: float | None = None


class _SplitImport(_Message, tag="split-import"):
    import_id: _Key
    piece: _Count


class _UndoImport(_Message, tag="undo-import"):
    import_id: _Key
    group: _Guid
    after: _Key | None = None


class _SetupStep(_Message, tag="setup-step"):
    setup: _Key
    step: SetupStep


class _TakeApart(_Message, tag="take-apart"):
    app: _Guid


class _MailRequest(_Message, tag="mail-request"):
    group: _Guid
    request: _Key
    slot: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    turn: bool = False


class _MailDigest(_Message, tag="mail-digest"):
    decider: _Guid
    slot: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _FulfilRequest(_Message, tag="fulfil-request"):
    group: _Guid
    request: _Key


class _AuditTask(_Message, tag="audit-task"):
    audit: _Key
    task: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,100}$")]


class _PutRight(_Message, tag="put-right"):
    audit: _Key
    app: _Guid
    back: bool = False


class _SearchPerson(_Message, tag="search-person"):
    case: _Key


class _RoundTrip(_Message, tag="round-trip"):
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)]


_CHUNKS: dict[type[ChunkWork], type[_Chunk]] = {
    InviteChunk: _InviteChunk,
    JoinChunk: _JoinChunk,
    MailChunk: _MailChunk,
    ImportChunk: _ImportChunk,
}
_OF_CHUNKS = {message: command for command, message in _CHUNKS.items()}
_head = msgspec.json.Decoder(_Head)
_decoder = msgspec.json.Decoder(
    _InviteChunk
    | _JoinChunk
    | _MailChunk
    | _ImportChunk
    | _SplitImport
    | _UndoImport
    | _SetupStep
    | _TakeApart
    | _MailRequest
    | _MailDigest
    | _FulfilRequest
    | _AuditTask
    | _PutRight
    | _SearchPerson
    | _RoundTrip
)
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def encode_command(command: Command, traceparent: str | None) -> bytes:
    """A command as JSON in UTF-8."""
    return msgspec.json.encode(_message(command, traceparent))


def _message(command: Command, traceparent: str | None) -> _Message:
    head: Any = {"v": VERSION, "attempt": command.attempt, "traceparent": traceparent}
    match command:
        case RunSetupStep():
            return _SetupStep(setup=command.setup, step=command.step, **head)
        case TakeApart():
            return _TakeApart(app=command.app, **head)
        case SplitImport():
            return _SplitImport(import_id=command.import_id, piece=command.piece, **head)
        case UndoImport():
            return _UndoImport(import_id=command.import_id, group=command.group, after=command.after, **head)
        case MailRequest():
            return _MailRequest(
                group=command.group, request=command.request, slot=command.slot, turn=command.turn, **head
            )
        case MailDigest():
            return _MailDigest(decider=command.decider, slot=command.slot, **head)
        case FulfilRequest():
            return _FulfilRequest(group=command.group, request=command.request, **head)
        case RunAudit():
            return _AuditTask(audit=command.audit, task=command.task, **head)
        case PutRight():
            return _PutRight(audit=command.audit, app=command.app, back=command.back, **head)
        case SearchPerson():
            return _SearchPerson(case=command.case, **head)
        case RoundTrip():
            return _RoundTrip(sent_at=command.sent_at, **head)
        case _:
            kind = _CHUNKS[type(command)]
            work: Any = {
                "group": command.group,
                "chunk": command.chunk,
                "slot": command.slot,
                "revived": command.revived,
            }
            if isinstance(command, ImportChunk):
                work |= {"position": command.position}
            return kind(**work, **head)


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
    match found:
        case _SetupStep():
            return RunSetupStep(SetupId(found.setup), found.step, found.attempt)
        case _TakeApart():
            return TakeApart(AppId(found.app), found.attempt)
        case _SplitImport():
            return SplitImport(ImportId(found.import_id), found.piece, found.attempt)
        case _UndoImport():
            after = ChunkId(found.after) if found.after is not None else None
            return UndoImport(ImportId(found.import_id), GroupId(found.group), after, found.attempt)
        case _MailRequest():
            request = RequestId(found.request)
            return MailRequest(GroupId(found.group), request, found.attempt, found.slot, found.turn)
        case _MailDigest():
            return MailDigest(UserId(found.decider), found.attempt, found.slot)
        case _FulfilRequest():
            return FulfilRequest(GroupId(found.group), RequestId(found.request), found.attempt)
        case _AuditTask():
            return RunAudit(AuditId(found.audit), found.task, found.attempt)
        case _PutRight():
            return PutRight(AuditId(found.audit), AppId(found.app), found.back, found.attempt)
        case _SearchPerson():
            return SearchPerson(CaseId(found.case), found.attempt)
        case _RoundTrip():
            return RoundTrip(found.sent_at, found.attempt)
        case _:
            chunk = (GroupId(found.group), ChunkId(found.chunk), found.attempt, found.slot, found.revived)
            if isinstance(found, _ImportChunk):
                return ImportChunk(*chunk, found.position)
            return _OF_CHUNKS[type(found)](*chunk)


def read_traceparent(body: bytes) -> str | None:
    """The trace a message belongs to, of whatever version; None where it has none or cannot be read."""
    try:
        return _head.decode(body).traceparent
    except _BROKEN:
        return None
