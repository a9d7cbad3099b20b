"""Commands: what the queues carry. Ids only, never a guest's data; the rows are the truth."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.applications import AppId
from shared.domain.audits.records import AuditId
from shared.domain.ids import ChunkId, GroupId, UserId
from shared.domain.import_ids import ImportId
from shared.domain.people import CaseId
from shared.domain.requests import RequestId
from shared.domain.setup.order import SetupStep
from shared.domain.setup.records import SetupId

CHUNK_SIZE = 20
"""Guests in a chunk at most: the parts of a ``$batch`` and the members of one ``PATCH`` of a group."""


@dataclass(frozen=True, slots=True)
class ChunkCommand:
    """Work on the guests of one chunk. `attempt` counts the laters before it: queues count only deliveries.

    `slot` is the time that a lane's pace gave to this work; None until one was asked for. `revived` counts how often
    its message ended on a poison queue and was set going again.
    """

    group: GroupId
    chunk: ChunkId
    attempt: int = 0
    slot: datetime | None = None
    revived: int = 0


@dataclass(frozen=True, slots=True)
class InviteChunk(ChunkCommand):
    """Invite those of the chunk who are accepted, parked or in doubt."""


@dataclass(frozen=True, slots=True)
class JoinChunk(ChunkCommand):
    """Add those of the chunk who are invited to the group."""


@dataclass(frozen=True, slots=True)
class MailChunk(ChunkCommand):
    """Send Guestlist's own mail to those of the chunk who are due one."""


@dataclass(frozen=True, slots=True)
class ImportChunk(ChunkCommand):
    """Invite and join those of an import's chunk who are accepted, parked or in doubt. `position` is the one of the
    chunk's last guest in the line of imports; None where it has to be asked for."""

    position: float | None = None


type ChunkWork = InviteChunk | JoinChunk | MailChunk | ImportChunk


@dataclass(frozen=True, slots=True)
class RunSetupStep:
    """Take one step of a setup as far as it goes now."""

    setup: SetupId
    step: SetupStep
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class TakeApart:
    """Remove from the directory what Guestlist made for an app."""

    app: AppId
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class SplitImport:
    """Read on in the file of an import. `piece` is how often it was read on before: another count is an old one."""

    import_id: ImportId
    piece: int
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class UndoImport:
    """Take back what an import did to one group, from behind a chunk on."""

    import_id: ImportId
    group: GroupId
    after: ChunkId | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class MailRequest:
    """Send the mail that a join request is due. `slot` is the time that a lane gave to it: the one of mails to
    strangers, which comes first, or with `turn` the one of all mail."""

    group: GroupId
    request: RequestId
    attempt: int = 0
    slot: datetime | None = None
    turn: bool = False


@dataclass(frozen=True, slots=True)
class MailDigest:
    """Tell somebody who decides that join requests wait. `slot` is the time that the mail lane gave to it."""

    decider: UserId
    attempt: int = 0
    slot: datetime | None = None


@dataclass(frozen=True, slots=True)
class FulfilRequest:
    """Make an invitation of a join request that was approved."""

    group: GroupId
    request: RequestId
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class RunAudit:
    """Go on with a task of an audit."""

    audit: AuditId
    task: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class PutRight:
    """Carry out what an audit planned for an app or, with `back`, take it back."""

    audit: AuditId
    app: AppId
    back: bool = False
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class SearchPerson:
    """Go on with the export or erasure of a person's data."""

    case: CaseId
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Write down that a message that the sweeper sent then came back."""

    sent_at: datetime
    attempt: int = 0


type Command = (
    ChunkWork
    | RunSetupStep
    | TakeApart
    | SplitImport
    | UndoImport
    | MailRequest
    | MailDigest
    | FulfilRequest
    | RunAudit
    | PutRight
    | SearchPerson
    | RoundTrip
)
