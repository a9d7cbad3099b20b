"""An outbox that remembers."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.commands import Command
from shared.domain.errors import StorageBusy


@dataclass
class FakeOutbox:
    sent: list[tuple[Command, datetime | None]] = field(default_factory=list)
    fails: bool = False

    async def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        if self.fails:
            raise StorageBusy("the outbox was told to fail")
        self.sent.append((command, not_before))
