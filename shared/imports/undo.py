"""Take back what an import did: the memberships it made, and the guests it made who never came.

Removing and deleting are safe to repeat, and the records are read first: who was a member before, or has come
meanwhile, or has another group, app or a directory role, keeps what is theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from shared.core.clock import Clock, Timing
from shared.core.errors import Conflict, DirectoryBusy
from shared.core.ids import GroupId, ImportId, UserId
from shared.core.reasons import Reason
from shared.core.results import Declined, Gone, require_known
from shared.core.versions import Versioned
from shared.core.waits import busy_wait
from shared.graph.ports import Directory
from shared.imports.model.imports import ImportState
from shared.imports.ports import ImportStore
from shared.invitations.chunk_rows import WROTE_FIRST
from shared.invitations.model.invitations import Invitation, State, advance
from shared.invitations.ports import Store
from shared.invitations.take_back import DeleteUnused
from shared.messages.commands import CHUNK_SIZE, UndoImport
from shared.messages.outcomes import Outcome, later, later_when_free

_ROWS = 10 * CHUNK_SIZE
"""Records that one delivery takes back, at most."""
_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What an undo would do: memberships removed, guests deleted, and guests kept (they came, or have more)."""

    memberships: int
    guests: int
    kept: int


@dataclass(frozen=True, slots=True)
class UndoImportStep:
    imports: ImportStore
    store: Store
    directory: Directory
    clock: Clock
    timing: Timing
    delete_unused: DeleteUnused

    async def plan(self, import_id: ImportId, groups: Sequence[GroupId]) -> UndoPlan:
        """Look at everything the import did; of guests it made, at the first thousand in the directory."""
        memberships = guests = kept = looked_at = 0
        for group in groups:
            after = None
            while rows := await self.store.read_import_rows(import_id, group, after=after, limit=1000):
                after = rows[-1].value.id.chunk
                mine = [r.value for r in rows if _is_ours(r.value)]
                memberships += len(mine)
                made = [i for i in mine if not i.already_in_directory and i.user_id is not None]
                room = max(0, _LOOKED_AT - looked_at)
                looked_at += len(made[:room])
                looks = await self.directory.get_guests([i.user_id for i in made[:room] if i.user_id])
                looked = zip(made[:room], looks, strict=True)
                gone = sum(self.delete_unused.kept(i, look, group) is None for i, look in looked)
                guests += gone + len(made[room:])
                kept += len(looks) - gone
        return UndoPlan(memberships, guests, kept)

    async def __call__(self, command: UndoImport) -> Outcome:
        """Take back some, and go on with the rest. Safe to repeat at any time."""
        stored = await self.imports.read(command.import_id)
        if stored is None or stored.record.value.state is not ImportState.UNDOING:
            return Outcome(note="nothing to undo")
        now = self.clock.now()
        await self.imports.open(command.import_id, now + self.timing.stall_timeout)
        found = await self.store.read_import_rows(command.import_id, command.group, after=command.after, limit=_ROWS)
        chunks = [list(rows) for _, rows in groupby(found, lambda row: row.value.id.chunk)]
        # The last one may be cut, unless it is the end.
        whole = chunks[: None if len(found) < _ROWS else -1] or chunks
        for rows in whole:
            try:
                await self._take_back(command.group, rows, now)
            except DirectoryBusy as e:
                return later_when_free(command, e, self.clock)
            except Conflict:
                return later(command, now + busy_wait(command.attempt, None, self.clock.jitter()), WROTE_FIRST)
        if len(found) == _ROWS:
            return Outcome(then=(replace(command, after=whole[-1][0].value.id.chunk, attempt=0),))
        groups = sorted(stored.progress.value.targets)
        behind = groups[groups.index(command.group) + 1 :]
        if behind:
            return Outcome(then=(UndoImport(command.import_id, GroupId(behind[0])),))
        finished = replace(stored.record.value, finished_at=self.clock.now())
        try:
            await self.imports.save(Versioned(finished, stored.record.version))
        except Conflict:
            return Outcome(note="another delivery ended it")
        return Outcome()

    async def _take_back(self, group: GroupId, rows: Sequence[Versioned[Invitation]], now: datetime) -> None:
        mine = [r for r in rows if _is_ours(r.value)]
        if not mine:
            return
        answers = await self.directory.leave(group, [r.value.user_id or UserId("") for r in mine])
        require_known(answers)
        left = [r for r, a in zip(mine, answers, strict=True) if isinstance(a, Gone)]
        stuck = [(r, a) for r, a in zip(mine, answers, strict=True) if isinstance(a, Declined)]
        made = [i for r in left if not (i := r.value).already_in_directory and self.delete_unused.is_on]
        users = [i.user_id or UserId("") for i in made]
        looks = dict(zip(users, await self.directory.get_guests(users) if users else (), strict=True))
        fates = await self.delete_unused(group, [r.value for r in left], looks)
        changed = [
            replace(r, value=advance(r.value, State.UNDONE, now, detail=_said(fate)))
            for r, fate in zip(left, fates, strict=True)
        ]
        changed += [replace(r, value=replace(r.value, reason=_why(a), detail=a.detail)) for r, a in stuck]
        await self.store.save(changed, before=[r.value for r in (*left, *(r for r, _ in stuck))])


def _why(answer: Declined) -> Reason:
    return answer.reason if answer.reason is Reason.NOT_A_GUEST else Reason.DIRECTORY_REFUSED


def _said(fate: str | Declined) -> str:
    account = f"the account could not be deleted: {fate.detail}" if isinstance(fate, Declined) else fate
    return f"Removed from the group; {account}"


def _is_ours(invitation: Invitation) -> bool:
    """The import made this membership."""
    return (
        invitation.state in (State.MEMBER, State.MAILING, State.MAILED)
        and not invitation.already_member
        and invitation.user_id is not None
    )
