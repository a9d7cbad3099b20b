"""Commands: what the queues carry. Ids only, never a guest's data; the rows are the truth. How each is called in a
message, and where it goes: `messages/registry.py`."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from msgspec import Meta

from shared.core.ids import AppId, AuditId, ChunkId, GroupId, ImportId, RequestId, SetupId, SubjectRequestId, UserId

CHUNK_SIZE = 20
"""Guests in a chunk at most: the parts of a ``$batch`` and the members of one ``PATCH`` of a group."""

_GUID = Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_KEY = Meta(pattern="^[0-9a-f]{22}$")
type _Count = Annotated[int, Meta(ge=0)]
type _Time = Annotated[datetime, Meta(tz=True)]


class SetupStep(StrEnum):
    """In the order in which people read them."""

    SELF_SERVICE_GROUPS = "self-service-groups"
    GROUP = "group"
    OWNERS = "owners"
    APPLICATION = "application"
    SINGLE_SIGN_ON = "single-sign-on"
    SELF_SERVICE_ACCESS = "self-service-access"
    GROUP_ASSIGNMENT = "group-assignment"
    OWNER_ASSIGNMENT = "owner-assignment"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Command:
    """What a queue carries. `attempt` counts the laters before it: queues count only deliveries."""

    attempt: _Count = field(default=0, kw_only=True)

    def again(self) -> Self:
        """For later, as the next attempt."""
        return replace(self, attempt=self.attempt + 1)


@dataclass(frozen=True, slots=True)
class ChunkCommand(Command):
    """Work on the guests of one chunk.

    `slot` is the time that a lane's pace gave to this work; None until one was asked for. `redrives` counts how often
    its message ended on a poison queue and was sent again.
    """

    group: Annotated[GroupId, _GUID]
    chunk: Annotated[ChunkId, _KEY]
    slot: _Time | None = None
    redrives: _Count = 0


@dataclass(frozen=True, slots=True)
class InviteChunk(ChunkCommand):
    """Invite those of the chunk who are accepted, parked or in doubt, and bring them on to the end."""


@dataclass(frozen=True, slots=True)
class JoinChunk(ChunkCommand):
    """Add those of the chunk who are invited to the group, and bring them on to the end."""


@dataclass(frozen=True, slots=True)
class MailChunk(ChunkCommand):
    """Send Guestlist's own mail to those of the chunk who are due one."""


@dataclass(frozen=True, slots=True)
class ImportChunk(ChunkCommand):
    """The same as `InviteChunk`, for a chunk of an import. `position` is the one of the
    chunk's last guest in the line of imports; None where it has to be asked for."""

    position: float | None = None


@dataclass(frozen=True, slots=True)
class RunSetupStep(Command):
    """Take one step of a setup as far as it goes now."""

    setup: Annotated[SetupId, _KEY]
    step: SetupStep


@dataclass(frozen=True, slots=True)
class RemoveApp(Command):
    """Remove from the directory what Guestlist made for an app."""

    app: Annotated[AppId, _GUID]


@dataclass(frozen=True, slots=True)
class SplitImport(Command):
    """Read on in the file of an import. `piece` is how often it was read on before: another count is an old one."""

    import_id: Annotated[ImportId, _KEY]
    piece: _Count


@dataclass(frozen=True, slots=True)
class UndoImport(Command):
    """Take back what an import did to one group, from behind a chunk on."""

    import_id: Annotated[ImportId, _KEY]
    group: Annotated[GroupId, _GUID]
    after: Annotated[ChunkId, _KEY] | None = None


@dataclass(frozen=True, slots=True)
class MailRequest(Command):
    """Send the mail that a join request is due. `slot` is the time that a lane gave to it: the one of mails to
    strangers, which comes first, or with `turn` the one of all mail."""

    group: Annotated[GroupId, _GUID]
    request: Annotated[RequestId, _KEY]
    slot: _Time | None = None
    turn: bool = False


@dataclass(frozen=True, slots=True)
class MailDigest(Command):
    """Tell somebody who decides that join requests wait. `slot` is the time that the mail lane gave to it."""

    decider: Annotated[UserId, _GUID]
    slot: _Time | None = None


@dataclass(frozen=True, slots=True)
class FulfilRequest(Command):
    """Make an invitation of a join request that was approved."""

    group: Annotated[GroupId, _GUID]
    request: Annotated[RequestId, _KEY]


@dataclass(frozen=True, slots=True)
class RunAudit(Command):
    """Go on with a task of an audit."""

    audit: Annotated[AuditId, _KEY]
    task: Annotated[str, Meta(pattern="^[a-z0-9-]{1,100}$")]


@dataclass(frozen=True, slots=True)
class ApplyRemedies(Command):
    """Carry out what an audit planned for an app or, with `back`, take it back."""

    audit: Annotated[AuditId, _KEY]
    app: Annotated[AppId, _GUID]
    back: bool = False


@dataclass(frozen=True, slots=True)
class SearchPersonalData(Command):
    """Go on with the export or erasure of a person's data."""

    case: Annotated[SubjectRequestId, _KEY]


@dataclass(frozen=True, slots=True)
class RoundTrip(Command):
    """Write down that a message that the sweeper sent then came back."""

    sent_at: _Time
