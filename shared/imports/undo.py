"""Take back what an import did: the memberships it made, and the guests it made who never came.

Removing and deleting are safe to repeat, and the records are read first: who was a member before, or has come
meanwhile, or has another group, app or a directory role, keeps what is theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.clock import Clock, Timing
from shared.core.errors import Conflict, DirectoryBusy
from shared.core.features import ALL, Feature, Features
from shared.core.ids import GroupId, ImportId, UserId
from shared.core.reasons import Reason
from shared.core.results import Busy, Declined, Gone, GuestLook, LeaveAnswer, Unknown
from shared.core.versions import Versioned
from shared.core.waits import busy_wait
from shared.graph.ports import Directory
from shared.imports.model.imports import ImportState
from shared.imports.ports import ImportStore
from shared.invitations.model.invitations import Invitation, State, advance
from shared.invitations.ports import Store
from shared.invitations.still_wanted import StillWanted
from shared.messages.commands import CHUNK_SIZE, UndoImport
from shared.messages.outcomes import Later, Outcome

_ROWS = 10 * CHUNK_SIZE
"""Records that one delivery takes back, at most."""
_LOOKED_AT = 1000
_KEPT = "the account is kept: deleting accounts is switched off"
_WANTED = "the account is kept: another group has invited it, too"
_DELETED = "the account, which nobody had ever used, is deleted"


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
    wanted: StillWanted
    features: Features = ALL

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
                gone = sum(_never_came(look, group) for look in looks)
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
        chunks: dict[str, list[Versioned[Invitation]]] = {}
        for row in found:
            chunks.setdefault(row.value.id.chunk, []).append(row)
        # The last one may be cut, unless it is the end.
        whole = list(chunks.values())[: None if len(found) < _ROWS else -1] or list(chunks.values())
        for rows in whole:
            try:
                await self._take_back(command.group, rows, now)
            except (DirectoryBusy, Conflict) as e:
                wait = busy_wait(command.attempt, getattr(e, "retry_after", None), self.clock.jitter())
                again = replace(command, attempt=command.attempt + 1)
                return Outcome(later=Later(again, now + wait, "the directory is busy"))
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
        _require_known(answers)
        left = [r for r, a in zip(mine, answers, strict=True) if isinstance(a, Gone)]
        stuck = [(r, a) for r, a in zip(mine, answers, strict=True) if isinstance(a, Declined)]
        made = [r for r in left if not r.value.already_in_directory]
        fates = await self._delete(group, [r.value for r in made])
        changed = [replace(r, value=advance(r.value, State.UNDONE, now, detail=_said(r.value, fates))) for r in left]
        changed += [replace(r, value=replace(r.value, reason=_why(a), detail=a.detail)) for r, a in stuck]
        await self.store.save(changed, before=[r.value for r in (*left, *(r for r, _ in stuck))])

    async def _delete(self, group: GroupId, made: Sequence[Invitation]) -> dict[UserId, str]:
        """What became of each account."""
        users = [i.user_id or UserId("") for i in made]
        if not self.features.has(Feature.UNDO):  # Switched off since it was begun.
            return dict.fromkeys(users, _KEPT)
        looks = await self.directory.get_guests(users)
        idle = {i.address.key: u for i, u, look in zip(made, users, looks, strict=True) if _never_came(look, group)}
        wanted = await self.wanted(group, sorted(idle))
        never_came = [u for key, u in idle.items() if key not in wanted]
        fates = {u: _DELETED for u, look in zip(users, looks, strict=True) if not look.exists}
        fates |= {idle[key]: _WANTED for key in wanted}
        answers = await self.directory.delete_guests(never_came)
        _require_known(answers)
        for user, answer in zip(never_came, answers, strict=True):
            fates[user] = (
                f"the account could not be deleted: {answer.detail}" if isinstance(answer, Declined) else _DELETED
            )
        return fates


def _require_known(answers: Sequence[LeaveAnswer]) -> None:
    """Raises DirectoryBusy where nobody knows of some what became of them: a repeat goes on."""
    if unknown := [a for a in answers if isinstance(a, Busy | Unknown)]:
        after = max((a.retry_after for a in unknown if isinstance(a, Busy) and a.retry_after), default=None)
        raise DirectoryBusy("the directory is busy", retry_after=after)


def _why(answer: Declined) -> Reason:
    return answer.reason if answer.reason is Reason.NOT_A_GUEST else Reason.DIRECTORY_REFUSED


def _never_came(look: GuestLook, group: GroupId) -> bool:
    return look.is_guest and look.pending and not look.has_more_than(group)


def _is_ours(invitation: Invitation) -> bool:
    """The import made this membership."""
    return (
        invitation.state in (State.MEMBER, State.MAILING, State.MAILED)
        and not invitation.already_member
        and invitation.user_id is not None
    )


def _said(invitation: Invitation, fates: Mapping[UserId, str]) -> str:
    if invitation.already_in_directory:
        return "Removed from the group; the account was there before the import"
    kept = "the account is kept: the guest has come, or has another group, app or a directory role"
    return f"Removed from the group; {fates.get(invitation.user_id or UserId(''), kept)}"
