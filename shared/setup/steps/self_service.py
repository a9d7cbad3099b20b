"""Self-service group management of the tenant: no public API has the switch, so a person turns it on.

Self-service access of the app through the group: recorded in Guestlist, which enforces it at once; on Microsoft's
side by hand, as the blade has no API, or by entitlement management, which has one: catalog, group, access package,
policy, each made once.

Sources: graph contract "No API", "Entitlement management"; Microsoft's page, "Enable self-service group management
for your tenant".
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.core import admin_center
from shared.core.checks import SELF_SERVICE_GROUPS, checks_of
from shared.core.directory import DirectoryUser
from shared.core.errors import DirectoryLagging, StorageBusy
from shared.core.versions import retry_on_conflict
from shared.membership.model.apps import Change, Kind, RequestPolicy
from shared.setup.model import Found, ManualTask, SelfService, task_key
from shared.setup.run import Result, Work

if TYPE_CHECKING:
    from shared.graph.entitlements import CatalogResource

CATALOG = "Guestlist"
POLICY = "Guests from outside"
_TENANT_TASK = ManualTask(
    key=SELF_SERVICE_GROUPS,
    title="Let owners manage group membership requests in the Access Panel",
    link=admin_center.GROUPS_GENERAL,
    instructions=(
        "Sign in to the Microsoft Entra admin center as at least a User Administrator.",
        "Go to Identity › Groups › All groups, and under Settings select General.",
        "Under Self Service Group Management set 'Owners can manage group membership requests in the Access Panel' "
        "to Yes, and Save.",
    ),
    values=(("Owners can manage group membership requests in the Access Panel", "Yes"),),
)

type _Find = Callable[[], Awaitable[str | None]]
type _Make = Callable[[], Awaitable[str]]


async def enable_self_service_groups(work: Work) -> Result:
    """Read what can be read around the switch, and ask a person for the switch itself."""
    facts = await work.tools.directory.read_tenant()
    return Result(checks=checks_of(facts), task=_TENANT_TASK)


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
        result = await _offer_access_package(work, approvers)
        return replace(result, found=found)
    return Result(found=found, task=_task(work, approvers))


@retry_on_conflict("the app's record")
async def _record(work: Work, approvers: tuple[DirectoryUser, ...]) -> None:
    """The latest setup's policy stands."""
    stored = await work.tools.store.read_app(work.require_app().app_id)
    if stored is None:
        raise StorageBusy("the app's record is being written")
    record = replace(
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


async def _offer_access_package(work: Work, approvers: tuple[DirectoryUser, ...]) -> Result:
    """Let people from outside ask for the app in My Access, decided as the policy says."""
    entitlements, app, group = work.tools.entitlements, work.require_app(), work.require_group()
    requests, changes = work.plan.policy.requests, list[Change]()

    async def once(kind: Kind, key: str, what: str, find: _Find, make: _Make) -> str:
        id_, made = await work.make_once(key, find=find, make=make)
        if made:
            changes.append(Change(kind, id_, f"{what} made"))
        return id_

    catalog = await once(
        Kind.CATALOG,
        task_key("catalog"),
        f"catalog '{CATALOG}'",
        lambda: entitlements.find_catalog(CATALOG),
        lambda: entitlements.create_catalog(CATALOG, "Apps that are shared with guests. Made by Guestlist."),
    )
    resource = await _resource(work, catalog, changes)
    name = f"{app.name} ({app.app_id[:8]})"
    package = await once(
        Kind.ACCESS_PACKAGE,
        task_key("package", app.app_id),
        f"access package '{name}'",
        lambda: entitlements.find_package(catalog, name),
        lambda: entitlements.create_package(catalog, name, f"Access to {app.name} for guests."),
    )
    if not await entitlements.gives_membership(package, group.id):
        await entitlements.give_membership(package, group.id, resource)
    if requests is RequestPolicy.CLOSED:
        note = "Nobody may ask for the access package: the policy is closed"
        return Result(changes=tuple(changes), notes=(note,))
    decide = [p.id for p in approvers] if requests is RequestPolicy.APPROVAL else []
    await once(
        Kind.ACCESS_POLICY,
        task_key("policy", package),
        f"policy '{POLICY}'",
        lambda: entitlements.find_policy(package, POLICY),
        lambda: entitlements.create_policy(package, POLICY, decide),
    )
    return Result(changes=tuple(changes), notes=(f"Guests ask for '{name}' in My Access",))


async def _resource(work: Work, catalog: str, changes: list[Change]) -> "CatalogResource":
    entitlements, group = work.tools.entitlements, work.require_group()
    intent = f"{catalog}/{group.id}"
    ours = work.was_intended(intent)
    resource = await entitlements.find_resource(catalog, group.id)
    if resource is None:
        await work.intend(intent)
        await entitlements.add_resource(catalog, group.id)
        ours = True
        resource = await entitlements.find_resource(catalog, group.id)
        if resource is None:
            raise DirectoryLagging("the catalog does not show the group yet")
    if ours:
        changes.append(Change(Kind.CATALOG_RESOURCE, resource.id, f"group '{group.name}' added to the catalog"))
    return resource
