"""Findings written down, with the day on which an audit first saw each."""

from collections.abc import Sequence
from dataclasses import replace

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.findings import Finding
from shared.audits.model.records import Audit


async def write_found(tools: AuditDependencies, audit: Audit, findings: Sequence[Finding]) -> None:
    """Safe to repeat."""
    if not findings:
        return
    since = await tools.audits.known_since(audit.before, [f.id for f in findings]) if audit.before else {}
    dated = [replace(f, seen_since=since.get(f.id, audit.started_at)) for f in findings]
    await tools.audits.write_findings(audit.id, dated)
