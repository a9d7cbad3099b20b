"""Findings and the trail as files that a spreadsheet opens and computes nothing of."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from shared.audits.model.findings import Finding
from shared.core.audit_rules import RULES
from shared.core.change_log import ChangeLogEntry
from shared.core.csv.encoding import UTF_8
from shared.core.csv.results import defused

FINDINGS = (
    "id",
    "severity",
    "rule",
    "title",
    "app",
    "group",
    "name",
    "address",
    "subject",
    "detail",
    "advice",
    "seenSince",
)
CHANGE_LOG = (
    "at",
    "who",
    "what",
    "name",
    "subject",
    "before",
    "after",
    "group",
    "app",
    "audit",
    "rule",
    "requestId",
)
_BOM = b"\xef\xbb\xbf"


def finding_lines(findings: Iterable[Finding], *, headings: bool) -> bytes:
    """UTF-8, with the byte order mark that Excel knows it by where it begins with headings."""
    rows = [
        (
            f.id,
            f.severity.value,
            f.rule.value,
            RULES[f.rule].title,
            f.app_name,
            f.group_name,
            f.name,
            f.address or "",
            f.subject,
            f.detail,
            RULES[f.rule].advice,
            f.seen_since.isoformat(timespec="seconds"),
        )
        for f in findings
    ]
    return _file(FINDINGS if headings else None, rows)


def change_log_lines(entries: Iterable[ChangeLogEntry], *, headings: bool) -> bytes:
    """As `finding_lines`."""
    rows = [
        (
            e.at.isoformat(timespec="seconds"),
            e.who,
            e.what,
            e.name,
            e.subject,
            e.before,
            e.after,
            e.group or "",
            e.app or "",
            e.audit or "",
            e.rule or "",
            e.request_id or "",
        )
        for e in entries
    ]
    return _file(CHANGE_LOG if headings else None, rows)


def _file(headings: Sequence[str] | None, rows: Iterable[Sequence[str]]) -> bytes:
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    if headings is not None:
        writer.writerow(headings)
    writer.writerows([defused(cell) for cell in row] for row in rows)
    # A lone surrogate in somebody's name must not cost the file.
    return (_BOM if headings is not None else b"") + text.getvalue().encode(UTF_8, "replace")
