"""``$expand`` on directory objects, one or a whole list of them.

Sources: "Use query parameters", "expand" (at most 20 objects, no next link); known issue 13635 (one level, no other
options than ``$select`` inside: resource page of group, "including nested $select"); microsoft-graph-docs #96 (one
relationship a request).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from .call import Call, Json
from .directory import Directory
from .errors import bad_request, no_such_link
from .objects import Assignment, DirectoryObject
from .odata import shapes, types
from .odata.query import links
from .world import World

_MOST = 20
_ONE = {"manager"}
"""Relationships to one object at most: the object itself is shown, or nothing."""
_OPTION = "$select="

Links = Callable[[Directory, str], Iterable[str]]
_LINKS: dict[str, Links] = {
    "manager": lambda d, id_: d.managers.of(id_),
    "memberOf": lambda d, id_: d.members.to(id_),
    "members": lambda d, id_: d.members.of(id_),
    "ownedObjects": lambda d, id_: d.owners.to(id_),
    "owners": lambda d, id_: d.owners.of(id_),
    "sponsors": lambda d, id_: d.sponsors.of(id_),
}
_ASSIGNED: dict[str, Links] = {
    "appRoleAssignedTo": lambda d, id_: d.assignments.of_resource(id_),
    "appRoleAssignments": lambda d, id_: d.assignments.of_principal(id_),
}
"""App role assignments, which are no directory objects here."""
_OF_KIND = {
    "user": ("manager", "memberOf", "ownedObjects", "sponsors", "appRoleAssignments"),
    "group": ("memberOf", "members", "owners", "appRoleAssignments"),
    "application": ("owners",),
    "servicePrincipal": ("memberOf", "ownedObjects", "owners", "appRoleAssignedTo", "appRoleAssignments"),
}
LINKS = {kind: {name: _LINKS[name] for name in names if name in _LINKS} for kind, names in _OF_KIND.items()}
"""The relationships that the simulator has, by kind: ids of what an object links to."""


@dataclass(frozen=True, slots=True)
class Expanding:
    """What a query expands: a relationship, and the properties of the objects behind it."""

    name: str
    select: tuple[str, ...] = ()
    linked: Links | None = None

    def shown(self, call: Call, object_: DirectoryObject) -> Json:
        """The part of the answer for one object; empty where nothing is expanded."""
        if self.linked is None:
            return {}
        directory = call.world.directory
        ids = islice(self.linked(directory, object_.id), _MOST)
        if self.name in _ASSIGNED:
            held = (directory.assignments.get(id_) for id_ in ids)
            return {self.name: [self._assignment(call, one) for one in held if one is not None]}
        found = (directory.find(id_) for id_ in ids)
        shown = [shapes.show(other, self.select, typed=True) for other in found if other is not None]
        if self.name in _ONE:
            return {self.name: shown[0]} if shown else {}
        return {self.name: shown}

    def _assignment(self, call: Call, assignment: Assignment) -> Json:
        whole = assignment_shown(call.world, assignment)
        return {name: value for name, value in whole.items() if not self.select or name in self.select}

    def projection(self, select: Iterable[str]) -> tuple[str, ...]:
        """The names for ``@odata.context``."""
        return (*select, *([f"{self.name}({','.join(self.select)})"] if self.linked is not None else ()))


def expanding(call: Call, kind: str) -> Expanding:
    """What `$expand` asks of objects of a kind. Raises GraphError: 400 for a relationship that the type does not have
    or that is not covered here, more than one, or an option inside that is none of `$select`."""
    asked = links(call.query.expand)
    if not asked:
        return Expanding("")
    if len(asked) > 1:
        text = f"The result of parsing $expand contained at least {len(asked)} items, but the maximum allowed is 1."
        raise bad_request(text, "BadRequest")
    [(name, options)] = asked
    known = {n.lower(): n for n in types.navigation(kind)}.get(name.lower())
    if known is None:
        raise no_such_link(name, kind)
    other = next((o for o in options if not o.startswith(_OPTION)), None)
    if other is not None:
        # That it has no support is documented, the answer UNVERIFIED.
        raise bad_request(f"The query option '{other}' inside $expand is not supported.", "BadRequest")
    found = {**_LINKS, **_ASSIGNED}[known] if known in _OF_KIND.get(kind, ()) else None
    if found is None:
        call.world.observations.shout("no such $expand here", kind=kind, name=known)
        raise bad_request(f"Expanding '{known}' is not supported.", "BadRequest")
    select = ",".join(o.removeprefix(_OPTION) for o in options)
    return Expanding(known, tuple(n.strip() for n in select.split(",") if n.strip()), found)


def assignment_shown(world: World, assignment: Assignment) -> Json:
    principal = world.directory.find(assignment.principal_id)
    resource = world.directory.service_principals.get(assignment.resource_id)
    return {
        "id": assignment.id,
        "deletedDateTime": None,
        "appRoleId": assignment.app_role_id,
        "createdDateTime": assignment.created,
        "principalDisplayName": principal.get("displayName") if principal else None,
        "principalId": assignment.principal_id,
        "principalType": assignment.principal_type,
        "resourceDisplayName": resource.get("displayName") if resource else None,
        "resourceId": assignment.resource_id,
    }
