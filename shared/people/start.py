"""An administrator asks for a person's data, or to have it erased, and looks at what came of it."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shared.core.caller import Caller
from shared.core.clock import Clock, Timing
from shared.core.errors import Conflict, Refused, StorageBusy
from shared.core.ids import SubjectRequestId, UserId, new_id
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.membership.access import require
from shared.membership.model.access import Action
from shared.messages.commands import SearchPersonalData
from shared.messages.ports import Outbox
from shared.people.model import (
    RETENTION_ONCE_FETCHED,
    Person,
    SubjectRequest,
    SubjectRequestKind,
    SubjectRequestState,
    address_forms,
)

if TYPE_CHECKING:
    from shared.people.rows.cases import BlobExports, TableSubjectRequests


@dataclass(frozen=True, slots=True)
class StartSubjectRequest:
    cases: "TableSubjectRequests"
    exports: "BlobExports"
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
        with suppress(StorageBusy):  # Taken is taken: the sweeper sets it going.
            await self.outbox.send(SearchPersonalData(case.id))
        return case

    async def show(
        self, kind: SubjectRequestKind, case_id: SubjectRequestId, caller: Caller
    ) -> tuple[SubjectRequest, list[Any], list[Any]]:
        """The case, whom it was found to be about, and what was found of them; both empty before the end, and when
        they were kept long enough.

        Raises:
            Refused: `not-admin`, `case-missing`.
        """
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
