"""Entitlement management over plain HTTP (graph contract "Entitlement management"): catalogs, resources, access
packages and policies."""

from typing import Any

import pytest

from tests.simulator.access_packages import (
    MISSING,
    ROOT,
    STAGE,
    WRITE,
    a_catalog,
    a_package,
    a_resource,
    assignment_request,
    got,
    group_request,
    made,
    members,
    membership,
)
from tests.simulator.simulated_graph import ANY_ROLE, APP, DYNAMIC, GUS, NEWS, OLIVIA, SYNCED, TRAVEL, Graph, error


async def test_a_catalog_is_made_found_by_name_and_deleted(graph: Graph) -> None:
    catalog = await a_catalog(graph)

    [found] = await graph.listed(f"{ROOT}/catalogs", "displayName eq 'Apps'")
    assert found == {k: v for k, v in (await got(graph, f"/catalogs/{catalog}")).items() if k != "@odata.context"}
    assert (found["id"], found["state"], found["catalogType"]) == (catalog, "published", "userManaged")
    assert (await graph.call("DELETE", f"{ROOT}/catalogs/{catalog}")).status_code == 204
    assert error(await graph.call("GET", f"{ROOT}/catalogs/{catalog}"))[:2] == (404, "ResourceNotFound")
    assert error(await graph.call("DELETE", f"{ROOT}/catalogs/{catalog}"))[0] == 404


async def test_the_built_in_catalog_is_there_and_stays(graph: Graph) -> None:
    [general] = await graph.listed(f"{ROOT}/catalogs", "catalogType eq 'serviceDefault'")

    assert general["displayName"] == "General"
    assert error(await graph.call("DELETE", f"{ROOT}/catalogs/{general['id']}"))[0] == 400


async def test_a_group_in_a_catalog_has_roles_and_a_root_scope(graph: Graph) -> None:
    catalog = await a_catalog(graph)
    request = await made(graph, "/resourceRequests", group_request(catalog))
    condition = f"originId eq '{TRAVEL}'"

    [plain] = await graph.listed(f"{ROOT}/catalogs/{catalog}/resources", condition)
    [resource] = await graph.listed(f"{ROOT}/catalogs/{catalog}/resources", condition, **{"$expand": "scopes"})
    by_resource = f"originSystem eq 'AadGroup' and resource/id eq '{resource['id']}'"
    path = f"{ROOT}/catalogs/{catalog}/resourceRoles"
    roles = await graph.listed(path, by_resource, **{"$expand": "resource"})

    assert (request["requestType"], request["state"]) == ("adminAdd", "delivered")
    assert "scopes" not in plain
    [scope] = resource["scopes"]
    assert (scope["originId"], scope["isRootScope"]) == (TRAVEL, True)
    assert {role["originId"] for role in roles} == {f"Owner_{TRAVEL}", f"Member_{TRAVEL}"}
    assert {role["resource"]["id"] for role in roles} == {resource["id"]}
    assert await graph.listed(path, f"originSystem eq 'AadGroup' and resource/id eq '{ANY_ROLE}'") == []
    assert error(await graph.call("GET", path))[0] == 400


async def test_an_app_in_a_catalog_has_its_default_access(graph: Graph) -> None:
    catalog = await a_catalog(graph)
    resource = {"originId": APP, "originSystem": "AadApplication"}
    body = {"requestType": "adminAdd", "resource": resource, "catalog": {"id": catalog}}
    await made(graph, "/resourceRequests", body)

    [role] = await graph.listed(f"{ROOT}/catalogs/{catalog}/resourceRoles", "originSystem eq 'AadApplication'")

    assert role["originId"] == ANY_ROLE


@pytest.mark.parametrize(("twice", "status"), [("refuse", 400), ("same", 201)])
async def test_a_resource_is_in_a_catalog_once(graph: Graph, twice: str, status: int) -> None:
    await graph.settings(entitlement={"resourceTwice": twice})
    catalog = await a_catalog(graph)
    await a_resource(graph, catalog)

    again = await graph.call("POST", f"{ROOT}/resourceRequests", group_request(catalog))

    assert again.status_code == status
    if status == 400:
        assert error(again)[1] == "ResourceAlreadyOnboarded"
    assert len(await graph.listed(f"{ROOT}/catalogs/{catalog}/resources", f"originId eq '{TRAVEL}'")) == 1
    await a_resource(graph, await a_catalog(graph, "Another"))


async def test_adding_a_group_needs_the_permission_to_change_groups_and_an_app_does_not(graph: Graph) -> None:
    catalog = await a_catalog(graph)
    await graph.permit(WRITE)
    resource = {"originId": APP, "originSystem": "AadApplication"}

    refused = await graph.call("POST", f"{ROOT}/resourceRequests", group_request(catalog))

    assert error(refused)[:2] == (403, "Authorization_RequestDenied")
    await made(
        graph, "/resourceRequests", {"requestType": "adminAdd", "resource": resource, "catalog": {"id": catalog}}
    )
    await graph.permit(WRITE, "Group.ReadWrite.All")
    await made(graph, "/resourceRequests", group_request(catalog))


