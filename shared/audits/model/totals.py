"""What audits count of guests, for the report: how many are in which state, of which domain, how long they took."""

from collections.abc import Iterable, Mapping

from shared.core.ids import GroupId
from shared.membership.model.accounts import Subject

DAYS_TO_ACCEPT = ((0, "same day"), (1, "1 day"), (7, "2 to 7 days"), (30, "8 to 30 days"))
LONGER = "more than 30 days"


def counted(subject: Subject, ours: Iterable[GroupId]) -> dict[str, int]:
    """What one account adds: ``guests``, ``state:…``, ``domain:…`` and ``accepted:…`` once, ``group:…:…`` for each
    group of ours. Nothing for who is no guest of ours."""
    groups = [g for g in ours if g in subject.groups]
    if not groups or subject.gone or not subject.known or not subject.is_guest:
        return {}
    state = _state(subject)
    found = {"guests": 1, f"state:{state}": 1}
    for group in groups:
        found[f"group:{group}:{state}"] = 1
    address = subject.address or next(iter(subject.other_addresses), "")
    found[f"domain:{address.rpartition('@')[2].lower() or 'unknown'}"] = 1
    if subject.accepted and subject.created_at and subject.accepted_at:
        days = max(0, (subject.accepted_at - subject.created_at).days)
        found[f"accepted:{next((name for most, name in DAYS_TO_ACCEPT if days <= most), LONGER)}"] = 1
    return found


def _state(subject: Subject) -> str:
    if not subject.enabled:
        return "blocked"
    return "pending" if subject.accepted is False else "accepted"


def plus(totals: Mapping[str, int], change: Mapping[str, int], sign: int = 1) -> dict[str, int]:
    """Totals with a change added (or taken away, with -1); zeros are left out."""
    return {k: n for k in {**totals, **change} if (n := totals.get(k, 0) + sign * change.get(k, 0))}
