"""What audits are told, remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.core.ids import AuditId
from shared.core.records import ChangeLogEntry
from shared.membership.ports import OwnAction


@dataclass
class FakeDoings:
    noted: list[OwnAction] = field(default_factory=list)

    async def record_actions(self, audit: AuditId, own_actions: Sequence[OwnAction]) -> None:
        self.noted += own_actions


@dataclass
class FakeTrail:
    entries: list[ChangeLogEntry] = field(default_factory=list)

    async def add(self, entries: Sequence[ChangeLogEntry]) -> None:
        self.entries += entries

    async def read(self, continuation: str | None, limit: int) -> tuple[list[ChangeLogEntry], str | None]:
        return self.entries[:limit], None
