"""Guestlist's own work that stands still: found, and set going again. Steps are safe to run twice."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.audits.findings import Finding
from shared.domain.audits.records import Audit, Phase, Task
from shared.domain.audits.rules import Rule
from shared.domain.commands import FulfilRequest, RunSetupStep
from shared.domain.ids import ChunkId
from shared.domain.invitations import Invitation
from shared.steps.audits.found import write_found
from shared.steps.audits.tools import AuditTools
from shared.steps.sweep import what_waits

STUCK = "stuck"


def stuck_task() -> Task:
    return Task(Phase.JUDGING, STUCK)


async def invitations_that_stand_still(
    tools: AuditTools, audit: Audit, invitations: Sequence[Invitation]
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


async def find_stuck(tools: AuditTools, audit: Audit, task: Task) -> Task:
    """Join requests that were approved and setups that run. Safe to repeat."""
    before = audit.started_at - tools.settings.stuck_after
    await write_found(tools, audit, await _requests(tools, audit, before) + await _setups(tools, audit, before))
    return replace(task, done=True)


async def _requests(tools: AuditTools, audit: Audit, before: datetime) -> list[Finding]:
    found: list[Finding] = []
    async for group, request_id in tools.requests.list_open(look_before=audit.started_at):
        stored = await tools.requests.read(group, request_id)
        if stored is None or not stored.value.is_unfulfilled or stored.value.updated_at >= before:
            continue
        request = stored.value
        await tools.outbox.send(FulfilRequest(group, request_id))
        what = f"Join request: {_since(request.state.value, request.updated_at)}"
        name = request.display_name or request.address.text
        found.append(Finding(Rule.STUCK, request_id, group, None, name, what, audit.started_at, request.address.wire))
    return found


async def _setups(tools: AuditTools, audit: Audit, before: datetime) -> list[Finding]:
    found: list[Finding] = []
    async for setup_id in tools.setups.list_open(look_before=audit.started_at):
        stored = await tools.setups.read(setup_id)
        if stored is None:
            continue
        setup = stored.setup
        for step in setup.to_run:
            since = setup.steps[step].started_at or setup.created_at
            if since >= before:
                continue
            await tools.outbox.send(RunSetupStep(setup_id, step))
            what = f"Setup: {_since(step.value, since)}"
            name = setup.found.app.name if setup.found.app else setup.plan.app.name or setup_id
            found.append(Finding(Rule.STUCK, f"{setup_id} {step.value}", None, None, name, what, audit.started_at))
    return found


def _since(state: str, at: datetime) -> str:
    return f"'{state}' since {at:%Y-%m-%d %H:%M} UTC"
