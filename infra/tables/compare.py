"""A backup against an account: both read once, in the order of their keys."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

from infra.tables.accounts import Account
from infra.tables.backup import rows_of
from infra.tables.folder import Folder
from infra.tables.rows import Key, key_of, to_line

_SHOWN = 5


@dataclass(slots=True)
class Differences:
    """How many rows of a table are not the same, and the first few keys."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, what: str, key: Key) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(f"  {what}: {key[0]} {key[1]}")


async def compare(folder: Folder, account: Account, tell: Callable[[str], None]) -> int:
    """How many rows are not the same; each table is told of."""
    total = 0
    for table in folder.read().tables:
        found = await _differences(folder.rows(table), rows_of_account(account, table))
        total += found.count
        tell(f"{table}: {f'{found.count:,} rows differ' if found.count else 'the same'}")
        for line in found.first:
            tell(line)
    return total


async def rows_of_account(account: Account, table: str) -> AsyncIterator[tuple[Key, bytes]]:
    async for row in rows_of(account, table):
        yield key_of(row), to_line(row).encode()


async def _differences(kept: Iterator[tuple[Key, bytes]], there: AsyncIterator[tuple[Key, bytes]]) -> Differences:
    found = Differences()
    one, other = next(kept, None), await anext(there, None)
    while one is not None or other is not None:
        if other is None or (one is not None and _order(one[0]) < _order(other[0])):
            assert one is not None  # noqa: S101 - for the type checker
            found.add("in the backup alone", one[0])
            one = next(kept, None)
        elif one is None or _order(other[0]) < _order(one[0]):
            found.add("in the account alone", other[0])
            other = await anext(there, None)
        else:
            if one[1] != other[1]:
                found.add("different", one[0])
            one, other = next(kept, None), await anext(there, None)
    return found


def _order(key: Key) -> tuple[bytes, bytes]:
    """The service's own: by UTF-16 units."""
    return key[0].encode("utf-16-be"), key[1].encode("utf-16-be")
