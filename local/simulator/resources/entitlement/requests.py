"""Requests for access packages: submitted, approved or denied, delivered (graph contract "Entitlement management").
No HTTP.

Delivery is an effect in the directory: the person becomes a member (or owner) of the package's groups and gets
the roles of its apps. A request moves on whenever somebody looks, once its window has passed.
"""

from typing import Final

from ...audits import Actor
from ...call import Caller, Json
from ...clock import stamp
from ...entitlements import Kind
from ...errors import GraphError
from ...objects import DirectoryObject
from ...world import World
from .. import app_role_assignments, group_members
from .model import GROUP, id_in, invalid, is_in_use, need, refused, request_type

_NAME: Final = "Azure AD Identity Governance - Entitlement Management"
_SERVICE: Final = Caller("entitlement-management", "entitlement-management", frozenset())
_ACTOR: Final = Actor(None, _NAME)
_PASSING: Final = ("submitted", "delivering")
_CANCELLABLE: Final = ("submitted", "pendingApproval")
_STATUS: Final = {"submitted": "Accepted", "pendingApproval": "PendingApproval", "delivering": "Fulfilling"}


def submit(world: World, body: Json, caller: Caller) -> Json:
    """A new request, always shown as submitted. Raises GraphError: 400 for a body that is none, a target who may not
    request or has requested; 404 for a package, policy or assignment that is not there; 403 for a person who asks for
    somebody else."""
    kind, asked = request_type(body), body.get("assignment")
    if kind is None or not isinstance(asked, dict):
        raise invalid()
    if kind == "adminRemove":
        return _submit_removal(world, need(world, Kind.ASSIGNMENT, asked.get("id")), body, caller)
    package = need(world, Kind.PACKAGE, id_in(asked, "accessPackage", flat=True))
    policy = need(world, Kind.POLICY, id_in(asked, "assignmentPolicy", flat=True))
    if policy["_accessPackage"] != package["id"]:
        raise invalid()
    target_id = caller.object_id if kind == "userAdd" else id_in(asked, "target", flat=True)
    target = world.directory.users.get(target_id)
    if target is None:
        raise invalid("The target is not in the directory.")
    if kind == "userAdd" and (caller.is_app or not _may_request(world, policy, target)):
        raise refused("policy_not_met")
    is_twice = is_in_use(world, accessPackage=package["id"], target=target.id)
    if is_twice and world.settings.entitlement.request_twice == "refuse":
        raise refused("taken", what="request or assignment")
    links = {"_accessPackage": package["id"], "_target": target.id, "_assignmentPolicy": policy["id"]}
    return _new(world, kind, body, caller, links)


def settle(world: World, looked: Json | None = None) -> None:
    """Move on every request whose window has passed; cheap while nothing is under way.

    Args:
        looked: the request somebody looks at just now, which counts as a call of its window.
    """
    window = world.settings.replication.assignment_request
    for request in world.entitlements.all(Kind.REQUEST):
        while request["state"] in _PASSING:
            if window.calls and request is not looked:
                break
            if world.new.hides(f"{request['id']}/{request['state']}", "assignment_request", window):
                break
            _step(world, request)


def stages_of(world: World, request_id: str) -> list[Json]:
    """Raises GraphError: 404 for a request without approval."""
    stages = world.entitlements.all(Kind.STAGE, approval=request_id.lower())
    if not stages:
        raise refused("unknown")
    return stages


def decide(world: World, request: Json, stage: Json, body: Json, person: DirectoryObject) -> None:
    """An approver approves or denies. Raises GraphError: 400 for another decision, 403 for who is no approver, 409
    for a stage that was decided."""
    result = body.get("reviewResult")
    if result not in {"Approve", "Deny"}:
        raise invalid()
    if person.id.lower() not in stage["_approvers"]:
        raise GraphError(403, "Forbidden", "The caller is not an approver of this stage.")
    if stage["status"] != "InProgress":
        raise refused("already_decided")
    stage.update(
        status="Completed",
        reviewResult=result,
        justification=body.get("justification"),
        reviewedDateTime=stamp(),
        reviewedBy={"id": person.id, "displayName": person.get("displayName")},
    )
    rest = [other for other in stages_of(world, request["id"]) if other["status"] == "Initializing"]
    if result == "Deny":
        _finish(request, "denied", "Denied")
    elif rest:
        rest[0]["status"] = "InProgress"
    else:
        _enter(world, request, "delivering")
        settle(world)


