"""Catalogs, their resources, access packages and policies: what may be made and taken away (graph contract
"Entitlement management"). No HTTP."""

from typing import Final

from ...call import Call, Caller, Json
from ...clock import stamp
from ...entitlements import Kind
from ...errors import GraphError, denied
from ...objects import DirectoryObject
from ...odata.shapes import checked_body
from ...tables import TABLES
from ...world import World

GROUP: Final = "AadGroup"
APPLICATION: Final = "AadApplication"
_MADE = frozenset({"id", "createdDateTime", "modifiedDateTime", "catalogType"})
_UNFINISHED = {"submitted", "pendingApproval", "delivering"}


def create_catalog(world: World, body: Json) -> Json:
    """Raises GraphError: 400 without a name, or for one that is taken (switch)."""
    fields = _named_fields(world, Kind.CATALOG, body)
    _check_name(world, fields, "catalog", world.entitlements.all(Kind.CATALOG))
    made = {"catalogType": "userManaged", "state": "published", "isExternallyVisible": False}
    return world.entitlements.add(Kind.CATALOG, {**made, "modifiedDateTime": stamp(), **fields})


def delete_catalog(world: World, catalog: Json) -> None:
    """Raises GraphError: 400 for the built-in catalog or one with access packages."""
    if catalog.get("catalogType") == "serviceDefault" or world.entitlements.all(Kind.PACKAGE, catalog=catalog["id"]):
        raise refused("in_use", what="catalog")
    for resource in world.entitlements.all(Kind.RESOURCE, catalog=catalog["id"]):
        _forget_resource(world, resource)
    world.entitlements.remove(Kind.CATALOG, catalog)


def request_resource(world: World, body: Json, caller: Caller) -> Json:
    """Add a resource to a catalog, or take one out. Raises GraphError: 403 when an app adds a group without
    Group.ReadWrite.All; 404 for an unknown catalog; 400 for a body that is none, a resource the catalog has, one that
    is not in the directory (yet), or one that packages use."""
    asked = body.get("resource")
    kind = request_type(body)
    if not isinstance(asked, dict) or kind not in {"adminAdd", "adminRemove"}:
        raise invalid()
    catalog = need(world, Kind.CATALOG, id_in(body, "catalog"))
    if kind == "adminRemove":
        resource = _find_resource(world, catalog, asked)
        if resource is None:
            raise refused("unknown")
        if world.entitlements.all(Kind.ROLE_SCOPE, resource=resource["id"]):
            raise refused("has_entitlements", name=resource.get("displayName"))
        _forget_resource(world, resource)
    else:
        system, origin = asked.get("originSystem"), str(asked.get("originId") or "")
        if system not in {GROUP, APPLICATION} or not origin:
            raise invalid()
        if system == GROUP and caller.is_app and not caller.may("Group.ReadWrite.All"):
            raise denied()
        resource = _find_resource(world, catalog, {"originId": origin, "originSystem": system})
        if resource is not None and world.settings.entitlement.resource_twice == "refuse":
            raise refused("already_onboarded")
        if resource is None:
            resource = _add_resource(world, catalog, str(system), origin)
    links = {"_catalog": catalog["id"], "_resource": resource["id"]}
    return world.entitlements.add(Kind.RESOURCE_REQUEST, {"requestType": kind, "state": "delivered", **links})


def create_package(world: World, body: Json) -> Json:
    """Raises GraphError: 400 without name or catalog, or for a name that is taken (switch); 404 for its catalog."""
    fields = _named_fields(world, Kind.PACKAGE, body)
    catalog = need(world, Kind.CATALOG, id_in(body, "catalog"))
    _check_name(world, fields, "access package", world.entitlements.all(Kind.PACKAGE, catalog=catalog["id"]))
    links = {"_catalog": catalog["id"]}
    return world.entitlements.add(Kind.PACKAGE, {"isHidden": False, "modifiedDateTime": stamp(), **fields, **links})


def change(world: World, kind: Kind, item: Json, body: Json) -> None:
    item.update(checked_body(world.settings.odata, kind, body), modifiedDateTime=stamp())


def delete_package(world: World, package: Json) -> None:
    """Raises GraphError: 400 while somebody has the package or waits for it."""
    if is_in_use(world, accessPackage=package["id"]):
        raise refused("in_use", what="access package")
    for kind in (Kind.ROLE_SCOPE, Kind.POLICY, Kind.REQUEST, Kind.ASSIGNMENT):
        for item in world.entitlements.all(kind, accessPackage=package["id"]):
            world.entitlements.remove(kind, item)
    world.entitlements.remove(Kind.PACKAGE, package)


