"""What has not ended, in memory."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class FakeOpenWork[Id]:
    """`may_fail` is called with the name of each method that is called."""

    opened: dict[Id, datetime] = field(default_factory=dict)
    may_fail: Callable[[str], None] = field(default=lambda _: None, repr=False)

    async def open(self, id_: Id, look_at: datetime) -> None:
        self.may_fail("open")
        self.opened[id_] = look_at

    async def close(self, id_: Id) -> None:
        self.may_fail("close")
        self.opened.pop(id_, None)

    async def list_open(self, *, due_before: datetime) -> AsyncIterator[Id]:
        self.may_fail("list_open")
        for id_, look_at in list(self.opened.items()):
            if look_at < due_before:
                yield id_
