"""A finding: one rule that one thing breaks, in one group or app."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated

from shared.core.audit_rules import RULES, SEVERITIES, Rule, Severity
from shared.core.ids import AppId, GroupId
from shared.core.personal import SUBJECT, Personal, Says


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is the object id of what it is about (a guest, an owner, a group, an app) or the id of the stuck
    work; `name` and `address` are for people to read. `seen_since` is when an audit first saw it."""

    rule: Rule
    subject: Annotated[str, Personal(SUBJECT, says=Says.WHO)]
    group: GroupId | None
    app: AppId | None
    name: Annotated[str, Personal(SUBJECT)]
    detail: Annotated[str, Personal(SUBJECT)]
    seen_since: datetime
    address: Annotated[str | None, Personal(SUBJECT, says=Says.WHO)] = None
    group_name: str = ""
    app_name: str = ""

    @property
    def severity(self) -> Severity:
        return RULES[self.rule].severity

    @property
    def id(self) -> str:
        """24 hex digits, the same in every audit that finds it: the severity's place first, so that the worst are
        read first."""
        text = "\n".join((self.rule.value, self.subject, self.group or "", self.app or ""))
        return f"{SEVERITIES.index(self.severity):02x}{sha256(text.encode()).hexdigest()[:22]}"


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """How many by ``severity:…``, ``rule:…``, ``app:…`` and ``{severity}-of:{app}``."""
    found: dict[str, int] = {}
    for finding in findings:
        keys = [f"severity:{finding.severity.value}", f"rule:{finding.rule.value}"]
        if finding.app:
            keys += [f"app:{finding.app}", f"{finding.severity.value}-of:{finding.app}"]
        for key in keys:
            found[key] = found.get(key, 0) + 1
    return found


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """What to show of an audit's findings; empty shows all."""

    severity: Severity | None = None
    rule: Rule | None = None
    group: GroupId | None = None
    app: AppId | None = None


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Some findings, the worst first, and where the next page begins (opaque; None at the end)."""

    findings: list[Finding]
    continuation: str | None


TOTAL = "total"
"""The totals of a whole audit."""
