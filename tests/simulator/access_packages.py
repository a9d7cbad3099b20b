"""Steps of entitlement management over plain HTTP that several tests take."""

from typing import Any

import httpx

from tests.simulator.simulated_graph import GUS, OLIVIA, TRAVEL, Graph

ROOT = "/identityGovernance/entitlementManagement"
WRITE = "EntitlementManagement.ReadWrite.All"
MISSING = "0000dead-0000-4000-8000-00000000dead"
EMMA = "00000105-0000-4000-8000-000000000105"
STAGE = {
    "durationBeforeAutomaticDenial": "P14D",
    "primaryApprovers": [{"@odata.type": "#microsoft.graph.singleUser", "userId": OLIVIA}],
}
APPROVED_BY_OLIVIA = {"isApprovalRequiredForAdd": True, "stages": [STAGE]}


async def made(graph: Graph, path: str, body: Any, *, status: int = 201) -> Any:
    answer = await graph.call("POST", f"{ROOT}{path}", body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def got(graph: Graph, path: str) -> Any:
    answer = await graph.call("GET", f"{ROOT}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def group_request(catalog: str, group: str = TRAVEL, kind: str = "adminAdd") -> Any:
    resource = {"originId": group, "originSystem": "AadGroup"}
    return {"requestType": kind, "resource": resource, "catalog": {"id": catalog}}


def membership(resource: Any, group: str = TRAVEL) -> Any:
    return {
        "role": {
            "originId": f"Member_{group}",
            "originSystem": "AadGroup",
            "displayName": "Member",
            "resource": {"id": resource["id"], "originId": group, "originSystem": "AadGroup"},
        },
        "scope": {"originId": group, "originSystem": "AadGroup", "isRootScope": True},
    }


async def a_catalog(graph: Graph, name: str = "Apps") -> str:
    body = {"displayName": name, "isExternallyVisible": True, "state": "published"}
    return str((await made(graph, "/catalogs", body))["id"])


async def a_resource(graph: Graph, catalog: str) -> Any:
    await made(graph, "/resourceRequests", group_request(catalog))
    [resource] = await graph.listed(f"{ROOT}/catalogs/{catalog}/resources", f"originId eq '{TRAVEL}'")
    return resource


async def a_package(graph: Graph, **policy: Any) -> tuple[str, str]:
    """A package that makes members of the travel group, and its policy."""
    catalog = await a_catalog(graph)
    resource = await a_resource(graph, catalog)
    body = {"displayName": "Travel", "description": "Travel for guests", "catalog": {"id": catalog}}
    package = (await made(graph, "/accessPackages", body))["id"]
    await made(graph, f"/accessPackages/{package}/resourceRoleScopes", membership(resource))
    wanted = {
        "displayName": "Guests",
        "description": "Guests ask, the owner approves",
        "allowedTargetScope": "allExternalUsers",
        "requestorSettings": {"enableTargetsToSelfAddAccess": True},
        "requestApprovalSettings": APPROVED_BY_OLIVIA,
        "expiration": {"type": "noExpiration"},
        "accessPackage": {"id": package},
    }
    made_policy = await made(graph, "/assignmentPolicies", {**wanted, **policy})
    return str(package), str(made_policy["id"])


def assignment_request(package: str, policy: str, target: str | None = GUS) -> Any:
    assignment = {"accessPackageId": package, "assignmentPolicyId": policy}
    if target is None:
        return {"requestType": "userAdd", "assignment": assignment, "justification": "To travel"}
    return {"requestType": "adminAdd", "assignment": {**assignment, "targetId": target}}


async def as_person(graph: Graph, username: str, method: str, path: str, body: Any = None) -> httpx.Response:
    """A call with a delegated token of somebody."""
    order = {"username": username, "audience": "https://graph.microsoft.com", "claims": {"scp": WRITE}}
    token = (await graph.control("POST", "/tokens", order))["access_token"]
    return await graph.call(method, f"{ROOT}{path}", body, Authorization=f"Bearer {token}")


async def members(graph: Graph) -> set[str]:
    return {m["id"] for m in (await graph.call("GET", f"/groups/{TRAVEL}/members")).json()["value"]}
