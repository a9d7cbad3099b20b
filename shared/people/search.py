"""Goes through everything that is kept and looks for a person, a piece for each message.

First all is looked at: what is found is counted, and for an export kept for whoever asked. Where a row tells of
another account or address of the same person, all is looked at again with it. Then, for an erasure, all is gone
through and erased; and again, once whoever had read a row before must have written it, until nothing is found.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.core.caller import Caller
from shared.core.clock import Clock, Timing
from shared.core.errors import Conflict, Refused, StorageBusy, Unavailable
from shared.core.ids import SubjectRequestId, UserId, new_id
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.membership.access import require
from shared.membership.model.access import Action
from shared.messages.commands import SearchPersonalData
from shared.messages.outcomes import Later, Outcome, later, later_when_free
from shared.messages.ports import Outbox
from shared.people.model import (
    RETENTION_ONCE_FETCHED,
    Page,
    Person,
    Phase,
    SubjectRequest,
    SubjectRequestKind,
    SubjectRequestState,
    absorb,
    address_forms,
    ended,
)
from shared.people.ports import PersonalData

if TYPE_CHECKING:
    from shared.audits.rows.audits import TableAuditStore
    from shared.people.rows.cases import BlobExports, TableSubjectRequests

log = logging.getLogger("guestlist")

_PAGES, _TIME = 20, timedelta(seconds=30)
"""What one delivery looks through, at most: well within a function's time."""
_SOON = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SubjectRequests:
    """An administrator asks for a person's data, or to have it erased; a delivery goes on with that. `personal_data`
    are all places in which people's data is kept; files come first, which rows are made of."""

    cases: "TableSubjectRequests"
    personal_data: Sequence[PersonalData]
    exports: "BlobExports"
    audits: "TableAuditStore"
    outbox: Outbox
    clock: Clock
    timing: Timing

    async def begin(
        self,
        kind: SubjectRequestKind,
        address: str | None,
        user: UserId | None,
        caller: Caller,
        *,
        confirmed: bool = True,
    ) -> SubjectRequest:
        """Without `confirmed` an erasure only looks. Raises Refused `not-admin`, `body-invalid`, `address-invalid`;
        StorageBusy: nothing was taken."""
        require(caller, Action.HANDLE_PERSONAL_DATA)
        if address is None and user is None:
            raise Refused(Reason.BODY_INVALID, "An address or the object id of an account is needed", field="address")
        forms = address_forms(address) if address is not None else frozenset()
        person = Person(forms, frozenset({user}) if user is not None else frozenset())
        now, digits = self.clock.now(), self.clock.random_hex(32)
        case = SubjectRequest(
            id=SubjectRequestId(new_id(now, self.clock.random_hex(10))),
            kind=kind,
            by=f"{caller.name} ({caller.object_id})",
            asked_at=now,
            confirmed=confirmed,
            stand_in=f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}",
            given=person,
            known=person,
        )
        await self.cases.save(Versioned(case, None), now + self.timing.stall_timeout)
        with suppress(StorageBusy):  # Taken is taken: the sweeper sends it again.
            await self.outbox.send(SearchPersonalData(case.id))
        return case

    async def show(
        self, kind: SubjectRequestKind, case_id: SubjectRequestId, caller: Caller
    ) -> tuple[SubjectRequest, list[Any], list[Any]]:
        """The case, who it was found to be about, and what was found of them; both empty before the end, and when
        they were kept long enough. Raises Refused `not-admin`, `case-missing`."""
        require(caller, Action.HANDLE_PERSONAL_DATA)
        stored = await self.cases.read(case_id)
        if stored is None or stored.value.kind is not kind:
            raise Refused(Reason.CASE_MISSING)
        case, now = stored.value, self.clock.now()
        if case.kept_until is None or case.state is not SubjectRequestState.DONE:
            return case, [], []
        if case.kept_until <= now:
            return replace(case, state=SubjectRequestState.GONE), [], []
        person = await self.exports.read(case_id, "person")
        found = await self.exports.read(case_id, f"{case.round:03d}-") if kind is SubjectRequestKind.EXPORT else []
        if kind is SubjectRequestKind.EXPORT and now + RETENTION_ONCE_FETCHED < case.kept_until:
            until = now + RETENTION_ONCE_FETCHED
            with suppress(Conflict, StorageBusy):  # Somebody else fetches it, too; or it is kept for the day.
                await self.cases.save(replace(stored, value=replace(case, kept_until=until)), until)
        return case, person, found

    async def __call__(self, command: SearchPersonalData) -> Outcome:
        """One delivery. Safe to repeat and to run beside itself."""
        now = self.clock.now()
        stored = await self.cases.read(command.case)
        if stored is None or stored.value.state is not SubjectRequestState.RUNNING:
            return Outcome(note="nothing to do")
        case = stored.value
        if case.not_before is not None and case.not_before > now:
            return later(command, case.not_before, case.why or "whoever is at work comes to an end")
        try:
            case = await self._piece(case, now)
            await self._save(Versioned(case, stored.version))
        except Conflict:
            return Outcome(note="another delivery goes on")
        except Unavailable as e:
            return later_when_free(command, e, self.clock)
        if case.state is not SubjectRequestState.RUNNING:
            log.info("%s %s: %s", case.kind.value, case.id, case.state.value)
            return Outcome()
        if case.not_before is not None and case.not_before > now:
            return Outcome(later=Later(SearchPersonalData(case.id), case.not_before, case.why or ""))
        return Outcome(then=(SearchPersonalData(case.id),))

    async def sweep(self) -> int:
        """Send again what has stalled, and delete what was kept of people long enough; gives how many messages
        were sent. Safe to repeat."""
        now, sent = self.clock.now(), 0
        async for stored in self.cases.list_due(now):
            with suppress(Conflict):  # Who wrote it meanwhile has it looked at again.
                if stored.value.state is SubjectRequestState.RUNNING:
                    await self.cases.save(stored, now + self.timing.stall_timeout)
                    await self.outbox.send(SearchPersonalData(stored.value.id))
                    sent += 1
                else:
                    await self.exports.delete(stored.value.id)
                    gone = replace(stored.value, state=SubjectRequestState.GONE)
                    await self.cases.save(Versioned(gone, stored.version), None)
        return sent

    async def _save(self, case: Versioned[SubjectRequest]) -> None:
        value = case.value
        look_at = value.kept_until
        if value.state is SubjectRequestState.RUNNING:
            now = self.clock.now()
            look_at = max(now, value.not_before or now) + self.timing.stall_timeout
        await self.cases.save(case, look_at)

    async def _piece(self, case: SubjectRequest, now: datetime) -> SubjectRequest:
        """The case after the next few pages."""
        is_start = case.phase is not Phase.LOOK and case.place is None
        if is_start and (await self.audits.read_position()).value.running is not None:
            # It has read names and addresses, and will write them down.
            return replace(case, not_before=now + _SOON, why="an audit is running")
        case = replace(case, not_before=None, why=None)
        for _ in range(_PAGES):
            index, after = _read(case.place)
            stand_in = case.stand_in if case.phase is not Phase.LOOK else None
            page = await self.personal_data[index].page(case.known, after, stand_in)
            if stand_in is not None and page.under_way:
                # Begun since all was looked at. What else is on the page is erased, and looked at again.
                why = f"under way: {page.under_way[0]}"
                return replace(case, not_before=now + _SOON, why=why, changed=case.changed + page.changed)
            case = await self._take(case, page)
            case = replace(case, place=_written(index, page.after))
            if page.after is None and index + 1 == len(self.personal_data):
                return await self._next(case)
            if self.clock.now() - now > _TIME:
                break
        return case

    async def _take(self, case: SubjectRequest, page: Page) -> SubjectRequest:
        if case.phase is not Phase.LOOK:
            return replace(case, changed=case.changed + page.changed, pieces=case.pieces + 1)
        if case.kind is SubjectRequestKind.EXPORT and page.found:
            await self.exports.write(case.id, f"{case.round:03d}-{case.pieces:08d}", page.found)
        return absorb(case, page)

    async def _next(self, case: SubjectRequest) -> SubjectRequest:
        """All was gone through."""
        now = self.clock.now()
        begin = replace(case, place=None, round=case.round + 1, changed=0)
        if case.phase is Phase.LOOK:
            if case.grew:
                return replace(begin, grew=False, found={}, mentions=(), under_way=())
            if case.keeps_what_it_found:
                selector = {"addresses": sorted(case.known.addresses), "userIds": sorted(case.known.users)}
                await self.exports.write(case.id, "person", selector)
                return ended(case, SubjectRequestState.DONE, now)
            if case.under_way:
                return ended(case, SubjectRequestState.REFUSED, now)
            return replace(begin, phase=Phase.ERASE)
        if case.phase is Phase.CHECK and not case.changed:
            return ended(case, SubjectRequestState.DONE, now)
        # As long as a claim lasts, for no delivery lives longer: who read a row before has written it by then.
        return replace(begin, phase=Phase.CHECK, not_before=now + self.timing.claim)


def _read(place: str | None) -> tuple[int, str | None]:
    index, _, after = (place or "0 ").partition(" ")
    return int(index), after or None


def _written(index: int, after: str | None) -> str:
    return f"{index} {after}" if after is not None else f"{index + 1} "
