"""The rows of a chunk in a step's hands: read once, written before the effect and after it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.core.errors import Conflict
from shared.core.versions import Versioned, retry_on_conflict
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.ports import Store
from shared.messages.commands import ChunkCommand

BUSY = "the directory is busy"
CLAIMED = "another delivery is at work, or the directory is not to be asked yet"
WROTE_FIRST = "another delivery wrote first"
SOON = timedelta(seconds=1)


@dataclass(slots=True)
class ChunkRows:
    """The invitations of one chunk, by position, each in the version last read or written."""

    store: Store
    command: ChunkCommand
    rows: dict[int, Versioned[Invitation]]
    _held: dict[int, tuple[Invitation, Callable[[Invitation], Invitation]]] = field(default_factory=dict)
    """As stored, and what is to be written with the next change."""

    @classmethod
    async def read(cls, store: Store, command: ChunkCommand) -> "ChunkRows":
        found = await store.read_chunk(command.group, command.chunk)
        return cls(store, command, {row.value.id.position: row for row in found})

    def in_state(self, *states: State) -> list[Invitation]:
        return [row.value for row in self.rows.values() if row.value.state in states]

    def waiting(self, now: datetime) -> list[Invitation]:
        """Those to be invited who no other delivery has in hand."""
        found = self.in_state(State.ACCEPTED, State.INVITING, State.PARKED)
        return [i for i in found if not i.is_claimed(now)]

    @property
    def is_of_import(self) -> bool:
        return any(row.value.import_id is not None for row in self.rows.values())

    @property
    def all_final(self) -> bool:
        return all(row.value.is_final for row in self.rows.values())

    async def write(self, changed: Collection[Invitation]) -> None:
        """Write the next versions: the intent before an effect. Raises Conflict where another delivery wrote first;
        nothing was written."""
        if not changed:
            return
        versions = [Versioned(i, self.rows[i.id.position].version) for i in changed]
        before = [self._stored(i.id.position) for i in changed]
        positions = {i.id.position for i in changed}
        others_are_final = all(r.value.is_final for p, r in self.rows.items() if p not in positions)
        # It may have ended before: what is written to a member's record then, ends nothing.
        ends = others_are_final and all(i.is_final for i in changed) and not self.all_final
        for row in await self.store.save(versions, before=before, ends=ends):
            self.rows[row.value.id.position] = row
            self._held.pop(row.value.id.position, None)

    def hold(self, positions: Collection[int], change: Callable[[Invitation], Invitation]) -> None:
        """Change rows in hand, and write that with what `settle` writes next: for what a delivery that finds it
        missing learns again."""
        for position in positions:
            stored = self.rows[position]
            self.rows[position] = replace(stored, value=change(stored.value))
            self._held[position] = (stored.value, change)

    @retry_on_conflict("the chunk")
    async def settle(
        self, positions: Collection[int], expected: State, change: Callable[[Invitation], Invitation]
    ) -> None:
        """Write what came of an effect that cannot be undone.

        Where another delivery has written meanwhile, the rows are read again and those still `expected` are changed;
        a row that went on without us is left as it is. Raises StorageBusy where other deliveries kept writing; the
        message comes back."""
        now_there = [self.rows[p].value for p in positions if p in self.rows]
        changed = [change(i) for i in now_there if i.state is expected]
        try:
            await self.write([c for c in changed if c is not self._stored(c.id.position)])
        except Conflict:
            await self._read_again()
            raise

    def _stored(self, position: int) -> Invitation:
        return self._held[position][0] if position in self._held else self.rows[position].value

    async def _read_again(self) -> None:
        held, self._held = self._held, {}
        self.rows = (await ChunkRows.read(self.store, self.command)).rows
        for position, (before, change) in held.items():
            row = self.rows.get(position)
            # Where another delivery took it over, it is that one's.
            if row is not None and (row.value.state, row.value.claimed_until) == (before.state, before.claimed_until):
                self.hold([position], change)

    async def finish(self, now: datetime, wakes_at: datetime | None, stall_timeout: timedelta) -> None:
        """Tell the sweeper: forget a chunk that has ended, look later at one that sleeps longer than usual. Of an
        import's chunk the end was written with its last record."""
        if self.is_of_import:
            if wakes_at is not None and wakes_at > now + stall_timeout / 2:
                await self.store.reschedule(self.command.group, self.command.chunk, wakes_at + stall_timeout)
        elif self.rows and self.all_final:
            await self.store.open_chunks.close((self.command.group, self.command.chunk))
        elif wakes_at is not None and wakes_at > now + stall_timeout / 2:
            await self.store.open_chunks.open((self.command.group, self.command.chunk), wakes_at + stall_timeout)
