"""What objects other than users are members of, casts of ``memberOf`` for all of them, and bare references.

Sources: "List memberOf", "checkMemberGroups" and "Customize responses with query parameters" (references) in
Microsoft's v1.0 documentation.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from ..call import Answer, Call
from ..directory.objects import DirectoryObject, OrderedIds
from ..errors import bad_request, not_found
from ..listing import count_links, list_links
from ..routing import Handler, Needs, Route
from . import permissions as may
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
    return _strings(call, [id_ for id_ in ids if id_.lower() in having])


def get_all(call: Call, *, find: Find, name: str) -> Answer:
    security_only = call.json().get("securityEnabledOnly") is True
    return _strings(call, _HELD[name](call.world, find(call), security_only=security_only))


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


def _strings(call: Call, values: list[str]) -> Answer:
    return Answer(200, {"@odata.context": f"{call.base_url}/$metadata#Collection(Edm.String)", "value": values})


def _any(call: Call) -> DirectoryObject:
    object_ = call.world.directory.find(call.keys["object"])
    if object_ is None:
        raise not_found(call.keys["object"])
    return object_


def _member_of(
    base: str, find: Find, needs: Needs, *, kinds: tuple[str, ...], routed: tuple[str, ...] = ()
) -> tuple[Route, ...]:
    """`kinds`: what can be cast to; `routed`: what the object's own module answers without a cast."""
    routes = []
    for name, transitive, units in (("memberOf", False, 2), ("transitiveMemberOf", True, 5)):
        for cast in (None, *kinds):
            path = f"{base}/{name}{'' if cast is None else f'/graph.{cast}'}"
            listed = partial(list_memberships, find=find, transitive=transitive, cast=cast)
            counted = partial(count_memberships, find=find, transitive=transitive, cast=cast)
            routes.append(Route("GET", f"{path}/$count", counted, needs))
            if cast is not None or name not in routed:
                routes.append(Route("GET", path, listed, needs, units))
    return tuple(routes)


def _checks(base: str, find: Find, needs: Needs) -> tuple[Route, ...]:
    return (
        *(
            Route("POST", f"{base}/{action}", partial(check, find=find, name=name), needs, 4)
            for action, name in (("checkMemberGroups", "groupIds"), ("checkMemberObjects", "ids"))
        ),
        *(
            Route("POST", f"{base}/{action}", partial(get_all, find=find, name=name), needs, 2)
            for action, name in (("getMemberGroups", "groupIds"), ("getMemberObjects", "ids"))
        ),
    )


_GROUP, _PRINCIPAL = "/groups/{group}", "/servicePrincipals/{servicePrincipal}"
ROUTES: tuple[Route, ...] = (
    *_member_of(
        "/users/{user}", need_user, may.USER_MEMBER_OF, kinds=_AND_ROLES, routed=("memberOf", "transitiveMemberOf")
    ),
    *_member_of(_GROUP, need_group, may.GROUP_BASIC, kinds=_HOLDERS),
    *_member_of(_PRINCIPAL, need_service_principal, may.APP_READ, kinds=_AND_ROLES, routed=("memberOf",)),
    *_checks(_GROUP, need_group, may.GROUP_BASIC),
    *_checks(_PRINCIPAL, need_service_principal, may.APP_READ),
    *_checks("/directoryObjects/{object}", _any, (*may.MEMBER_CHECK, *may.DIRECTORY_READ)),
    *(
        Route("GET", f"{path}/$ref", partial(list_references, listing=listing), needs)
        for path, listing, needs in (
            (f"{_GROUP}/members", partial(list_related, owners=False, cast=None), may.MEMBER_READ),
            (f"{_GROUP}/owners", partial(list_related, owners=True, cast=None), may.MEMBER_READ),
            ("/applications/{application}/owners", partial(list_owners, find=need_application), may.APP_READ),
            (f"{_PRINCIPAL}/owners", partial(list_owners, find=need_service_principal), may.APP_READ),
        )
    ),
)
