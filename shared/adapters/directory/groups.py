"""Reading a group: its kind, its owners and the apps that its members get into."""

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

_FIELDS = (
    "id,displayName,groupTypes,securityEnabled,mailEnabled,onPremisesSyncEnabled,isAssignableToRole,"
    "isManagementRestricted"
)
_APP_FIELDS = "id,appId,displayName,accountEnabled,tags"
_READ_GROUP, _READ_APP = "Group.Read.All", "Application.Read.All"
_HIDDEN = "HideApp"
"""Tag of an app whose tile people do not see."""


async def read_group(session: GraphSession, group: GroupId) -> GroupFacts:
    """One ``$batch``, and a second one for the apps where the group opens any."""
    facts, owners, assignments = await batch.send(
        session,
        [
            Part("GET", f"/groups/{group}?$select={_FIELDS}"),
            Part("GET", f"/groups/{group}/owners?$select=id&$top=999"),
            Part("GET", f"/groups/{group}/appRoleAssignments?$top=999"),
        ],
    )
    if facts.status == 404:
        raise Refused(Reason.GROUP_MISSING, errors.words(facts))
    found = one(facts, _READ_GROUP)
    owner_ids = await all_pages(session, owners, _READ_GROUP)
    assigned = await all_pages(session, assignments, _READ_APP)
    return GroupFacts(
        id=group,
        name=found.get("displayName") or group,
        group_types=frozenset(found.get("groupTypes") or ()),
        security_enabled=bool(found.get("securityEnabled")),
        mail_enabled=bool(found.get("mailEnabled")),
        synced=bool(found.get("onPremisesSyncEnabled")),
        role_assignable=bool(found.get("isAssignableToRole")),
        management_restricted=bool(found.get("isManagementRestricted")),
        owners=frozenset(UserId(o["id"].lower()) for o in owner_ids),
        apps=await _apps(session, assigned),
    )


async def _apps(session: GraphSession, assignments: list[dict[str, Any]]) -> tuple[App, ...]:
    """The apps that the group opens and that a person may see. Of a group that opens more than a batch's
    worth the first are enough: a guest of several apps is led to My Apps."""
    resources = list(dict.fromkeys(str(a["resourceId"]) for a in assignments))[: batch.LIMIT]
    if not resources:
        return ()
    parts = [Part("GET", f"/servicePrincipals/{quote(r, safe='')}?$select={_APP_FIELDS}") for r in resources]
    apps = []
    for answer in await batch.send(session, parts):
        if answer.status == 404:
            continue  # The app was deleted; its assignments follow later.
        found = one(answer, _READ_APP)
        if found.get("accountEnabled") is not False and _HIDDEN not in (found.get("tags") or ()):
            apps.append(App(name=found.get("displayName") or found["appId"], app_id=found["appId"]))
    return tuple(apps)
