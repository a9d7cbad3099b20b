"""Self-service access of the app through the group: recorded in Guestlist, which enforces it at once; on
Microsoft's side by hand, as the blade has no API (graph contract "No API"), or as an access package, which has
one."""

from dataclasses import replace

from shared.core import admin_center
from shared.core.directory import DirectoryUser
from shared.core.errors import StorageBusy
from shared.core.versions import retry_on_conflict
from shared.membership.model.apps import AppRecord, RequestPolicy
from shared.setup.model.plan import SelfService
from shared.setup.model.records import Found, ManualTask, task_key
from shared.setup.run import Result, Work
from shared.setup.steps.access_package import offer_access_package


async def open_self_service(work: Work) -> Result:
    """Record the policy, then have Microsoft's side set up."""
    policy = work.plan.policy
    named = await work.find_people(policy.approvers, "policy.approvers") if policy.approvers else []
    approvers = tuple(named) or work.found.owners
    if work.would(f"record the policy: requests {policy.requests.value}, approved by {_names(approvers)}"):
        if work.plan.self_service is SelfService.ACCESS_PACKAGE:
            work.would("set up an access package for the group")
        return Result()
    # Only who was named is kept: owners come and go, and are asked of the directory each time.
    await _record(work, tuple(named))
    found = Found(approvers=tuple(named))
    if work.plan.self_service is SelfService.ACCESS_PACKAGE:
        result = await offer_access_package(work, approvers)
        return replace(result, found=found)
    return Result(found=found, task=_task(work, approvers))


@retry_on_conflict("the app's record")
async def _record(work: Work, approvers: tuple[DirectoryUser, ...]) -> None:
    """The latest setup's policy stands."""
    stored = await work.tools.store.read_app(work.require_app().app_id)
    if stored is None:
        raise StorageBusy("the app's record is being written")
    record: AppRecord = replace(
        stored.value,
        policy=work.plan.policy,
        owners=work.found.owners,
        approvers=approvers,
        setup=work.setup.id,
        updated_at=work.now,
    )
    await work.tools.store.save_app(replace(stored, value=record))


def _task(work: Work, approvers: tuple[DirectoryUser, ...]) -> ManualTask:
    """Source: Microsoft Entra, "Enable self-service application assignment"."""
    app, group, requests = work.require_app(), work.require_group(), work.plan.policy.requests
    asked = "No" if requests is RequestPolicy.CLOSED else "Yes"
    approval = "Yes" if requests is RequestPolicy.APPROVAL else "No"
    values = [
        ("Allow users to request access to this application?", asked),
        ("To which group should assigned users be added?", f"{group.name} ({group.id})"),
        ("Require approval before granting access to this application?", approval),
    ]
    if requests is RequestPolicy.APPROVAL:
        values.append(("Who is allowed to approve access to this application?", _names(approvers)))
    return ManualTask(
        key=task_key("self-service-access", app.app_id, *(v for _, v in values)),
        title=f"Set self-service access of '{app.name}' up",
        link=admin_center.self_service(app.service_principal, app.app_id),
        instructions=(
            "Sign in to the Microsoft Entra admin center as at least a Cloud Application Administrator.",
            f"Go to Identity › Applications › Enterprise applications, open '{app.name}', and under Manage select "
            "Self-service.",
            "Set what is listed here, and Save. Approvers and requesters need Microsoft Entra ID P1 or P2.",
        ),
        values=tuple(values),
    )


def _names(people: tuple[DirectoryUser, ...]) -> str:
    return ", ".join(p.name for p in people) or "the owners"