def cancel(world: World, request: Json) -> None:
    """Raises GraphError: 400 for a request that is past it (which states are not is documented, the code is
    UNVERIFIED)."""
    if request["state"] not in _CANCELLABLE:
        raise invalid("The request is not in a state in which it can be canceled.")
    for stage in world.entitlements.all(Kind.STAGE, approval=request["id"]):
        if stage["status"] != "Completed":
            stage["status"] = "Completed"
    _finish(request, "canceled", "Canceled")


def withdraw(world: World, role_scope: Json) -> None:
    """A role leaves a package: who has the package loses it."""
    for assignment in world.entitlements.all(Kind.ASSIGNMENT, accessPackage=role_scope["_accessPackage"]):
        if assignment["state"] == "delivered":
            _take(world, assignment["_target"], role_scope)
    world.entitlements.remove(Kind.ROLE_SCOPE, role_scope)


def extend(world: World, role_scope: Json) -> None:
    """A role joins a package: who has the package gets it."""
    for assignment in world.entitlements.all(Kind.ASSIGNMENT, accessPackage=role_scope["_accessPackage"]):
        target = world.directory.users.get(assignment["_target"])
        if assignment["state"] == "delivered" and target is not None:
            _give(world, target, role_scope)


def _submit_removal(world: World, assignment: Json, body: Json, caller: Caller) -> Json:
    if assignment["state"] != "delivered":
        raise invalid()
    links = {name: assignment[name] for name in ("_accessPackage", "_target", "_assignmentPolicy")}
    return _new(world, "adminRemove", body, caller, {**links, "_assignment": assignment["id"]})


def _new(world: World, kind: str, body: Json, caller: Caller, links: Json) -> Json:
    said: Json = {"justification": body.get("justification"), "schedule": body.get("schedule"), "answers": []}
    facts = {"requestType": kind, **said, "_requestor": caller.object_id, **links}
    request = world.entitlements.add(Kind.REQUEST, facts)
    _enter(world, request, "submitted")
    settle(world)
    return request


def _step(world: World, request: Json) -> None:
    if request["state"] == "delivering":
        _deliver(world, request)
    elif _needs_approval(world, request):
        _ask(world, request)
    else:
        _enter(world, request, "delivering")


def _needs_approval(world: World, request: Json) -> bool:
    if request["requestType"] == "adminRemove":
        return False
    if request["requestType"] == "adminAdd" and world.settings.entitlement.admin_add_bypasses_approval:
        return False
    return bool(_approval(world, request).get("isApprovalRequiredForAdd"))


def _approval(world: World, request: Json) -> Json:
    policy = world.entitlements.get(Kind.POLICY, request["_assignmentPolicy"])
    settings: Json = (policy or {}).get("requestApprovalSettings") or {}
    return settings


def _ask(world: World, request: Json) -> None:
    _enter(world, request, "pendingApproval")
    for number, stage in enumerate(_approval(world, request)["stages"]):
        approvers = sorted(_people(world, stage.get("primaryApprovers") or []))
        facts = {"displayName": f"Stage {number + 1}", "assignedToMe": False, "reviewResult": "NotReviewed"}
        links = {"_approval": request["id"], "_approvers": approvers}
        status = "Initializing" if number else "InProgress"
        world.entitlements.add(Kind.STAGE, {**facts, "status": status, **links})