@pytest.mark.parametrize("group", [DYNAMIC, SYNCED, NEWS, MISSING])
async def test_a_group_that_cannot_be_given_is_no_resource(graph: Graph, group: str) -> None:
    catalog = await a_catalog(graph)

    assert error(await graph.call("POST", f"{ROOT}/resourceRequests", group_request(catalog, group)))[0] == 400
    assert (await got(graph, f"/catalogs/{catalog}/resources"))["value"] == []


async def test_a_new_group_and_a_new_resource_are_seen_late(graph: Graph) -> None:
    await graph.settings(replication={"objectsGet": {"calls": 1}, "objectsList": {"calls": 1}})
    body = {"displayName": "New", "mailEnabled": False, "mailNickname": "new", "securityEnabled": True}
    group = (await graph.call("POST", "/groups", body)).json()["id"]
    catalog = await a_catalog(graph)

    early = await graph.call("POST", f"{ROOT}/resourceRequests", group_request(catalog, group))
    await made(graph, "/resourceRequests", group_request(catalog, group))
    listed = [len((await got(graph, f"/catalogs/{catalog}/resources"))["value"]) for _ in range(2)]

    assert error(early)[:2] == (400, "ResourceNotFoundInOriginSystem")
    assert listed == [0, 1]


async def test_a_package_shows_what_it_gives_and_its_policies_when_expanded(graph: Graph) -> None:
    package, policy = await a_package(graph)
    path = f"/accessPackages/{package}"

    plain = await got(graph, path)
    full = await got(
        graph, f"{path}?$expand=resourceRoleScopes($expand=role($expand=resource),scope),assignmentPolicies,catalog"
    )

    assert not {"resourceRoleScopes", "assignmentPolicies", "catalog"} & plain.keys()
    [role_scope] = full["resourceRoleScopes"]
    assert role_scope["role"]["originId"] == f"Member_{TRAVEL}"
    assert role_scope["role"]["resource"]["originId"] == TRAVEL
    assert role_scope["scope"]["isRootScope"] is True
    assert [p["id"] for p in full["assignmentPolicies"]] == [policy]
    condition = f"displayName eq 'Travel' and catalog/id eq '{full['catalog']['id']}'"
    [found] = await graph.listed(f"{ROOT}/accessPackages", condition, **{"$expand": "catalog"})
    assert (found["id"], found["catalog"]["displayName"]) == (package, "Apps")
    assert await graph.listed(f"{ROOT}/accessPackages", f"catalog/id eq '{ANY_ROLE}'") == []


@pytest.mark.parametrize("bad", ["$expand=magic", "$expand=catalog($expand=magic)", "$filter=magic eq 'x'"])
async def test_what_a_package_does_not_have_cannot_be_asked_of_it(graph: Graph, bad: str) -> None:
    assert error(await graph.call("GET", f"{ROOT}/accessPackages?{bad}"))[0] == 400


async def test_a_role_of_another_catalog_or_twice_cannot_be_added(graph: Graph) -> None:
    package, _ = await a_package(graph)
    path = f"{ROOT}/accessPackages/{package}/resourceRoleScopes"
    elsewhere = await a_resource(graph, await a_catalog(graph, "Elsewhere"))
    [here] = [
        scope["role"]["resource"]
        for scope in (
            await got(graph, f"/accessPackages/{package}/resourceRoleScopes?$expand=role($expand=resource)")
        )["value"]
    ]

    assert error(await graph.call("POST", path, membership(elsewhere)))[:2] == (404, "ResourceNotFound")
    assert error(await graph.call("POST", path, membership(here)))[0] == 400
    await graph.settings(entitlement={"roleScopeTwice": "same"})
    again = await graph.call("POST", path, membership(here))
    assert again.status_code == 201
    assert len((await graph.call("GET", path)).json()["value"]) == 1


@pytest.mark.parametrize("unique", [True, False])
async def test_names_repeat_unless_the_switch_says_so(graph: Graph, unique: bool) -> None:
    await graph.settings(entitlement={"namesAreUnique": unique})
    catalog = await a_catalog(graph)
    body = {"displayName": "Travel", "catalog": {"id": catalog}}
    await made(graph, "/accessPackages", body)

    again = await graph.call("POST", f"{ROOT}/accessPackages", body)
    twin = await graph.call("POST", f"{ROOT}/catalogs", {"displayName": "Apps"})

    assert [again.status_code, twin.status_code] == ([400, 400] if unique else [201, 201])


