"""The stores, told of as they are written: what is counted is what was really saved."""

import logging
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from azure.data.tables.aio import TableServiceClient

from shared.audits.model.records import Audit
from shared.audits.rows.audits import TableAuditStore
from shared.core.audit_rules import RULES, Rule
from shared.core.errors import GuestlistError
from shared.core.ids import GroupId
from shared.core.records import Stop
from shared.core.versions import Versioned
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.ports import Guard, KeyClaim
from shared.invitations.rows.store import TableStore
from shared.pace.import_pace import ImportPace, Limits, due
from shared.pace.pacing import Pace
from shared.setup.rows import TableSetupStore
from shared.telemetry import meters
from shared.telemetry.logs import pseudonyms

log = logging.getLogger("guestlist")

_OF_RULE = "rule:"
_REMEMBERED_S, _ROOM = 30.0, 500


class MeasuredStore(TableStore):
    """Counts guests by the state they come into, who asks for them, what groups they join, how far each lane is
    taken, and whether all is stopped."""

    def __init__(self, service: TableServiceClient) -> None:
        super().__init__(service)
        self._setups = TableSetupStore(service)
        self._of_app: dict[GroupId, tuple[float, bool]] = {}

    async def accept(self, invitations: Sequence[Invitation], claim: KeyClaim | None) -> None:
        await super().accept(invitations, claim)
        _tell_accepted(invitations)

    async def accept_import(
        self, invitations: Sequence[Invitation], guards: Mapping[str, Guard], look_at: datetime
    ) -> None:
        await super().accept_import(invitations, guards, look_at)
        _tell_accepted(invitations)

    async def save(
        self, invitations: Sequence[Versioned[Invitation]], *, before: Sequence[Invitation] = (), ends: bool = False
    ) -> list[Versioned[Invitation]]:
        saved = await super().save(invitations, before=before, ends=ends)
        _tell((i.value for i in invitations), before)
        await self._tell_groups([i.value for i in invitations], before)
        return saved

    async def _tell_groups(self, after: Sequence[Invitation], before: Sequence[Invitation]) -> None:
        """Which groups guests were put into. A group without an app is one that nobody set up for guests."""
        members = {i.id for i in before if i.state is State.MEMBER}
        new = Counter(
            i.id.group for i in after if i.state is State.MEMBER and i.id not in members and not i.already_member
        )
        for group, count in new.items():
            if (is_of_app := await self._is_of_app(group)) is not None:
                meters.joined(group, is_of_app, count)

    async def _is_of_app(self, group: GroupId) -> bool | None:
        """As it was within half a minute. None where nobody can tell now: what was saved is saved, and telling of it
        never fails a step."""
        read_at, is_of_app = self._of_app.get(group, (-math.inf, False))
        if time.monotonic() - read_at < _REMEMBERED_S:
            return is_of_app
        try:
            is_of_app = bool(await self._setups.list_apps(group))
        except GuestlistError as e:
            log.warning("whether group %s is one of an app could not be read: %s", group, e)
            return None
        if len(self._of_app) >= _ROOM:
            self._of_app.clear()
        self._of_app[group] = (time.monotonic(), is_of_app)
        return is_of_app

    async def read_stop(self) -> Versioned[Stop]:
        found = await super().read_stop()
        meters.stopped(found.value.is_on)
        return found

    async def reserve(self, lane: str, pace: Pace, units: int, now: datetime) -> datetime:
        slot = await super().reserve(lane, pace, units, now)
        meters.lane_taken(lane, slot - now)
        return slot

    async def take_positions(
        self, limits: Limits, units: Sequence[int], who: str, now: datetime
    ) -> tuple[list[float], ImportPace]:
        positions, state = await super().take_positions(limits, units, who, now)
        if positions:
            meters.lane_taken("imports", due(state, limits, positions[-1], now) - now)
        return positions, state


def _tell(after: Iterable[Invitation], before: Iterable[Invitation]) -> None:
    """Count those that came into another state than they were in, and write down who failed."""
    were = {i.id: (i.state, i.reason) for i in before}
    for invitation in after:
        if were.get(invitation.id) == (invitation.state, invitation.reason):
            continue
        reason = invitation.reason.value if invitation.reason is not None else None
        meters.guest_in(invitation.state.value, reason)
        if invitation.state is State.MEMBER and reason is None:
            meters.became_member(invitation.updated_at - invitation.created_at)
        if invitation.state is State.FAILED:
            extra = {
                "guestlist.guest": pseudonyms.of(invitation.address.key),
                "guestlist.group": invitation.id.group,
                "guestlist.reason": reason,
            }
            log.info("invitation %s failed: %s", invitation.id, reason, extra=extra)


def _tell_accepted(invitations: Sequence[Invitation]) -> None:
    """And who asked for how many guests, and of which domains: none of them by name."""
    _tell(invitations, ())
    asked = Counter((i.inviter_id, i.id.group, "import" if i.import_id else "single") for i in invitations)
    for (person, group, way), count in asked.items():
        who = pseudonyms.of_person(person)
        meters.asked_for(who, way, count)
        extra = {"guestlist.person": who, "guestlist.group": group, "guestlist.way": way}
        log.info("%d asked for in group %s by %s (%s)", count, group, who, way, extra=extra)
    for domain, count in Counter(i.address.domain for i in invitations).items():
        meters.domain_asked_for(pseudonyms.of_domain(domain), count)


class MeasuredAuditStore(TableAuditStore):
    """Counts audits that came to their end, and what they found."""

    async def save(self, audit: Versioned[Audit]) -> Versioned[Audit]:
        saved = await super().save(audit)
        record = audit.value
        if record.is_over and not record.is_tidied:
            meters.audit_ended(record.phase.value)
            for key, count in record.counts.items():
                if key.startswith(_OF_RULE):
                    rule = Rule(key.removeprefix(_OF_RULE))
                    meters.found(rule.value, RULES[rule].severity.value, count)
        return saved
