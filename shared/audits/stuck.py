"""Guestlist's own work that stands still: found, and set going again. Steps are safe to run twice."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.findings import Finding
from shared.audits.model.records import Audit, Phase, Task
from shared.core.audit_rules import Rule
from shared.core.ids import ChunkId
from shared.invitations.model.invitations import Invitation
from shared.invitations.sweep import what_waits

STUCK = "stuck"


def stuck_task() -> Task:
    return Task(Phase.EVALUATING, STUCK)


async def invitations_that_stand_still(
    tools: AuditDependencies, audit: Audit, invitations: Sequence[Invitation]
) -> list[Finding]:
    """Those of a group that nothing has moved for too long; what they wait for is sent again."""
    before = audit.started_at - tools.settings.stuck_after
    still = [i for i in invitations if not i.is_final and i.updated_at < before]
    by_chunk: dict[ChunkId, list[Invitation]] = defaultdict(list)
    for invitation in still:
        by_chunk[invitation.id.chunk].append(invitation)
    for chunk, rows in by_chunk.items():
        for command in what_waits(rows[0].id.group, chunk, rows):
            await tools.outbox.send(command)
    return [
        Finding(
            rule=Rule.STUCK,
            subject=str(row.id),
            group=row.id.group,
            app=None,
            name=row.display_name or row.address.text,
            address=row.address.wire,
            detail=f"Invitation: {_since(row.state.value, row.updated_at)}",
            seen_since=audit.started_at,
            app_name=row.app_name,
        )
        for row in still
    ]


async def find_stuck(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    """Work of other capabilities, as each finds it. Safe to repeat."""
    before, found = audit.started_at - tools.settings.stuck_after, list[Finding]()
    for find in tools.find_stuck:
        async for work in find(audit.started_at, before):
            detail = f"{work.what}: {_since(work.state, work.since)}"
            found.append(
                Finding(Rule.STUCK, work.key, work.group, None, work.name, detail, audit.started_at, work.address)
            )
    await tools.write_found(audit, found)
    return replace(task, done=True)


def _since(state: str, at: datetime) -> str:
    return f"'{state}' since {at:%Y-%m-%d %H:%M} UTC"