async def test_a_policy_is_found_by_its_package_replaced_as_a_whole_and_deleted(graph: Graph) -> None:
    package, policy = await a_package(graph)
    await a_package(graph)
    path = f"{ROOT}/assignmentPolicies/{policy}"
    [found] = await graph.listed(f"{ROOT}/assignmentPolicies", f"accessPackage/id eq '{package}'")
    assert found["requestApprovalSettings"]["stages"][0]["primaryApprovers"][0]["userId"] == OLIVIA

    body = {"displayName": "Open", "allowedTargetScope": "allDirectoryUsers", "accessPackage": {"id": package}}
    replaced = await graph.call("PUT", path, body)

    assert (replaced.status_code, replaced.json()["allowedTargetScope"]) == (200, "allDirectoryUsers")
    assert replaced.json()["requestApprovalSettings"] is None
    assert replaced.json()["createdDateTime"] == found["createdDateTime"]
    assert (await graph.call("DELETE", path)).status_code == 204
    assert error(await graph.call("DELETE", path))[0] == 404


@pytest.mark.parametrize(
    "change",
    [
        {"displayName": None},
        {"accessPackage": {"id": ANY_ROLE}},
        {"accessPackage": None},
        {"allowedTargetScope": "everybody"},
        {"request_approval_settings": {}},
        {"requestApprovalSettings": {"isApprovalRequiredForAdd": True, "stages": []}},
        {"requestApprovalSettings": {"isApprovalRequiredForAdd": True, "stages": [{"primaryApprovers": []}]}},
        {"requestApprovalSettings": {"stages": [{"primaryApprovers": [{"userId": OLIVIA}]}]}},
        {"requestApprovalSettings": {"stages": [{**STAGE, "durationBeforeAutomaticDenial": "14 days, 0:00:00"}]}},
        {"requestApprovalSettings": {"stages": [{**STAGE, "durationBeforeAutomaticDenial": "P2W"}]}},
        {
            "requestApprovalSettings": {
                "stages": [{"primaryApprovers": [{"@odata.type": "#microsoft.graph.singleUser", "userId": ANY_ROLE}]}]
            }
        },
    ],
)
async def test_a_policy_that_cannot_be_is_refused(graph: Graph, change: Any) -> None:
    package, _ = await a_package(graph)
    body = {"displayName": "Other", "accessPackage": {"id": package}, **change}

    assert (await graph.call("POST", f"{ROOT}/assignmentPolicies", body)).status_code in (400, 404)
    assert len((await got(graph, "/assignmentPolicies"))["value"]) == 1


async def test_a_tenant_without_the_licence_is_refused_everywhere(graph: Graph) -> None:
    await graph.settings(entitlement={"licensed": False})

    for method, path in (("GET", "/catalogs"), ("POST", "/accessPackages"), ("GET", "/assignmentRequests")):
        status, code, message = error(await graph.call(method, f"{ROOT}{path}", {}))
        assert (status, code) == (403, "NoLicense")
        assert "license" in message


async def test_reading_and_writing_need_their_permissions(graph: Graph) -> None:
    await graph.permit("EntitlementManagement.Read.All")
    assert (await graph.call("GET", f"{ROOT}/catalogs")).status_code == 200
    assert error(await graph.call("POST", f"{ROOT}/catalogs", {"displayName": "Apps"}))[0] == 403

    await graph.permit("Group.ReadWrite.All")

    assert error(await graph.call("GET", f"{ROOT}/catalogs"))[0] == 403


async def test_a_reset_leaves_only_the_built_in_catalog(graph: Graph) -> None:
    await a_package(graph)

    await graph.control("POST", "/reset", {})

    await graph.permit(WRITE)
    assert [c["displayName"] for c in (await got(graph, "/catalogs"))["value"]] == ["General"]
    assert (await got(graph, "/accessPackages"))["value"] == []


async def test_create_assignment_request_the_case_of_a_type_does_not_matter(graph: Graph) -> None:
    """Microsoft's examples have ``AdminAdd`` as well as ``adminAdd``; the answer has the published spelling."""
    catalog = await a_catalog(graph)
    asked = await made(graph, "/resourceRequests", group_request(catalog, kind="AdminAdd"))
    package, policy = await a_package(graph, requestApprovalSettings=None)

    request = await made(
        graph, "/assignmentRequests", {**assignment_request(package, policy), "requestType": "ADMINADD"}
    )

    assert (asked["requestType"], request["requestType"]) == ("adminAdd", "adminAdd")
    assert GUS in await members(graph)


async def test_update_assignment_policy_a_put_may_repeat_the_id(graph: Graph) -> None:
    package, policy = await a_package(graph)
    path = f"{ROOT}/assignmentPolicies/{policy}"
    body = {"id": policy, "displayName": "Open", "accessPackage": {"id": package}}

    replaced = await graph.call("PUT", path, body)

    assert (replaced.status_code, replaced.json()["id"]) == (200, policy)
    assert error(await graph.call("PUT", path, {**body, "id": MISSING}))[0] == 400
