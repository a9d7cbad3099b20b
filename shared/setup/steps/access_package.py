"""Self-service access by entitlement management: catalog, group, access package, policy, each made once.

Source: graph contract "Entitlement management".
"""

from typing import TYPE_CHECKING

from shared.core.errors import DirectoryLagging
from shared.core.users import DirectoryUser
from shared.membership.model.apps import Change, Kind
from shared.membership.model.policy import RequestPolicy
from shared.setup.model.records import task_key
from shared.setup.run import Result, Work

if TYPE_CHECKING:
    from shared.graph.apps.entitlements import CatalogResource

CATALOG = "Guestlist"
POLICY = "Guests from outside"


async def offer_access_package(work: Work, approvers: tuple[DirectoryUser, ...]) -> Result:
    """Let people from outside ask for the app in My Access, decided as the policy says."""
    entitlements, app, group = work.tools.entitlements, work.require_app(), work.require_group()
    changes: list[Change] = []

    async def make_catalog() -> str:
        return await entitlements.create_catalog(CATALOG, "Apps that are shared with guests. Made by Guestlist.")

    catalog, made = await work.make_once(
        task_key("catalog"), find=lambda: entitlements.find_catalog(CATALOG), make=make_catalog, id_of=str
    )
    if made:
        changes.append(Change(Kind.CATALOG, catalog, f"catalog '{CATALOG}' made"))
    resource = await _resource(work, catalog, changes)

    name = f"{app.name} ({app.app_id[:8]})"

    async def make_package() -> str:
        return await entitlements.create_package(catalog, name, f"Access to {app.name} for guests.")

    package, made = await work.make_once(
        task_key("package", app.app_id),
        find=lambda: entitlements.find_package(catalog, name),
        make=make_package,
        id_of=str,
    )
    if made:
        changes.append(Change(Kind.ACCESS_PACKAGE, package, f"access package '{name}' made"))
    if not await entitlements.gives_membership(package, group.id):
        await entitlements.give_membership(package, group.id, resource)
    decide = [p.id for p in approvers] if work.plan.policy.requests is RequestPolicy.APPROVAL else []
    if work.plan.policy.requests is RequestPolicy.CLOSED:
        note = "Nobody may ask for the access package: the policy is closed"
        return Result(changes=tuple(changes), notes=(note,))

    async def make_policy() -> str:
        return await entitlements.create_policy(package, POLICY, decide)

    policy, made = await work.make_once(
        task_key("policy", package),
        find=lambda: entitlements.find_policy(package, POLICY),
        make=make_policy,
        id_of=str,
    )
    if made:
        changes.append(Change(Kind.ACCESS_POLICY, policy, f"policy '{POLICY}' made"))
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