def add_role_scope(world: World, package: Json, body: Json) -> Json:
    """Let a package give a role of a resource of its catalog. Raises GraphError: 404 for a resource, role or scope
    the catalog does not have; 400 for one the package has (switch)."""
    role, scope = body.get("role"), body.get("scope")
    if not isinstance(role, dict) or not isinstance(scope, dict):
        raise invalid()
    catalog = need(world, Kind.CATALOG, package["_catalog"])
    named = role.get("resource") if isinstance(role.get("resource"), dict) else {"originId": scope.get("originId")}
    resource = _find_resource(world, catalog, named or {})
    if resource is None:
        raise refused("unknown")
    found_role = _match(world.entitlements.all(Kind.ROLE, resource=resource["id"]), role)
    found_scope = _match(world.entitlements.all(Kind.SCOPE, resource=resource["id"]), scope)
    if found_role is None or found_scope is None:
        raise refused("unknown")
    links = {"accessPackage": package["id"], "role": found_role["id"], "scope": found_scope["id"]}
    same = world.entitlements.all(Kind.ROLE_SCOPE, **links)
    if same and world.settings.entitlement.role_scope_twice == "refuse":
        raise refused("taken", what="resource role scope")
    if same:
        return same[0]
    made = {f"_{name}": id_ for name, id_ in links.items()}
    return world.entitlements.add(Kind.ROLE_SCOPE, {**made, "_resource": resource["id"]})


def create_policy(world: World, body: Json) -> Json:
    """Raises GraphError: 400 for a policy that cannot be; 404 for an unknown package."""
    package = need(world, Kind.PACKAGE, id_in(body, "accessPackage"))
    links = {"_accessPackage": package["id"], "_catalog": package["_catalog"]}
    fields = _policy_fields(world, body)
    return world.entitlements.add(Kind.POLICY, {**fields, "modifiedDateTime": stamp(), **links})


def replace_policy(world: World, policy: Json, body: Json) -> None:
    """PUT: what the body does not say is unset; it may repeat the policy's id (Microsoft Graph, "Update
    accessPackageAssignmentPolicy"). Raises GraphError: as `create_policy`."""
    body = dict(body)
    if body.pop("id", policy["id"]) != policy["id"]:
        raise invalid()
    named = need(world, Kind.PACKAGE, id_in(body, "accessPackage")) if "accessPackage" in body else None
    if named is not None and named["id"] != policy["_accessPackage"]:
        raise invalid()
    fields = _policy_fields(world, body)
    for name in [name for name in policy if not name.startswith("_") and name not in _MADE]:
        del policy[name]
    policy.update(fields, modifiedDateTime=stamp())


def delete_policy(world: World, policy: Json) -> None:
    """Raises GraphError: 400 while somebody has a package through it."""
    if is_in_use(world, assignmentPolicy=policy["id"]):
        raise refused("in_use", what="policy")
    world.entitlements.remove(Kind.POLICY, policy)


def request_type(body: Json) -> str | None:
    """A request's type in its published spelling; its case does not matter: Microsoft's examples have ``AdminAdd`` as
    well (Microsoft Graph, "Create accessPackageAssignmentRequest")."""
    given = str(body.get("requestType")).lower()
    return next((kind for kind in ("adminAdd", "adminRemove", "userAdd") if kind.lower() == given), None)


def need(world: World, kind: Kind, id_: object) -> Json:
    """Raises GraphError: 404."""
    found = world.entitlements.get(kind, id_)
    if found is None:
        raise refused("unknown")
    return found


def resources_seen(world: World, catalog: Json) -> list[Json]:
    """The catalog's resources; a new one is listed only after a while (reported)."""
    rules = world.settings.replication
    window = rules.objects_list or rules.objects_get
    resources = world.entitlements.all(Kind.RESOURCE, catalog=catalog["id"])
    return [resource for resource in resources if not world.new.hides(resource["id"], "objects_list", window)]


def _add_resource(world: World, catalog: Json, system: str, origin: str) -> Json:
    directory, window = world.directory, world.settings.replication.objects_get
    object_ = directory.groups.get(origin) if system == GROUP else directory.service_principals.get(origin)
    if object_ is None or world.new.hides(object_.id, "entitlement", window):
        raise refused("not_in_origin", system=system)
    if system == GROUP:
        _refuse_unfit(world, object_)
    common = {"originSystem": system, "_catalog": catalog["id"]}
    named = {"displayName": object_.get("displayName"), "description": object_.get("description")}
    facts = {"originId": object_.id, "modifiedDateTime": stamp()}
    resource = world.entitlements.add(Kind.RESOURCE, {**common, **named, **facts})
    common["_resource"] = resource["id"]
    for name, origin_id in _roles(object_):
        world.entitlements.add(Kind.ROLE, {**common, "displayName": name, "originId": origin_id})
    root = {"displayName": "Root", "description": "Root Scope", "originId": object_.id, "isRootScope": True}
    world.entitlements.add(Kind.SCOPE, {**common, **root})
    world.new.announce(resource["id"])
    return resource


