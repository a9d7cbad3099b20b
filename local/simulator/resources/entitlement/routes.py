"""``/identityGovernance/entitlementManagement`` over HTTP (graph contract "Entitlement management")."""

from collections.abc import Callable

from ...call import NO_CONTENT, Answer, Call, Json
from ...entitlements import Kind
from ...errors import GraphError
from ...odata.filters import Expression, Junction, Path, Test
from ...routing import Handler, Route
from ...world import World
from .. import permissions as may
from . import model, requests
from .shown import ROOT, many, one

_SETS = {
    Kind.CATALOG: "catalogs",
    Kind.PACKAGE: "accessPackages",
    Kind.POLICY: "assignmentPolicies",
    Kind.REQUEST: "assignmentRequests",
    Kind.ASSIGNMENT: "assignments",
    Kind.RESOURCE_REQUEST: "resourceRequests",
}
_APPROVALS = "accessPackageAssignmentApprovals"


def request_resource(call: Call) -> Answer:
    made = model.request_resource(call.world, call.json(), call.who)
    return one(call, Kind.RESOURCE_REQUEST, "resourceRequests", made, status=201)


def list_resources(call: Call) -> Answer:
    catalog = _item(call, Kind.CATALOG)
    set_ = f"catalogs('{catalog['id']}')/resources"
    return many(call, Kind.RESOURCE, set_, model.resources_seen(call.world, catalog))


def list_role_scopes(call: Call) -> Answer:
    package = _item(call, Kind.PACKAGE)
    items = call.world.entitlements.all(Kind.ROLE_SCOPE, accessPackage=package["id"])
    return many(call, Kind.ROLE_SCOPE, f"accessPackages('{package['id']}')/resourceRoleScopes", items)


def add_role_scope(call: Call) -> Answer:
    package = _item(call, Kind.PACKAGE)
    made = model.add_role_scope(call.world, package, call.json())
    requests.extend(call.world, made)
    return one(call, Kind.ROLE_SCOPE, f"accessPackages('{package['id']}')/resourceRoleScopes", made, status=201)


def delete_role_scope(call: Call) -> Answer:
    package = _item(call, Kind.PACKAGE)
    role_scope = model.need(call.world, Kind.ROLE_SCOPE, call.keys["roleScope"])
    if role_scope["_accessPackage"] != package["id"]:
        raise model.refused("unknown")
    requests.withdraw(call.world, role_scope)
    return NO_CONTENT


def replace_policy(call: Call) -> Answer:
    policy = _item(call, Kind.POLICY)
    model.replace_policy(call.world, policy, call.json())
    return one(call, Kind.POLICY, "assignmentPolicies", policy)


def submit(call: Call) -> Answer:
    """Shown as submitted, however far it has come meanwhile."""
    request = requests.submit(call.world, call.json(), call.who)
    as_submitted = {**request, "state": "submitted", "status": "Accepted", "completedDateTime": None}
    return one(call, Kind.REQUEST, "assignmentRequests", as_submitted, status=201)


def cancel(call: Call) -> Answer:
    """Delegated only: for an app it is "not supported". 204 is the documented example, 200 the text above it."""
    if call.who.is_app:
        raise model.not_authorized(call)
    requests.cancel(call.world, _item(call, Kind.REQUEST))
    return NO_CONTENT


def get_approval(call: Call) -> Answer:
    request = _item(call, Kind.REQUEST)
    requests.stages_of(call.world, request["id"])
    body: Json = {"@odata.context": f"{call.base_url}/$metadata#{ROOT[1:]}/{_APPROVALS}/$entity", "id": request["id"]}
    return Answer(200, body)


def list_stages(call: Call) -> Answer:
    request = _item(call, Kind.REQUEST)
    stages = [_as_seen(call, stage) for stage in requests.stages_of(call.world, request["id"])]
    return many(call, Kind.STAGE, f"{_APPROVALS}('{request['id']}')/stages", stages)


def get_stage(call: Call) -> Answer:
    return one(call, Kind.STAGE, f"{_APPROVALS}('{call.keys['item']}')/stages", _as_seen(call, _stage(call)))


def decide(call: Call) -> Answer:
    """Delegated only (graph contract "Entitlement management"): an app is refused whatever it holds."""
    person = None if call.who.is_app else call.world.directory.users.get(call.who.object_id)
    if person is None:
        raise model.not_authorized(call)
    requests.decide(call.world, _item(call, Kind.REQUEST), _stage(call), call.json(), person)
    return NO_CONTENT


def _as_seen(call: Call, stage: Json) -> Json:
    return {**stage, "assignedToMe": call.who.object_id.lower() in stage["_approvers"]}


