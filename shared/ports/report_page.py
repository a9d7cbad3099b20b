"""An audit's report as a document."""

from typing import Protocol

from shared.domain.audits.report import Report


class ReportPage(Protocol):
    def html(self, report: Report) -> str:
        """One self-contained page: it loads nothing and runs nothing, and can be printed."""
        ...
