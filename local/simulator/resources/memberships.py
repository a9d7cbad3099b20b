"""What objects are members of, with its casts and checks, and bare references.

Sources: "List memberOf", "checkMemberGroups" and "Customize responses with query parameters" (references) in
Microsoft's v1.0 documentation; groups, administrative units and directory roles: "List a user's direct memberships".
"""

from collections.abc import Callable
from typing import Any, Final

from ..call import Answer, Call
from ..directory.objects import DirectoryObject, OrderedIds
from ..errors import bad_request, not_found
from ..listing import count_links, list_links
from ..routing import Handler, Needs, Route
from . import permissions as may
from .answers import bound, strings
from .groups.routes import list_related
from .lookup import need_application, need_group, need_service_principal, need_user
from .new_apps import list_owners
from .users import model

Find = Callable[[Call], DirectoryObject]

_HELD: Final = {"groupIds": model.member_groups, "ids": model.member_objects}
_HOLDERS: Final = ("group", "administrativeUnit")
_AND_ROLES: Final = (*_HOLDERS, "directoryRole")


def list_memberships(call: Call, *, find: Find, transitive: bool, cast: str | None) -> Answer:
    return list_links(call, _links(call, find, transitive=transitive), cast=cast)


def count_memberships(call: Call, *, find: Find, transitive: bool, cast: str | None) -> Answer:
    return count_links(call, _links(call, find, transitive=transitive), cast=cast)


def check(call: Call, *, find: Find, name: str) -> Answer:
    """Which of up to 20 ids the object is in, through other groups too."""
    object_, ids = find(call), model.checked_ids(call.json(), name)
    having = {id_.lower() for id_ in _HELD[name](call.world, object_)}
    return strings(call, [id_ for id_ in ids if id_.lower() in having])


def get_all(call: Call, *, find: Find, name: str) -> Answer:
    security_only = call.json().get("securityEnabledOnly") is True
    return strings(call, _HELD[name](call.world, find(call), security_only=security_only))


def list_references(call: Call, *, listing: Handler) -> Answer:
    """The same collection as references alone. Their base is another one than Graph's (documented as incorrect)."""
    if call.query.select or call.query.expand:
        raise bad_request("The query specified in the URI is not valid.", "BadRequest")  # UNVERIFIED text
    answer = listing(call)
    base = f"{call.base_url.rpartition('/')[0]}/v2/{call.world.directory.tenant.id}/directoryObjects"
    references = [
        {"@odata.id": f"{base}/{item['id']}/Microsoft.DirectoryServices.{_capital(item['@odata.type'])}"}
        for item in answer.body["value"]
    ]
    context = f"{call.base_url}/$metadata#Collection($ref)"
    return Answer(200, {**answer.body, "@odata.context": context, "value": references})


def _capital(type_: str) -> str:
    name = type_.rpartition(".")[2]
    return name[0].upper() + name[1:]


def _links(call: Call, find: Find, *, transitive: bool) -> OrderedIds:
    links = OrderedIds()
    for holder in call.world.directory.holders_of(find(call).id, transitive=transitive):
        links.add(holder.id.lower())
    return links


def _any(call: Call) -> DirectoryObject:
    object_ = call.world.directory.find(call.keys["object"])
    if object_ is None:
        raise not_found(call.keys["object"])
    return object_


def _member_of(
    base: str, find: Find, needs: Needs, kinds: tuple[str, ...], *, whole: Needs | None = None
) -> tuple[Route, ...]:
    """`kinds`: what can be cast to; `whole`: what the transitive list needs where that is something else."""
    routes = []
    for name, transitive, units in (("memberOf", False, 2), ("transitiveMemberOf", True, 5)):
        for cast in (None, *kinds):
            path = f"{base}/{name}{'' if cast is None else f'/graph.{cast}'}"
            facts: dict[str, Any] = {"find": find, "transitive": transitive, "cast": cast}
            listing = whole if whole and transitive and cast is None else needs
            routes.append(bound("GET", path, list_memberships, listing, units=units, **facts))
            routes.append(bound("GET", f"{path}/$count", count_memberships, needs, **facts))
    return tuple(routes)


def _checks(base: str, find: Find, needs: Needs) -> tuple[Route, ...]:
    return tuple(
        bound("POST", f"{base}/{verb}Member{what}", handler, needs, units=units, find=find, name=name)
        for verb, handler, units in (("check", check, 4), ("get", get_all, 2))
        for what, name in (("Groups", "groupIds"), ("Objects", "ids"))
    )


def _members(call: Call) -> Answer:
    return list_related(call, owners=False, cast=None)


def _group_owners(call: Call) -> Answer:
    return list_related(call, owners=True, cast=None)


def _application_owners(call: Call) -> Answer:
    return list_owners(call, find=need_application)


def _principal_owners(call: Call) -> Answer:
    return list_owners(call, find=need_service_principal)


_USER, _GROUP, _PRINCIPAL = "/users/{user}", "/groups/{group}", "/servicePrincipals/{servicePrincipal}"
_DIRECT: Final[dict[str, Any]] = {"find": need_service_principal, "transitive": False, "cast": None}
ROUTES: tuple[Route, ...] = (
    *_member_of(_USER, need_user, may.USER_MEMBER_OF, _AND_ROLES, whole=may.MEMBER_CHECK),
    *_member_of(_GROUP, need_group, may.GROUP_BASIC, _HOLDERS),
    *_member_of(_PRINCIPAL, need_service_principal, may.APP_READ, _AND_ROLES),
    bound("GET", "/servicePrincipals/(appId=)/{appId}/memberOf", list_memberships, may.APP_READ, units=2, **_DIRECT),
    *_checks(_USER, need_user, may.MEMBER_CHECK),
    *_checks(_GROUP, need_group, may.GROUP_BASIC),
    *_checks(_PRINCIPAL, need_service_principal, may.APP_READ),
    *_checks("/directoryObjects/{object}", _any, (*may.MEMBER_CHECK, *may.DIRECTORY_READ)),
    bound("GET", f"{_GROUP}/members/$ref", list_references, may.MEMBER_READ, listing=_members),
    bound("GET", f"{_GROUP}/owners/$ref", list_references, may.MEMBER_READ, listing=_group_owners),
    bound(
        "GET", "/applications/{application}/owners/$ref", list_references, may.APP_READ, listing=_application_owners
    ),
    bound("GET", f"{_PRINCIPAL}/owners/$ref", list_references, may.APP_READ, listing=_principal_owners),
)
