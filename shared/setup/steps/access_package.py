"""Self-service access by entitlement management: catalog, group, access package, policy, each made once.

Source: graph contract "Entitlement management".
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from shared.core.directory import DirectoryUser
from shared.core.errors import DirectoryLagging
from shared.membership.model.apps import Change, Kind, RequestPolicy
from shared.setup.model.records import task_key
from shared.setup.run import Result, Work

if TYPE_CHECKING:
    from shared.graph.entitlements import CatalogResource

CATALOG = "Guestlist"
POLICY = "Guests from outside"

type _Find = Callable[[], Awaitable[str | None]]
type _Make = Callable[[], Awaitable[str]]


async def offer_access_package(work: Work, approvers: tuple[DirectoryUser, ...]) -> Result:
    """Let people from outside ask for the app in My Access, decided as the policy says."""
    entitlements, app, group = work.tools.entitlements, work.require_app(), work.require_group()
    requests, changes = work.plan.policy.requests, list[Change]()

    async def once(kind: Kind, key: str, what: str, find: _Find, make: _Make) -> str:
        id_, made = await work.make_once(key, find=find, make=make, id_of=str)
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
