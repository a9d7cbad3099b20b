"""Third phase: an app that is set up, its group and the group's owners, against what the setup made of them."""

from dataclasses import replace

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.app_rules import AppTruth, find_app_drift
from shared.audits.model.records import Audit, Phase, Task
from shared.core.directory import Application, DirectoryUser, GroupFacts, Saml
from shared.core.ids import AppId
from shared.membership.model.apps import AppRecord

APP = "app-"


def app_tasks(apps: list[AppRecord]) -> list[Task]:
    """One for each app."""
    return [Task(Phase.EVALUATING, f"{APP}{app.app_id}") for app in apps]


async def evaluate_app(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    """Look at one app. Safe to repeat."""
    record = await tools.setups.read_app(AppId(task.name.removeprefix(APP)))
    if record is not None:
        truth = await _truth(tools, record.value)
        await tools.write_found(audit, find_app_drift(record.value, truth, tools.clock.now()))
    return replace(task, done=True)


async def _truth(tools: AuditDependencies, record: AppRecord) -> AppTruth:
    group = await tools.find_group(record.group)
    app = await tools.directory.app_by_id(record.app_id)
    owners = await _people(tools, group)
    assigned = await tools.directory.assigned_to(record.service_principal) if app is not None else frozenset[str]()
    return AppTruth(
        group=group,
        owners=owners,
        app=app,
        is_assigned=group is not None and record.group in assigned,
        wants_saml=(saml := await tools.setups.read_saml(record.setup)) is not None,
        differences=await _differences(tools, record, group, app, saml, assigned) if app is not None else (),
    )


async def _people(tools: AuditDependencies, group: GroupFacts | None) -> list[DirectoryUser]:
    """Owners that are people; a service principal owns nothing that anybody could ask."""
    if group is None or not group.owners:
        return []
    return [p for p in await tools.directory.find_people(sorted(group.owners)) if p is not None]


async def _differences(
    tools: AuditDependencies,
    record: AppRecord,
    group: GroupFacts | None,
    app: Application,
    saml: Saml | None,
    assigned: frozenset[str],
) -> list[str]:
    """What the setup verified and no other rule is for."""
    found = [] if app.enabled else [f"'{app.name}' is switched off"]
    if saml is not None and app.sign_on_mode == "saml":
        found += [f"SAML: {what}" for what in await tools.directory.saml_differences(app, saml)]
    for person in record.owners:
        if group is not None and group.owners and person.id not in group.owners:
            found.append(f"{person.name} is no owner of the group any more")
        elif person.id not in assigned:
            found.append(f"{person.name} is not assigned to the app any more")
    return found
