"""Counters of an import: how many of its records are in which state, and for which reason. They are written in the
transaction that changes the records, so that they are never another number than a recount would give."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.invitations.model.invitations import Invitation

FINAL = "final"


def count(invitations: Iterable[Invitation]) -> Counter[str]:
    """By state, by ``reason:…``, and those at their end as `FINAL`."""
    found: Counter[str] = Counter()
    for invitation in invitations:
        found[invitation.state.value] += 1
        if invitation.reason is not None:
            found[f"reason:{invitation.reason.value}"] += 1
        if invitation.is_final:
            found[FINAL] += 1
    return found


def difference(before: Iterable[Invitation], after: Iterable[Invitation]) -> dict[str, int]:
    """What to add to the counters when records change; keys that stay as they are are left out."""
    change = count(after)
    change.subtract(count(before))
    return {key: n for key, n in change.items() if n}


def added(counts: Mapping[str, int], change: Mapping[str, int]) -> dict[str, int]:
    """The counters after a change; zeros are left out."""
    return {key: n for key in {**counts, **change} if (n := counts.get(key, 0) + change.get(key, 0))}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the counters of an import say at one moment."""

    counts: Mapping[str, int]
    updated_at: datetime | None

    @property
    def written(self) -> int:
        """Rows that have a record."""
        return sum(n for key, n in self.counts.items() if ":" not in key and key != "final")

    @property
    def final(self) -> int:
        """Records at their end."""
        return self.counts.get("final", 0)