def _stage(call: Call) -> Json:
    stage = model.need(call.world, Kind.STAGE, call.keys["stage"])
    if stage["_approval"] != call.keys["item"].lower():
        raise model.refused("unknown")
    return stage


def _item(call: Call, kind: Kind) -> Json:
    return model.need(call.world, kind, call.keys["item"])


def _filters_origin_system(condition: Expression | None) -> bool:
    match condition:
        case Test(Path(("originSystem",)), "eq", (str(),)):
            return True
        case Junction("and", operands):
            return any(_filters_origin_system(operand) for operand in operands)
        case _:
            return False


def _route(method: str, path: str, handler: Handler) -> Route:
    def licensed(call: Call) -> Answer:
        rules = call.world.settings.entitlement
        if not rules.licensed:
            raise GraphError(403, rules.no_license_code, rules.no_license_message)
        return handler(call)

    needs = may.ENTITLEMENT_READ if method == "GET" else may.ENTITLEMENT_WRITE
    return Route(method, f"{ROOT}{path}", licensed, needs, refusal=model.not_authorized)


def _reading(kind: Kind) -> tuple[Route, ...]:
    set_ = _SETS[kind]

    def item(call: Call) -> Answer:
        found = _item(call, kind)
        if kind == Kind.REQUEST:
            requests.settle(call.world, found)
        return one(call, kind, set_, found)

    return (
        _route("GET", f"/{set_}", lambda call: many(call, kind, set_, call.world.entitlements.all(kind))),
        _route("GET", f"/{set_}/{{item}}", item),
    )


def _making(
    kind: Kind, create: Callable[[World, Json], Json], delete: Callable[[World, Json], None]
) -> tuple[Route, ...]:
    set_ = _SETS[kind]

    def remove(call: Call) -> Answer:
        delete(call.world, _item(call, kind))
        return NO_CONTENT

    return (
        _route("POST", f"/{set_}", lambda call: one(call, kind, set_, create(call.world, call.json()), status=201)),
        _route("DELETE", f"/{set_}/{{item}}", remove),
    )


def _changing(kind: Kind) -> Route:
    def change(call: Call) -> Answer:
        model.change(call.world, kind, _item(call, kind), call.json())
        return NO_CONTENT

    return _route("PATCH", f"/{_SETS[kind]}/{{item}}", change)


def _of_catalog(kind: Kind, name: str) -> Route:
    """Roles or scopes of a catalog; documented only with a filter on the origin system."""

    def answer(call: Call) -> Answer:
        catalog, condition = _item(call, Kind.CATALOG), call.query.filter
        if call.world.settings.entitlement.role_filter_needed and not _filters_origin_system(condition):
            raise model.invalid("A filter on originSystem is needed.")
        seen = {resource["id"] for resource in model.resources_seen(call.world, catalog)}
        items = [i for i in call.world.entitlements.all(kind, catalog=catalog["id"]) if i["_resource"] in seen]
        return many(call, kind, f"catalogs('{catalog['id']}')/{name}", items)

    return _route("GET", f"/catalogs/{{item}}/{name}", answer)


_ROLE_SCOPES = "/accessPackages/{item}/resourceRoleScopes"
_STAGES = f"/{_APPROVALS}/{{item}}/stages"

ROUTES: tuple[Route, ...] = (
    *(route for kind in _SETS for route in _reading(kind)),
    *_making(Kind.CATALOG, model.create_catalog, model.delete_catalog),
    *_making(Kind.PACKAGE, model.create_package, model.delete_package),
    *_making(Kind.POLICY, model.create_policy, model.delete_policy),
    *(_changing(kind) for kind in (Kind.CATALOG, Kind.PACKAGE)),
    _route("PUT", "/assignmentPolicies/{item}", replace_policy),
    _route("POST", "/resourceRequests", request_resource),
    _route("GET", "/catalogs/{item}/resources", list_resources),
    _of_catalog(Kind.ROLE, "resourceRoles"),
    _of_catalog(Kind.SCOPE, "resourceScopes"),
    _route("GET", _ROLE_SCOPES, list_role_scopes),
    _route("POST", _ROLE_SCOPES, add_role_scope),
    _route("DELETE", f"{_ROLE_SCOPES}/{{roleScope}}", delete_role_scope),
    _route("POST", "/assignmentRequests", submit),
    _route("POST", "/assignmentRequests/{item}/cancel", cancel),
    _route("GET", f"/{_APPROVALS}/{{item}}", get_approval),
    _route("GET", _STAGES, list_stages),
    _route("GET", f"{_STAGES}/{{stage}}", get_stage),
    _route("PATCH", f"{_STAGES}/{{stage}}", decide),
)
