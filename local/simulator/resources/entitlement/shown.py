"""How items of entitlement management are shown: published properties, expanded links, filters over both."""

from typing import Any, Final

from ...call import Answer, Call, Json
from ...entitlements import Kind
from ...errors import bad_request, no_such_link
from ...listing import list_plain
from ...objects import DirectoryObject
from ...odata import types
from ...odata.evaluate import predicate
from ...odata.filters import filter_paths
from ...odata.query import Expansion, parse_expand
from ...world import World

ROOT: Final = "/identityGovernance/entitlementManagement"

# Links to one item: name -> its kind; the item holds the id under ``_name``.
_ONE: Final[dict[Kind, dict[str, Kind]]] = {
    Kind.PACKAGE: {"catalog": Kind.CATALOG},
    Kind.RESOURCE_REQUEST: {"catalog": Kind.CATALOG, "resource": Kind.RESOURCE},
    Kind.ROLE: {"resource": Kind.RESOURCE},
    Kind.SCOPE: {"resource": Kind.RESOURCE},
    Kind.ROLE_SCOPE: {"role": Kind.ROLE, "scope": Kind.SCOPE},
    Kind.POLICY: {"accessPackage": Kind.PACKAGE, "catalog": Kind.CATALOG},
    Kind.REQUEST: {"accessPackage": Kind.PACKAGE, "assignment": Kind.ASSIGNMENT},
    Kind.ASSIGNMENT: {"accessPackage": Kind.PACKAGE, "assignmentPolicy": Kind.POLICY},
}
# Links to many: name -> their kind and the name of their link back.
_MANY: Final[dict[Kind, dict[str, tuple[Kind, str]]]] = {
    Kind.CATALOG: {
        "accessPackages": (Kind.PACKAGE, "catalog"),
        "resources": (Kind.RESOURCE, "catalog"),
        "resourceRoles": (Kind.ROLE, "catalog"),
        "resourceScopes": (Kind.SCOPE, "catalog"),
    },
    Kind.RESOURCE: {"roles": (Kind.ROLE, "resource"), "scopes": (Kind.SCOPE, "resource")},
    Kind.PACKAGE: {
        "resourceRoleScopes": (Kind.ROLE_SCOPE, "accessPackage"),
        "assignmentPolicies": (Kind.POLICY, "accessPackage"),
    },
}
_PEOPLE: Final = {Kind.REQUEST: "requestor", Kind.ASSIGNMENT: "target"}
# The approval stage is published outside the excerpt of types.
_STAGE: Final = (
    *("id", "assignedToMe", "displayName", "justification"),
    *("reviewedBy", "reviewedDateTime", "reviewResult", "status"),
)


def one(call: Call, kind: Kind, set_: str, item: Json, *, status: int = 200) -> Answer:
    """One item with what the query expands; a made one says where it is."""
    expansion = _expansion(call, kind)
    body = {"@odata.context": f"{call.base_url}/$metadata#{ROOT[1:]}/{set_}/$entity"}
    headers = {"Location": f"{call.base_url}{ROOT}/{set_}/{item['id']}"} if status == 201 else {}
    return Answer(status, {**body, **_selected(call, shown(call.world, kind, item, expansion))}, headers=headers)


def many(call: Call, kind: Kind, set_: str, items: list[Json]) -> Answer:
    """The items that the filter finds, in pages; a filter may look through a link (``catalog/id eq ...``). Raises
    GraphError: 400 for a filter or a link on what the type does not have."""
    expansion, condition = _expansion(call, kind), call.query.filter
    if condition is not None:
        for name in filter_paths(condition):
            if kind != Kind.STAGE and name not in types.properties(kind) and name not in types.navigation(kind):
                raise bad_request(f"Invalid filter clause: Could not find a property named '{name}'.", "BadRequest")
        links: Expansion = {name: {} for name in _links(kind)}
        matches = predicate(condition, ignore_case=call.world.settings.odata.compare_ignores_case)
        items = [item for item in items if matches(shown(call.world, kind, item, links))]
    rendered = [shown(call.world, kind, item, expansion) for item in items]
    return list_plain(call, rendered, f"{ROOT[1:]}/{set_}", always=tuple(expansion), filtered=True)


def shown(world: World, kind: Kind, item: Json, expansion: Expansion | None = None) -> Json:
    if kind == Kind.STAGE:
        return {name: item.get(name) for name in _STAGE}
    result: Json = {
        name: item.get(name, types.unset(kind, name))
        for name in types.properties(kind)
        if item.get(name) is not None or types.may_show_null(kind, name)
    }
    for name, inner in (expansion or {}).items():
        result[name] = _link(world, kind, item, name, inner)
    return result


def subject(world: World, user_id: object) -> Json | None:
    """An accessPackageSubject: somebody as entitlement management knows them."""
    user: DirectoryObject | None = world.directory.users.get(str(user_id)) if user_id else None
    if user is None:
        return None
    names = {"displayName": user.get("displayName"), "principalName": user.get("userPrincipalName")}
    lifecycle = "governed" if user.get("userType") == "Guest" else "notGoverned"
    facts = {"type": "user", "email": user.get("mail"), "onPremisesSecurityIdentifier": None}
    return {"id": user.id, "objectId": user.id, **names, **facts, "subjectLifecycle": lifecycle}


def _link(world: World, kind: Kind, item: Json, name: str, inner: Expansion) -> Any:
    if name in _ONE.get(kind, {}):
        target = _ONE[kind][name]
        found = world.entitlements.get(target, item.get(f"_{name}"))
        return None if found is None else shown(world, target, found, inner)
    if name in _MANY.get(kind, {}):
        target, back = _MANY[kind][name]
        return [shown(world, target, each, inner) for each in world.entitlements.all(target, **{back: item["id"]})]
    if name == _PEOPLE.get(kind):
        return subject(world, item.get(f"_{name}"))
    return []


def _links(kind: Kind) -> set[str]:
    people = {_PEOPLE[kind]} if kind in _PEOPLE else set[str]()
    return {*_ONE.get(kind, {}), *_MANY.get(kind, {}), *people}


def _expansion(call: Call, kind: Kind) -> Expansion:
    expansion = parse_expand(call.query.expand)
    _check(kind, expansion)
    return expansion


def _check(kind: Kind, expansion: Expansion) -> None:
    for name, inner in expansion.items():
        if kind == Kind.STAGE or name not in types.navigation(kind):
            raise no_such_link(name, kind)
        target = _ONE.get(kind, {}).get(name) or _MANY.get(kind, {}).get(name, (None,))[0]
        if inner and target:
            _check(target, inner)


def _selected(call: Call, item: Json) -> Json:
    names = call.query.select
    expanded = parse_expand(call.query.expand)
    return {name: value for name, value in item.items() if not names or name in names or name in expanded}
