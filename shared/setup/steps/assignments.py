"""The group and its owners on the app: what 'Users and groups' of the enterprise application shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.core.directory import AppRole, choose_role
from shared.membership.model.apps import Change, Kind
from shared.setup.model.records import Found
from shared.setup.run import Result, Work
from shared.setup.steps.group import require_group


@dataclass(frozen=True, slots=True)
class _Principal:
    id: str
    name: str
    is_group: bool


async def assign_group(work: Work) -> Result:
    """Give the group its role on the app."""
    group = work.found.group
    if group is not None and work.plan.group.id is not None:
        await require_group(work, group.id, await work.find_people(work.plan.owners, "owners"))
    principals = [_Principal(group.id, f"the group '{group.name}'", True)] if group else []
    if group is None:
        work.would("assign the new group to the app")
    return await _assign(work, principals)


async def assign_owners(work: Work) -> Result:
    """Give each owner the same role, so that the app shows in their Access Panel."""
    return await _assign(work, [_Principal(p.id, p.name, False) for p in work.found.owners])


async def _assign(work: Work, principals: Sequence[_Principal]) -> Result:
    if work.dry and work.found.app is None:
        for principal in principals:
            work.would(f"assign {principal.name} to the new app")
        return Result()
    app, directory = await work.read_app(), work.tools.directory
    role = choose_role(app, work.plan.app_role)
    changes = []
    for principal in principals:
        there = await _assignment(work, principal, role)
        if there is None and work.would(f"assign {principal.name} to '{app.name}' as {role.name}"):
            continue
        intent = f"{principal.id}/{role.id}"
        ours = work.was_intended(intent)
        if there is None:
            await work.intend(intent)
            there = await directory.assign(app.service_principal, principal.id, role.id)
            ours = ours or there is not None
            # Somebody else was quicker: it is there all the same.
            there = there or await _assignment(work, principal, role)
        if ours:
            what = f"{principal.name} assigned to '{app.name}' as {role.name}"
            changes.append(Change(Kind.ASSIGNMENT, there or "", what))
    return Result(changes=tuple(changes), found=Found(role=role))


async def _assignment(work: Work, principal: _Principal, role: AppRole) -> str | None:
    found = await work.tools.directory.assignments_of(principal.id, is_group=principal.is_group)
    resource = work.require_app().service_principal
    return next((a.id for a in found if a.resource == resource and a.role == role.id), None)
