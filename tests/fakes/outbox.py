"""An outbox that remembers."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.core.errors import StorageBusy
from shared.messages.commands import Command


@dataclass
class FakeOutbox:
    sent: list[tuple[Command, datetime | None]] = field(default_factory=list)
    fails: bool = False
    parked: list[Command] = field(default_factory=list)

    async def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        if self.fails:
            raise StorageBusy("the outbox was told to fail")
        self.sent.append((command, not_before))

    async def park(self, command: Command) -> None:
        if self.fails:
            raise StorageBusy("the outbox fails")
        if command not in self.parked:
            self.parked.append(command)

    async def send_parked(self) -> int:
        count = len(self.parked)
        while self.parked:
            await self.send(self.parked[0])
            del self.parked[0]
        return count
