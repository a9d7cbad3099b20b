"""Reading a group: its kind, its owners and the apps that its members get into."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from shared.core.directory import GroupApp, GroupFacts
from shared.core.errors import Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.graph import batch, errors
from shared.graph.batch import Part
from shared.graph.queries import all_pages, one, pages
from shared.graph.response import Response
from shared.graph.session import GraphSession

FIELDS = (
    "id,displayName,groupTypes,securityEnabled,mailEnabled,onPremisesSyncEnabled,isAssignableToRole,"
    "isManagementRestricted"
)
_DIRECTORY = "Directory.Read.All"
_APP_FIELDS = "id,appId,displayName,accountEnabled,tags"
_READ, _APPS = "GroupMember.Read.All", "Application.Read.All"
_HIDDEN = "HideApp"
"""Tag of an app whose tile people do not see."""


type Known = Callable[[Sequence[GroupId]], Awaitable[Mapping[GroupId, Sequence[str]]]]
"""The apps (object ids of service principals) that groups were set up with; groups without any may be left out."""


async def nothing_known(_groups: Sequence[GroupId]) -> Mapping[GroupId, Sequence[str]]:
    return {}


async def read_group(
    session: GraphSession, group: GroupId, known: Known = nothing_known, *, keep: bool = False
) -> GroupFacts:
    """One ``$batch``, and a second one for the apps where the group opens any."""
    apps = (await known([group])).get(group, ())[: batch.LIMIT - 2]
    facts, owners, *assignments = await batch.send(
        session,
        [
            Part("GET", f"/groups/{group}?$select={FIELDS}"),
            Part("GET", f"/groups/{group}/owners?$select=id&$top=999"),
            *_assignments(group, apps),
        ],
        keep=keep,
    )
    if facts.status == 404:
        raise Refused(Reason.GROUP_MISSING, errors.words(facts))
    found = one(facts, _READ)
    owner_ids = await all_pages(session, owners, _READ)
    owned_by = frozenset(UserId(o["id"].lower()) for o in owner_ids)
    # Of a group that opens more than a batch's worth of apps the first are enough: its guests are led to My Apps.
    opened = (await _opened(session, group, apps, assignments))[: batch.LIMIT]
    visible = await visible_apps(session, opened, keep=keep)
    return facts_of({"id": group, **found}, owned_by, tuple(visible[a] for a in opened if a in visible))


async def apps_of_all(
    session: GraphSession, groups: Sequence[GroupId], known: Known
) -> dict[GroupId, tuple[GroupApp, ...]]:
    """The apps that each group opens. A ``$batch`` for each twenty groups, and one for each twenty apps."""
    recorded = await known(groups)
    wanted = [(group, recorded.get(group, ())) for group in groups]
    parts = [part for group, apps in wanted for part in _assignments(group, apps)]
    answers = await batch.send_all(session, parts)
    found: dict[GroupId, list[str]] = {}
    for group, apps in wanted:
        count = len(apps) or 1
        found[group] = await _opened(session, group, apps, answers[:count])
        answers = answers[count:]
    visible = await visible_apps(session, list(dict.fromkeys(app for opened in found.values() for app in opened)))
    return {group: tuple(visible[a] for a in opened if a in visible) for group, opened in found.items()}


def _assignments(group: GroupId, apps: Sequence[str]) -> list[Part]:
    """What tells of the apps that a group opens. Of apps that it was set up with their own side is read: for that
    Microsoft documents `Application.Read.All`, for the group's own side nothing less than `Directory.Read.All`
    ("List appRoleAssignments granted for a service principal", "… granted to a group")."""
    if not apps:
        return [Part("GET", f"/groups/{group}/appRoleAssignments?$top=999")]
    return [Part("GET", f"/servicePrincipals/{quote(app, safe='')}/appRoleAssignedTo?$top=999") for app in apps]


async def _opened(
    session: GraphSession, group: GroupId, apps: Sequence[str], answers: Sequence[Response]
) -> list[str]:
    """The service principals that a group has a role on, out of the answers to `_assignments`. Where no record names
    any and the group's own side may not be read, none is known."""
    if not apps:
        [answer] = answers
        held = [] if answer.status == 403 else await all_pages(session, answer, _DIRECTORY)
        return list(dict.fromkeys(str(a["resourceId"]) for a in held))
    return [
        app
        for app, answer in zip(apps, answers, strict=True)
        if answer.status != 404 and await _is_assigned(session, answer, group)
    ]


async def _is_assigned(session: GraphSession, first: Response, group: GroupId) -> bool:
    """Reads no further than it has to: everybody in the tenant may be assigned to an app."""
    async for page in pages(session, first, _APPS):
        if any(str(a["principalId"]).lower() == group for a in page):
            return True
    return False


def facts_of(found: dict[str, Any], owners: frozenset[UserId], apps: tuple[GroupApp, ...]) -> GroupFacts:
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


async def visible_apps(session: GraphSession, resources: Sequence[str], *, keep: bool = False) -> dict[str, GroupApp]:
    """Those of the service principals that a person may see and use, by object id. A ``$batch`` for each twenty."""
    found: dict[str, GroupApp] = {}
    parts = [Part("GET", f"/servicePrincipals/{quote(r, safe='')}?$select={_APP_FIELDS}") for r in resources]
    for resource, answer in zip(resources, await batch.send_all(session, parts, keep=keep), strict=True):
        if answer.status == 404:
            continue  # The app was deleted; its assignments follow later.
        facts = one(answer, _APPS)
        if facts.get("accountEnabled") is not False and _HIDDEN not in (facts.get("tags") or ()):
            found[resource] = GroupApp(name=facts.get("displayName") or facts["appId"], app_id=facts["appId"])
    return found