def _deliver(world: World, request: Json) -> None:
    if request["requestType"] == "adminRemove":
        assignment = need(world, Kind.ASSIGNMENT, request["_assignment"])
        for role_scope in world.entitlements.all(Kind.ROLE_SCOPE, accessPackage=assignment["_accessPackage"]):
            _take(world, assignment["_target"], role_scope)
        assignment.update(state="expired", status="Expired", expiredDateTime=stamp())
        _finish(request, "delivered", "Delivered")
        return
    target = world.directory.users.get(request["_target"])
    try:
        if target is None:
            raise refused("unknown")
        for role_scope in world.entitlements.all(Kind.ROLE_SCOPE, accessPackage=request["_accessPackage"]):
            _give(world, target, role_scope)
    except GraphError as error:
        _finish(request, "deliveryFailed", error.message)
        return
    links = {name: request[name] for name in ("_accessPackage", "_assignmentPolicy", "_target")}
    facts = {"state": "delivered", "status": "Delivered", "schedule": request.get("schedule")}
    made = {**facts, "customExtensionCalloutInstances": [], **links}
    request["_assignment"] = world.entitlements.add(Kind.ASSIGNMENT, made)["id"]
    _finish(request, "delivered", "Delivered")


def _give(world: World, target: DirectoryObject, role_scope: Json) -> None:
    """Raises GraphError: the directory refuses. What the person has already is no error."""
    resource, role = need(world, Kind.RESOURCE, role_scope["_resource"]), need(world, Kind.ROLE, role_scope["_role"])
    directory = world.directory
    if resource["originSystem"] != GROUP:
        if not directory.assignments.same(target.id, resource["originId"], role["originId"]):
            asked = {"principalId": target.id, "resourceId": resource["originId"], "appRoleId": role["originId"]}
            app_role_assignments.assign(world, asked)
        return
    group = directory.groups.get(resource["originId"])
    if group is None:
        raise refused("not_in_origin", system=GROUP)
    if role["displayName"] == "Owner":
        if not directory.owners.holds(group.id, target.id):
            group_members.add_owners(world, group, [target], _SERVICE)
    elif not directory.members.holds(group.id, target.id):
        group_members.add(world, group, [target], _SERVICE, _ACTOR)


def _take(world: World, target_id: str, role_scope: Json) -> None:
    resource, role = need(world, Kind.RESOURCE, role_scope["_resource"]), need(world, Kind.ROLE, role_scope["_role"])
    directory, origin = world.directory, resource["originId"]
    if resource["originSystem"] != GROUP:
        assignment = directory.assignments.same(target_id, origin, role["originId"])
        if assignment is not None:
            directory.assignments.remove(assignment)
    else:
        directory.unlink(directory.owners if role["displayName"] == "Owner" else directory.members, origin, target_id)


def _may_request(world: World, policy: Json, person: DirectoryObject) -> bool:
    settings: Json = policy.get("requestorSettings") or {}
    if not settings.get("enableTargetsToSelfAddAccess"):
        return False
    is_guest = bool(person.get("userType") == "Guest")
    match policy.get("allowedTargetScope"):
        case "allDirectoryUsers":
            return True
        case "allMemberUsers":
            return not is_guest
        case "allExternalUsers" | "allConfiguredConnectedOrganizationUsers" | "specificConnectedOrganizationUsers":
            return is_guest
        case "specificDirectoryUsers":
            return person.id.lower() in _people(world, policy.get("specificAllowedTargets") or [])
        case _:
            return False


def _people(world: World, sets: list[Json]) -> set[str]:
    """The ids of the people that subject sets (singleUser, groupMembers) name."""
    found: set[str] = set()
    for each in sets:
        if "userId" in each:
            found.add(str(each["userId"]).lower())
        if "groupId" in each:
            found |= set(world.directory.members.of(str(each["groupId"])))
    return found


def _enter(world: World, request: Json, state: str) -> None:
    request.update(state=state, status=_STATUS[state])
    world.new.announce(f"{request['id']}/{state}")


def _finish(request: Json, state: str, status: str) -> None:
    request.update(state=state, status=status, completedDateTime=stamp())
