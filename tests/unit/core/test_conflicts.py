"""What reads, changes and writes, beside others that write."""

import pytest

from shared.core.errors import Conflict, StorageBusy
from shared.core.versions import retry_on_conflict


class Cell:
    """A value with a version; others write before the first so many writes."""

    def __init__(self, others: int) -> None:
        self.value, self.version, self.others, self.reads = 0, 0, others, 0

    def write(self, value: int, version: int) -> None:
        if self.others:
            self.others -= 1
            self.value, self.version = self.value + 10, self.version + 1
        if version != self.version:
            raise Conflict("changed")
        self.value, self.version = value, version + 1


async def test_a_change_is_made_of_the_latest_value() -> None:
    cell = Cell(others=4)

    @retry_on_conflict("the cell")
    async def count(by: int) -> int:
        value, version = cell.value, cell.version
        cell.write(value + by, version)
        return value + by

    assert await count(by=1) == cell.value == 41


@pytest.mark.parametrize("attempts", [1, 3])
async def test_attempts_are_bounded(attempts: int) -> None:
    cell = Cell(others=100)

    @retry_on_conflict("the cell", attempts=attempts, pause_s=0.001)
    async def count() -> None:
        cell.write(1, cell.version)

    with pytest.raises(StorageBusy, match="the cell"):
        await count()
    assert cell.others == 100 - attempts


async def test_another_answer_may_stand_for_too_many_conflicts() -> None:
    @retry_on_conflict("the cell", otherwise=lambda: ValueError("under way"))
    async def count() -> None:
        raise Conflict("changed")

    with pytest.raises(ValueError, match="under way"):
        await count()


async def test_other_errors_end_it() -> None:
    calls = 0

    @retry_on_conflict("the cell")
    async def count() -> None:
        nonlocal calls
        calls += 1
        raise StorageBusy("down")

    with pytest.raises(StorageBusy, match="down"):
        await count()
    assert calls == 1
