"""The stores, told of as they are written: what is counted is what was really saved."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from shared.adapters.tables.audits import TableAuditStore
from shared.adapters.tables.store import TableStore
from shared.adapters.telemetry import meters
from shared.adapters.telemetry.logs import pseudonyms
from shared.domain.audits.records import Audit
from shared.domain.audits.rules import RULES, Rule
from shared.domain.invitations import Invitation, State
from shared.domain.pacing import Pace
from shared.ports.store import Guard, KeyClaim, Versioned

log = logging.getLogger("guestlist")

_OF_RULE = "rule:"


class MeasuredStore(TableStore):
    """Counts guests by the state they come into, and how far each lane is taken."""

    async def accept(self, invitations: Sequence[Invitation], claim: KeyClaim | None) -> None:
        await super().accept(invitations, claim)
        _tell(invitations, ())

    async def accept_import(
        self, invitations: Sequence[Invitation], guards: Mapping[str, Guard], look_at: datetime
    ) -> None:
        await super().accept_import(invitations, guards, look_at)
        _tell(invitations, ())

    async def save(
        self,
        invitations: Sequence[Versioned[Invitation]],
        *,
        before: Sequence[Invitation] = (),
        ends: bool = False,
    ) -> list[Versioned[Invitation]]:
        saved = await super().save(invitations, before=before, ends=ends)
        _tell((i.value for i in invitations), before)
        return saved

    async def reserve(self, lane: str, pace: Pace, units: int, now: datetime) -> datetime:
        slot = await super().reserve(lane, pace, units, now)
        meters.lane_taken(lane, slot - now)
        return slot

    async def reserve_imports(self, pace: Pace, units: Sequence[int], now: datetime) -> list[datetime]:
        slots = await super().reserve_imports(pace, units, now)
        if slots:
            meters.lane_taken("imports", max(slots) - now)
        return slots


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
            told = {
                "guestlist.guest": pseudonyms.of(invitation.address.key),
                "guestlist.group": invitation.id.group,
                "guestlist.reason": reason,
            }
            log.info("invitation %s failed: %s", invitation.id, reason, extra=told)


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
