"""Findings and the trail as files for a spreadsheet."""

from collections.abc import Callable, Iterable, Mapping

from shared.audits.model.findings import Finding
from shared.core.audit_rules import RULES
from shared.core.csv.results import spreadsheet
from shared.core.records import ChangeLogEntry
from shared.core.words import word_of

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
