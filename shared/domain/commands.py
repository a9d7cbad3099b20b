"""Commands: what the queues carry. Ids only, never a guest's data; the rows are the truth."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.applications import AppId
from shared.domain.ids import ChunkId, GroupId
from shared.domain.setup.order import SetupStep
from shared.domain.setup.records import SetupId

CHUNK_SIZE = 20
"""Guests in a chunk at most: the parts of a ``$batch`` and the members of one ``PATCH`` of a group."""


@dataclass(frozen=True, slots=True)
class ChunkCommand:
    """Work on the guests of one chunk. `attempt` counts the laters before it: queues count only deliveries.

    `slot` is the time that a lane's pace gave to this work; None until one was asked for.
    """

    group: GroupId
    chunk: ChunkId
    attempt: int = 0
    slot: datetime | None = None


@dataclass(frozen=True, slots=True)
class InviteChunk(ChunkCommand):
    """Invite those of the chunk who are accepted, parked or in doubt."""


@dataclass(frozen=True, slots=True)
class JoinChunk(ChunkCommand):
    """Add those of the chunk who are invited to the group."""


@dataclass(frozen=True, slots=True)
class MailChunk(ChunkCommand):
    """Send Guestlist's own mail to those of the chunk who are due one."""


type ChunkWork = InviteChunk | JoinChunk | MailChunk


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


type Command = ChunkWork | RunSetupStep | TakeApart
