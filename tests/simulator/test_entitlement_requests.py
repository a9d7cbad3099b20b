"""Requests for access packages over plain HTTP (graph contract "Entitlement management"), into the group and out of
it."""

from typing import Any

import pytest

from tests.simulator.access_packages import (
    EMMA,
    ROOT,
    a_package,
    as_person,
    assignment_request,
    got,
    group_request,
    made,
    members,
)
from tests.simulator.simulated_graph import GUS, OLIVIA, OSCAR, TRAVEL, Graph, error


async def test_what_an_app_requests_for_somebody_is_delivered_into_the_group(graph: Graph) -> None:
    package, policy = await a_package(graph)

    request = await made(graph, "/assignmentRequests", assignment_request(package, policy))

    assert (request["state"], request["requestType"]) == ("submitted", "adminAdd")
    after = await got(graph, f"/assignmentRequests/{request['id']}?$expand=assignment($expand=target),accessPackage")
    assert (after["state"], after["accessPackage"]["id"]) == ("delivered", package)
    assert after["assignment"]["target"]["objectId"] == GUS
    assert await members(graph) == {GUS}
    assignments = await graph.listed(f"{ROOT}/assignments", f"accessPackage/id eq '{package}'")
    assert [a["state"] for a in assignments] == ["delivered"]


async def test_a_request_passes_through_its_states_one_look_after_the_other(graph: Graph) -> None:
    await graph.settings(replication={"assignmentRequest": {"calls": 1}})
    package, policy = await a_package(graph)
    request = await made(graph, "/assignmentRequests", assignment_request(package, policy))
    path = f"/assignmentRequests/{request['id']}"

    assert [(await got(graph, path))["state"] for _ in range(2)] == ["submitted", "delivering"]
    assert await members(graph) == set()
    assert (await got(graph, path))["state"] == "delivered"
    assert await members(graph) == {GUS}


async def test_a_package_is_requested_once_per_person(graph: Graph) -> None:
    package, policy = await a_package(graph)
    await made(graph, "/assignmentRequests", assignment_request(package, policy))

    again = await graph.call("POST", f"{ROOT}/assignmentRequests", assignment_request(package, policy))

    assert error(again)[0] == 400
    assert len((await got(graph, "/assignmentRequests"))["value"]) == 1


async def test_a_delivery_that_the_directory_refuses_fails(graph: Graph) -> None:
    package, policy = await a_package(graph)
    await graph.call("DELETE", f"/groups/{TRAVEL}")

    request = await made(graph, "/assignmentRequests", assignment_request(package, policy))

    assert (await got(graph, f"/assignmentRequests/{request['id']}"))["state"] == "deliveryFailed"


@pytest.mark.parametrize(
    ("decision", "state", "expected"), [("Approve", "delivered", {GUS}), ("Deny", "denied", set())]
)
async def test_a_guest_asks_and_the_approver_decides_once(
    graph: Graph, decision: str, state: str, expected: set[str]
) -> None:
    package, policy = await a_package(graph)
    asked = await as_person(graph, GUS, "POST", "/assignmentRequests", assignment_request(package, policy, None))
    assert asked.status_code == 201, asked.text
    request = asked.json()["id"]
    assert (await got(graph, f"/assignmentRequests/{request}"))["state"] == "pendingApproval"
    approval = f"/accessPackageAssignmentApprovals/{request}"
    [stage] = (await got(graph, f"{approval}/stages"))["value"]
    assert (stage["status"], stage["reviewResult"]) == ("InProgress", "NotReviewed")
    path, body = f"{approval}/stages/{stage['id']}", {"reviewResult": decision, "justification": "Known"}

    by_app = await graph.call("PATCH", f"{ROOT}{path}", body)
    by_another = await as_person(graph, OSCAR, "PATCH", path, body)
    by_approver = await as_person(graph, OLIVIA, "PATCH", path, body)
    once_more = await as_person(graph, OLIVIA, "PATCH", path, body)

    statuses = [answer.status_code for answer in (by_app, by_another, by_approver, once_more)]
    assert statuses == [403, 403, 204, 409]
    assert (await got(graph, f"/assignmentRequests/{request}"))["state"] == state
    assert await members(graph) == expected
    assert (await got(graph, path))["reviewedBy"]["id"] == OLIVIA


async def test_an_app_cannot_get_round_an_approval_where_the_switch_says_so(graph: Graph) -> None:
    await graph.settings(entitlement={"adminAddBypassesApproval": False})
    package, policy = await a_package(graph)

    request = await made(graph, "/assignmentRequests", assignment_request(package, policy))

    assert (await got(graph, f"/assignmentRequests/{request['id']}"))["state"] == "pendingApproval"
    assert await members(graph) == set()


@pytest.mark.parametrize(
    ("person", "policy"),
    [
        (EMMA, {}),
        (GUS, {"requestorSettings": {"enableTargetsToSelfAddAccess": False}}),
        (GUS, {"allowedTargetScope": "notSpecified"}),
        (GUS, {"allowedTargetScope": "specificDirectoryUsers", "specificAllowedTargets": []}),
    ],
)
async def test_somebody_outside_the_policy_cannot_ask(graph: Graph, person: str, policy: Any) -> None:
    package, made_policy = await a_package(graph, **policy)

    asked = await as_person(
        graph, person, "POST", "/assignmentRequests", assignment_request(package, made_policy, None)
    )

    assert error(asked)[0] == 400
    assert "policy requirements" in error(asked)[2]


async def test_a_removal_takes_the_membership_and_then_the_package_can_go(graph: Graph) -> None:
    package, policy = await a_package(graph)
    await made(graph, "/assignmentRequests", assignment_request(package, policy))
    [assignment] = await graph.listed(f"{ROOT}/assignments", f"target/objectId eq '{GUS}'")
    assert error(await graph.call("DELETE", f"{ROOT}/accessPackages/{package}"))[0] == 400
    assert error(await graph.call("DELETE", f"{ROOT}/assignmentPolicies/{policy}"))[0] == 400

    body = {"requestType": "adminRemove", "assignment": {"id": assignment["id"]}}
    await made(graph, "/assignmentRequests", body)

    assert await members(graph) == set()
    assert (await graph.call("DELETE", f"{ROOT}/accessPackages/{package}")).status_code == 204
    assert error(await graph.call("DELETE", f"{ROOT}/accessPackages/{package}"))[0] == 404
    assert (await got(graph, "/assignmentPolicies"))["value"] == []


async def test_a_catalog_is_taken_apart_from_the_inside_out(graph: Graph) -> None:
    package, policy = await a_package(graph)
    full = await got(graph, f"/accessPackages/{package}?$expand=catalog,resourceRoleScopes")
    catalog, [role_scope] = full["catalog"]["id"], full["resourceRoleScopes"]
    await made(graph, "/assignmentRequests", assignment_request(package, policy))
    removal = group_request(catalog, kind="adminRemove")
    assert error(await graph.call("POST", f"{ROOT}/resourceRequests", removal))[1] == (
        "InvalidDeleteResourceHasEntitlements"
    )
    assert error(await graph.call("DELETE", f"{ROOT}/catalogs/{catalog}"))[0] == 400
    role_scopes = f"{ROOT}/accessPackages/{package}/resourceRoleScopes"

    assert (await graph.call("DELETE", f"{role_scopes}/{role_scope['id']}")).status_code == 204

    assert await members(graph) == set()
    assert error(await graph.call("DELETE", f"{role_scopes}/{role_scope['id']}"))[0] == 404
    await made(graph, "/resourceRequests", removal)
    assert (await got(graph, f"/catalogs/{catalog}/resources"))["value"] == []
