"""What audits are told, remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.core.change_log import TrailEntry
from shared.core.ids import AuditId
from shared.membership.ports.snapshot import Doing


@dataclass
class FakeDoings:
    noted: list[Doing] = field(default_factory=list)

    async def note_doings(self, audit: AuditId, doings: Sequence[Doing]) -> None:
        self.noted += doings


@dataclass
class FakeTrail:
    entries: list[TrailEntry] = field(default_factory=list)

    async def add(self, entries: Sequence[TrailEntry]) -> None:
        self.entries += entries

    async def read(self, continuation: str | None, limit: int) -> tuple[list[TrailEntry], str | None]:
        return self.entries[:limit], None
