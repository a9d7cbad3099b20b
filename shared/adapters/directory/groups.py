"""Reading a group: its kind, its owners and the apps that its members get into."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from shared.adapters.directory import batch, errors
from shared.adapters.directory.batch import Part
from shared.adapters.directory.pages import all_pages, one
from shared.adapters.directory.session import GraphSession
from shared.domain.errors import Refused
from shared.domain.groups import App, GroupFacts
from shared.domain.ids import GroupId, UserId
from shared.domain.reasons import Reason

FIELDS = (
    "id,displayName,groupTypes,securityEnabled,mailEnabled,onPremisesSyncEnabled,isAssignableToRole,"
    "isManagementRestricted"
)
_APP_FIELDS = "id,appId,displayName,accountEnabled,tags"
_READ = "Directory.Read.All"
"""Less would do for the group and its owners, not for its assignments: `shared.domain.permissions`."""
_HIDDEN = "HideApp"
"""Tag of an app whose tile people do not see."""


async def read_group(session: GraphSession, group: GroupId) -> GroupFacts:
    """One ``$batch``, and a second one for the apps where the group opens any."""
    facts, owners, assignments = await batch.send(
        session,
        [
            Part("GET", f"/groups/{group}?$select={FIELDS}"),
            Part("GET", f"/groups/{group}/owners?$select=id&$top=999"),
            Part("GET", f"/groups/{group}/appRoleAssignments?$top=999"),
        ],
    )
    if facts.status == 404:
        raise Refused(Reason.GROUP_MISSING, errors.words(facts))
    found = one(facts, _READ)
    owner_ids = await all_pages(session, owners, _READ)
    assigned = await all_pages(session, assignments, _READ)
    owned_by = frozenset(UserId(o["id"].lower()) for o in owner_ids)
    return facts_of({"id": group, **found}, owned_by, await _apps(session, assigned))


def facts_of(found: dict[str, Any], owners: frozenset[UserId], apps: tuple[App, ...]) -> GroupFacts:
    """A group as Graph shows it, where `FIELDS` were asked for."""
    group = GroupId(str(found["id"]).lower())
    return GroupFacts(
        id=group,
        name=found.get("displayName") or group,
        group_types=frozenset(found.get("groupTypes") or ()),
        security_enabled=bool(found.get("securityEnabled")),
        mail_enabled=bool(found.get("mailEnabled")),
        synced=bool(found.get("onPremisesSyncEnabled")),
        role_assignable=bool(found.get("isAssignableToRole")),
        management_restricted=bool(found.get("isManagementRestricted")),
        owners=owners,
        apps=apps,
    )


async def _apps(session: GraphSession, assignments: list[dict[str, Any]]) -> tuple[App, ...]:
    """The apps that the group opens and that a person may see. Of a group that opens more than a batch's
    worth the first are enough: a guest of several apps is led to My Apps."""
    resources = resources_of(assignments)[: batch.LIMIT]
    found = await visible_apps(session, resources)
    return tuple(found[r] for r in resources if r in found)


def resources_of(assignments: Iterable[dict[str, Any]]) -> list[str]:
    """The service principals that assignments give a role on, each once."""
    return list(dict.fromkeys(str(a["resourceId"]) for a in assignments))


async def visible_apps(session: GraphSession, resources: Sequence[str]) -> dict[str, App]:
    """Those of the service principals that a person may see and use, by object id. A ``$batch`` for each twenty."""
    found: dict[str, App] = {}
    for start in range(0, len(resources), batch.LIMIT):
        few = resources[start : start + batch.LIMIT]
        parts = [Part("GET", f"/servicePrincipals/{quote(r, safe='')}?$select={_APP_FIELDS}") for r in few]
        for resource, answer in zip(few, await batch.send(session, parts), strict=True):
            if answer.status == 404:
                continue  # The app was deleted; its assignments follow later.
            facts = one(answer, _READ)
            if facts.get("accountEnabled") is not False and _HIDDEN not in (facts.get("tags") or ()):
                found[resource] = App(name=facts.get("displayName") or facts["appId"], app_id=facts["appId"])
    return found