def _roles(object_: DirectoryObject) -> list[tuple[str, str]]:
    """(name, origin id) of what can be given: member or owner of a group, a role of an app."""
    if object_.kind == "group":
        return [("Owner", f"Owner_{object_.id}"), ("Member", f"Member_{object_.id}")]
    declared = [
        (str(role.get("displayName")), str(role["id"]))
        for role in object_.get("appRoles") or []
        if "User" in role.get("allowedMemberTypes", []) and role.get("isEnabled", True)
    ]
    return declared or [("Default Access", "00000000-0000-0000-0000-000000000000")]


def _refuse_unfit(world: World, group: DirectoryObject) -> None:
    """Groups whose members nobody can change by hand cannot be resources (documented; the code is UNVERIFIED)."""
    kinds = group.get("groupTypes") or []
    is_mail_only = group.get("mailEnabled") and "Unified" not in kinds
    if "DynamicMembership" in kinds or group.get("onPremisesSyncEnabled") or is_mail_only:
        text = "The group can not be managed: its membership is dynamic, synchronized or mail-only."
        raise GraphError(400, world.settings.entitlement.unfit_group_code, text)


def _find_resource(world: World, catalog: Json, named: Json) -> Json | None:
    """By id, else by origin."""
    resources = world.entitlements.all(Kind.RESOURCE, catalog=catalog["id"])
    by_id = next((resource for resource in resources if named.get("id") == resource["id"]), None)
    if by_id is not None or named.get("id"):
        return by_id
    origin = str(named.get("originId") or "").lower()
    return next((resource for resource in resources if str(resource["originId"]).lower() == origin), None)


def _match(items: list[Json], named: Json) -> Json | None:
    """By origin id, which is what documented bodies carry; else by id."""
    if named.get("originId"):
        return next((i for i in items if str(i["originId"]).lower() == str(named["originId"]).lower()), None)
    return next((item for item in items if item["id"] == named.get("id")), None)


def _forget_resource(world: World, resource: Json) -> None:
    for kind in (Kind.ROLE, Kind.SCOPE):
        for item in world.entitlements.all(kind, resource=resource["id"]):
            world.entitlements.remove(kind, item)
    world.entitlements.remove(Kind.RESOURCE, resource)


def _policy_fields(world: World, body: Json) -> Json:
    fields = _named_fields(world, Kind.POLICY, body)
    approval: Json = fields.get("requestApprovalSettings") or {}
    stages = approval.get("stages") or []
    if approval.get("isApprovalRequiredForAdd") and not stages:
        raise invalid("An approval needs a stage.")
    for stage in stages:
        approvers = stage.get("primaryApprovers") or []
        if not approvers:
            raise invalid("A stage needs an approver.")
        for approver in approvers:
            if "userId" in approver and world.directory.users.get(str(approver["userId"])) is None:
                raise invalid("An approver is not in the directory.")
    return {"allowedTargetScope": "notSpecified", "specificAllowedTargets": [], **fields}


def is_in_use(world: World, **links: str) -> bool:
    """Whether somebody has, or waits for, what is so linked."""
    held = any(item.get("state") == "delivered" for item in world.entitlements.all(Kind.ASSIGNMENT, **links))
    return held or any(item.get("state") in _UNFINISHED for item in world.entitlements.all(Kind.REQUEST, **links))


def _named_fields(world: World, kind: Kind, body: Json) -> Json:
    fields = checked_body(world.settings.odata, kind, body)
    if not fields.get("displayName"):
        raise invalid()
    return fields


def _check_name(world: World, fields: Json, what: str, others: list[Json]) -> None:
    name = fields["displayName"].casefold()
    if world.settings.entitlement.names_are_unique and name in [str(o.get("displayName")).casefold() for o in others]:
        raise refused("taken", what=what)


def id_in(body: Json, link: str, *, flat: bool = False) -> str:
    """The id of a link as its type has it (``{link: {id}}``) or, where `flat` ones are documented, ``{linkId}``.
    Raises GraphError: 400 without one."""
    named = body.get(link)
    id_ = named.get("id") if isinstance(named, dict) else body.get(f"{link}Id") if flat else None
    if not isinstance(id_, str):
        raise invalid()
    return id_


def refused(name: str, /, **values: object) -> GraphError:
    """A refusal of the table. Codes without a note are reported by the users of entitlement management.

    Statuses without a source are 400 or 404 by the sense of the code (UNVERIFIED). So are the codes of `in_use`,
    `taken` (and its text) and `policy_not_met`; that a deletion of what is in use is refused is documented.
    `not_in_origin` is also said while a new group has not reached the service.
    """
    status, code, text = TABLES["entitlementRefusals"][name]
    return GraphError(status, code, text.format(**values))


def invalid(why: str = "Model is not valid.") -> GraphError:
    return GraphError(400, "InvalidModel", why)


def not_authorized(call: Call) -> GraphError:
    code = call.world.settings.entitlement.denied_code
    return GraphError(403, code, "User is not authorized to perform the operation. Reason: Unauthorized")
