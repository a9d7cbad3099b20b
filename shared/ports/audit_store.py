"""Where Guestlist keeps its audits: how far the directory was read, the runs, their tasks and findings."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.applications import AppId
from shared.domain.audits.findings import Finding
from shared.domain.audits.records import Audit, AuditId, Position, Task
from shared.domain.audits.rules import Rule, Severity
from shared.domain.ids import GroupId
from shared.ports.store import Versioned


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


class AuditStore(Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    # Runs
    async def read_position(self) -> Versioned[Position]: ...

    async def write_position(self, position: Versioned[Position]) -> None:
        """Raises Conflict where it changed since it was read."""
        ...

    async def read(self, audit: AuditId) -> Versioned[Audit] | None: ...

    async def save(self, audit: Versioned[Audit]) -> Versioned[Audit]:
        """Raises Conflict where it changed since it was read, or is there already."""
        ...

    async def list_audits(self, continuation: str | None, limit: int) -> tuple[list[Audit], str | None]:
        """The newest first. Raises ValueError for a continuation that was never given out."""
        ...

    async def list_untidied(self, before: datetime, limit: int) -> list[Versioned[Audit]]:
        """Audits begun before a moment whose findings are still there."""
        ...

    async def forget(self, audit: AuditId, limit: int) -> bool:
        """Delete findings, tasks and plans, up to so many rows of each; true where none is left. What was counted
        stays. Safe to repeat."""
        ...

    # Tasks
    async def add_tasks(self, audit: AuditId, tasks: Sequence[Task]) -> None:
        """Those that are there already stay as they are. Safe to repeat."""
        ...

    async def read_task(self, audit: AuditId, name: str) -> Task | None: ...

    async def write_task(self, audit: AuditId, task: Task) -> None:
        """Safe to repeat."""
        ...

    async def list_tasks(self, audit: AuditId) -> list[Task]: ...

    # Totals of what was counted
    async def write_totals(self, audit: AuditId, name: str, totals: Mapping[str, int]) -> None:
        """What a part of a task has counted, or (`TOTAL`) all of them together. Safe to repeat."""
        ...

    async def read_totals(self, audit: AuditId, name: str) -> dict[str, int]:
        """Empty where there are none."""
        ...

    async def sum_totals(self, audit: AuditId) -> dict[str, int]:
        """What all parts have counted."""
        ...

    # Findings
    async def write_findings(self, audit: AuditId, findings: Sequence[Finding]) -> None:
        """Safe to repeat: a finding has one id."""
        ...

    async def known_since(self, audit: AuditId, findings: Collection[str]) -> dict[str, datetime]:
        """Since when those of the findings (by id) are known that an audit had. One request a dozen."""
        ...

    async def list_findings(
        self, audit: AuditId, show: FindingFilter, continuation: str | None, limit: int
    ) -> FindingPage:
        """Raises ValueError for a continuation that was never given out."""
        ...

    def all_findings(self, audit: AuditId) -> AsyncIterator[Finding]:
        """The worst first, read page by page."""
        ...
