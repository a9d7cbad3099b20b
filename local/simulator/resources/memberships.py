"""What objects are members of, with its casts and checks.

Sources: "List memberOf" and "checkMemberGroups" in Microsoft's v1.0 documentation; groups, administrative units and
directory roles: "List a user's direct memberships".
"""

from typing import Final

from ..call import Answer, Call
from ..directory.objects import DirectoryObject, OrderedIds
from ..errors import not_found
from ..routing import Needs, Route
from . import permissions as may
from .answers import bound, strings
from .links import Find, Ids, Kinds, listed
from .lookup import need_group, need_service_principal, need_user
from .users import model

_HELD: Final = {"groupIds": model.member_groups, "ids": model.member_objects}
_HOLDERS: Final[Kinds] = ("group", "administrativeUnit")
_AND_ROLES: Final[Kinds] = (*_HOLDERS, "directoryRole")


def check(call: Call, *, find: Find, name: str) -> Answer:
    """Which of up to 20 ids the object is in, through other groups too."""
    object_, ids = find(call), model.checked_ids(call.json(), name)
    having = {id_.lower() for id_ in _HELD[name](call.world, object_)}
    return strings(call, [id_ for id_ in ids if id_.lower() in having])


def get_all(call: Call, *, find: Find, name: str) -> Answer:
    security_only = call.json().get("securityEnabledOnly") is True
    return strings(call, _HELD[name](call.world, find(call), security_only=security_only))


def _holders(find: Find, *, transitive: bool) -> Ids:
    def ids(call: Call) -> OrderedIds:
        links = OrderedIds()
        for holder in call.world.directory.holders_of(find(call).id, transitive=transitive):
            links.add(holder.id.lower())
        return links

    return ids


def _any(call: Call) -> DirectoryObject:
    object_ = call.world.directory.find(call.keys["object"])
    if object_ is None:
        raise not_found(call.keys["object"])
    return object_


def _member_of(base: str, find: Find, needs: Needs, kinds: Kinds, *, whole: Needs | None = None) -> tuple[Route, ...]:
    """`kinds`: what can be cast to; `whole`: what the transitive list needs where that is something else."""
    direct, nested = _holders(find, transitive=False), _holders(find, transitive=True)
    every = f"{base}/transitiveMemberOf"
    first, *others = listed(every, nested, needs, casts=(None, *kinds), units=5)
    return (
        *listed(f"{base}/memberOf", direct, needs, casts=(None, *kinds), units=2),
        Route("GET", every, first.handler, whole or needs, first.units),
        *others,
    )


def _checks(base: str, find: Find, needs: Needs) -> tuple[Route, ...]:
    return tuple(
        bound("POST", f"{base}/{verb}Member{what}", handler, needs, units=units, find=find, name=name)
        for verb, handler, units in (("check", check, 4), ("get", get_all, 2))
        for what, name in (("Groups", "groupIds"), ("Objects", "ids"))
    )


_USER, _GROUP, _PRINCIPAL = "/users/{user}", "/groups/{group}", "/servicePrincipals/{servicePrincipal}"
_BY_APP_ID = "/servicePrincipals/(appId=)/{appId}/memberOf"
_OF_PRINCIPAL = _holders(need_service_principal, transitive=False)
ROUTES: tuple[Route, ...] = (
    *_member_of(_USER, need_user, may.USER_MEMBER_OF, _AND_ROLES, whole=may.MEMBER_CHECK),
    *_member_of(_GROUP, need_group, may.GROUP_BASIC, _HOLDERS),
    *_member_of(_PRINCIPAL, need_service_principal, may.APP_READ, _AND_ROLES),
    *listed(_BY_APP_ID, _OF_PRINCIPAL, may.APP_READ, units=2, counted=False),
    *_checks(_USER, need_user, may.MEMBER_CHECK),
    *_checks(_GROUP, need_group, may.GROUP_BASIC),
    *_checks(_PRINCIPAL, need_service_principal, may.APP_READ),
    *_checks("/directoryObjects/{object}", _any, (*may.MEMBER_CHECK, *may.DIRECTORY_READ)),
)
