"""What objects are members of, with its casts and checks.

Sources: "List memberOf" and "checkMemberGroups" in Microsoft's v1.0 documentation; groups, administrative units and
directory roles: "List a user's direct memberships".
"""

from typing import Final

from ..call import Answer, Call, Json, Needs
from ..errors import bad_request, not_found
from ..objects import DirectoryObject, OrderedIds
from ..routing import Route
from ..world import World
from . import permissions as may
from .answers import Find, Ids, Kinds, listed, strings
from .lookup import need_group, need_service_principal, need_user

_MAX_CHECKED: Final = 20
_HOLDERS: Final[Kinds] = ("group", "administrativeUnit")
_AND_ROLES: Final[Kinds] = (*_HOLDERS, "directoryRole")


def member_groups(world: World, object_: DirectoryObject, *, security_only: bool = False) -> list[str]:
    """Ids of the groups the object is in, through other groups too; new memberships may not show yet."""
    window = world.settings.replication.members_read
    return [
        group.id
        for group in world.directory.groups_of(object_.id, transitive=True)
        if not (security_only and not group.get("securityEnabled"))
        and (world.new.is_empty or not world.new.hides(f"{group.id}/{object_.id}", "members_read", window))
    ]


def member_objects(world: World, object_: DirectoryObject, *, security_only: bool = False) -> list[str]:
    """As `member_groups`, with the administrative units and directory roles."""
    others = [h.id for h in world.directory.holders_of(object_.id, transitive=True) if h.kind != "group"]
    return [*member_groups(world, object_, security_only=security_only), *([] if security_only else others)]


def _checked_ids(body: Json, name: str) -> list[str]:
    """The ids of a check body. Raises GraphError: 400 unless it is a list of at most 20 texts."""
    ids = body.get(name)
    if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
        raise bad_request(f"Parameter '{name}' is required and must be a collection of strings.")
    if len(ids) > _MAX_CHECKED:
        raise bad_request(f"Too many elements in '{name}': at most {_MAX_CHECKED} are allowed.")
    return ids


_HELD: Final = {"groupIds": member_groups, "ids": member_objects}


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
    def routes(what: str, name: str) -> tuple[Route, ...]:
        held = _HELD[name]

        def check(call: Call) -> Answer:
            """Which of up to 20 ids the object is in, through other groups too."""
            object_, ids = find(call), _checked_ids(call.json(), name)
            having = {id_.lower() for id_ in held(call.world, object_)}
            return strings(call, [id_ for id_ in ids if id_.lower() in having])

        def get_all(call: Call) -> Answer:
            security_only = call.json().get("securityEnabledOnly") is True
            return strings(call, held(call.world, find(call), security_only=security_only))

        return (
            Route("POST", f"{base}/checkMember{what}", check, needs, units=4),
            Route("POST", f"{base}/getMember{what}", get_all, needs, units=2),
        )

    return (*routes("Groups", "groupIds"), *routes("Objects", "ids"))


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
