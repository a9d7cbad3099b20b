"""What an audit's report shows: this audit, those before it, and the worst of what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.audits.model.findings import Finding
from shared.audits.model.records import Audit
from shared.audits.model.remedies import Plan
from shared.core.ids import AppId

HISTORY = 30
"""Audits that the trend goes back."""
MAX_FINDINGS = 1000
"""Findings that the report itself lists; all of them are in the CSV file."""
MAX_DOMAINS = 12
STATES = ("accepted", "pending", "blocked")


@dataclass(frozen=True, slots=True)
class Past:
    """An audit and what it counted of guests."""

    audit: Audit
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """`history` has the oldest first and this audit last."""

    audit: Audit
    totals: Mapping[str, int]
    history: Sequence[Past]
    findings: Sequence[Finding]
    apps: Mapping[AppId, str]
    plans: Sequence[Plan]
    made_at: datetime

    @property
    def left_out(self) -> int:
        """Findings that the report does not list."""
        return self.audit.counts.get("findings", 0) - len(self.findings)


def by_kind(counts: Mapping[str, int], kind: str) -> dict[str, int]:
    """``{name: n}`` of the counts ``{kind}:{name}``, the largest first."""
    found = {key.partition(":")[2]: n for key, n in counts.items() if key.startswith(f"{kind}:")}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def most(counts: Mapping[str, int], limit: int) -> dict[str, int]:
    """The largest, and all the others together."""
    names = list(counts)
    kept = {name: counts[name] for name in names[:limit]}
    others = sum(counts[name] for name in names[limit:])
    return kept | ({"others": others} if others else {})
