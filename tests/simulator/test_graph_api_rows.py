"""Microsoft Graph's own service principal: app roles are permissions, and assignments of them are in tokens."""

import base64
import json
from typing import Any

from tests.simulator.simulated_graph import Graph, error

GRAPH = "00000003-0000-0000-c000-000000000000"
IDENTITY = "00000403-0000-4000-8000-000000000403"
OF_APP = f"/servicePrincipals(appId='{GRAPH}')"
OF_IDENTITY = f"/servicePrincipals(appId='{IDENTITY}')"


async def facts(graph: Graph) -> dict[str, Any]:
    found: dict[str, Any] = (await graph.call("GET", OF_APP)).json()
    return found


async def identity(graph: Graph) -> str:
    return str((await graph.call("GET", OF_IDENTITY)).json()["id"])


async def role(graph: Graph, permission: str) -> str:
    return next(str(r["id"]) for r in (await facts(graph))["appRoles"] if r["value"] == permission)


async def roles_of_token(graph: Graph) -> set[str]:
    order = {"clientId": IDENTITY, "audience": "https://graph.microsoft.com"}
    payload = (await graph.control("POST", "/tokens", order))["access_token"].split(".")[1]
    return set(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).get("roles", ()))


async def body(graph: Graph, permission: str) -> dict[str, str]:
    resource = str((await facts(graph))["id"])
    return {
        "principalId": await identity(graph),
        "resourceId": resource,
        "appRoleId": await role(graph, permission),
    }


async def test_its_app_roles_are_application_permissions(graph: Graph) -> None:
    found = await facts(graph)

    assert found["displayName"] == "Microsoft Graph"
    values = [r["value"] for r in found["appRoles"]]
    assert {"User.Invite.All", "Directory.Read.All", "GroupMember.Read.All"} <= set(values)
    assert len(values) == len(set(values)) == len({r["id"] for r in found["appRoles"]})
    assert all(r["allowedMemberTypes"] == ["Application"] and r["isEnabled"] for r in found["appRoles"])


async def test_an_assignment_is_in_the_next_token_until_it_is_removed(graph: Graph) -> None:
    path = f"/servicePrincipals/{await identity(graph)}/appRoleAssignments"
    assert "GroupMember.Read.All" not in await roles_of_token(graph)

    made = await graph.call("POST", path, await body(graph, "GroupMember.Read.All"))

    assert made.status_code == 201
    assert made.json()["principalType"] == "ServicePrincipal"
    assert "GroupMember.Read.All" in await roles_of_token(graph)
    assert (await graph.call("DELETE", f"{path}/{made.json()['id']}")).status_code == 204
    assert "GroupMember.Read.All" not in await roles_of_token(graph)


async def test_a_second_one_is_refused_as_any_assignment(graph: Graph) -> None:
    path = f"/servicePrincipals/{await identity(graph)}/appRoleAssignments"
    status, _, message = error(await graph.call("POST", path, await body(graph, "User.Invite.All")))

    assert (status, message) == (400, "Permission being assigned already exists on the object")


async def test_what_a_client_holds_is_listed_as_assignments(graph: Graph) -> None:
    listed = (await graph.call("GET", f"/servicePrincipals/{await identity(graph)}/appRoleAssignments")).json()
    names = {r["id"]: r["value"] for r in (await facts(graph))["appRoles"]}

    assert {names[a["appRoleId"]] for a in listed["value"]} == await roles_of_token(graph)
    assert {a["resourceDisplayName"] for a in listed["value"]} == {"Microsoft Graph"}


async def test_granting_takes_the_permission_to_assign_and_to_read_apps(graph: Graph) -> None:
    path = f"/servicePrincipals/{await identity(graph)}/appRoleAssignments"
    wanted = await body(graph, "GroupMember.Read.All")
    for held in (["Application.Read.All"], ["AppRoleAssignment.ReadWrite.All"]):
        await graph.permit(*held)
        assert error(await graph.call("POST", path, wanted))[:2] == (403, "Authorization_RequestDenied")
