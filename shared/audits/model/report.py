"""What audits count of guests (how many are in which state, of which domain, how long they took), what a report shows
of that, and findings and the trail as files for a spreadsheet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.audits.model.records import Audit, Finding, Plan
from shared.core.audit_rules import RULES
from shared.core.csv.results import spreadsheet
from shared.core.ids import AppId, GroupId
from shared.core.records import ChangeLogEntry
from shared.core.words import word_of
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


FINDINGS: Mapping[str, Callable[[Finding], str | None]] = {
    "id": lambda f: f.id,
    "severity": lambda f: f.severity.value,
    "rule": lambda f: f.rule.value,
    "title": lambda f: RULES[f.rule].title,
    "app": lambda f: f.app_name,
    "group": lambda f: f.group_name,
    "name": lambda f: f.name,
    "address": lambda f: f.address,
    "subject": lambda f: f.subject,
    "detail": lambda f: f.detail,
    "advice": lambda f: RULES[f.rule].advice,
    "seenSince": lambda f: f.seen_since.isoformat(timespec="seconds"),
}
CHANGE_LOG: Mapping[str, Callable[[ChangeLogEntry], str | None]] = {
    "at": lambda e: e.at.isoformat(timespec="seconds"),
    "who": lambda e: e.who,
    "what": lambda e: word_of(e.what),
    "name": lambda e: e.name,
    "subject": lambda e: e.subject,
    "before": lambda e: e.before,
    "after": lambda e: e.after,
    "group": lambda e: e.group,
    "app": lambda e: e.app,
    "audit": lambda e: e.audit,
    "rule": lambda e: e.rule,
    "requestId": lambda e: e.request_id,
}


def lines[T](columns: Mapping[str, Callable[[T], str | None]], records: Iterable[T], *, headings: bool) -> bytes:
    """A line for each record."""
    rows = ([read(record) for read in columns.values()] for record in records)
    return spreadsheet(rows, tuple(columns) if headings else ())
