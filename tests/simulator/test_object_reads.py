"""What Graph shows of objects, their links, changes and headers, named by where that is written."""

from typing import Any

import pytest

from tests.simulator.simulated_graph import APP, GUS, OLIVIA, OSCAR, TRAVEL, Graph, error

MINIMAL = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
UNIT, ROLE = "70000000-0000-4000-8000-000000000001", "70000000-0000-4000-8000-000000000002"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"


async def seeded(graph: Graph, *users: str) -> None:
    unit = {"id": UNIT, "displayName": "Berlin", "members": users}
    role = {"id": ROLE, "displayName": "Global Reader", "roleTemplateId": GLOBAL_READER, "members": users}
    await graph.control("POST", "/seed", {"administrativeUnits": [unit], "directoryRoles": [role]})


# memberOf


async def test_list_a_users_direct_memberships_has_units_and_roles(graph: Graph) -> None:
    await graph.add(TRAVEL, GUS)
    await seeded(graph, GUS)

    listed = (await graph.call("GET", f"/users/{GUS}/memberOf?$select=id")).json()["value"]

    assert {(item["@odata.type"], item["id"]) for item in listed} == {
        ("#microsoft.graph.group", TRAVEL),
        ("#microsoft.graph.administrativeUnit", UNIT),
        ("#microsoft.graph.directoryRole", ROLE),
    }
    whole = (await graph.call("GET", f"/users/{GUS}/transitiveMemberOf")).json()["value"]
    assert {item["displayName"] for item in whole} == {"Travel app guests", "Berlin", "Global Reader"}
    [role] = [item for item in whole if item["id"] == ROLE]
    assert role["roleTemplateId"] == GLOBAL_READER


async def test_check_member_objects_has_units_and_roles_and_check_member_groups_has_not(graph: Graph) -> None:
    await graph.add(TRAVEL, GUS)
    await seeded(graph, GUS)
    ids = [TRAVEL, UNIT, ROLE]

    objects = await graph.call("POST", f"/users/{GUS}/checkMemberObjects", {"ids": ids})
    groups = await graph.call("POST", f"/users/{GUS}/checkMemberGroups", {"groupIds": ids})
    got = await graph.call("POST", f"/users/{GUS}/getMemberObjects", {"securityEnabledOnly": False})

    assert objects.json()["value"] == ids
    assert groups.json()["value"] == [TRAVEL]
    assert set(got.json()["value"]) == set(ids)


async def test_who_can_perform_sensitive_actions_no_app_deletes_or_blocks_who_holds_a_role(graph: Graph) -> None:
    await seeded(graph, GUS)
    denied = (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

    assert error(await graph.call("DELETE", f"/users/{GUS}")) == denied
    assert error(await graph.call("PATCH", f"/users/{GUS}", {"accountEnabled": False})) == denied
    assert (await graph.call("PATCH", f"/users/{GUS}", {"jobTitle": "Guest"})).status_code == 204
    await seeded(graph)
    assert (await graph.call("DELETE", f"/users/{GUS}")).status_code == 204


async def test_who_is_restored_is_in_the_unit_again(graph: Graph) -> None:
    unit = {"id": UNIT, "displayName": "Berlin", "members": [GUS]}
    await graph.control("POST", "/seed", {"administrativeUnits": [unit]})
    await graph.call("DELETE", f"/users/{GUS}")

    await graph.call("POST", f"/directory/deletedItems/{GUS}/restore")

    listed = (await graph.call("GET", f"/users/{GUS}/memberOf")).json()["value"]
    assert [item["id"] for item in listed] == [UNIT]


# Delta queries


async def round_of(graph: Graph, link: str) -> tuple[list[dict[str, Any]], str]:
    """Everything until the delta link, and the link."""
    found: list[dict[str, Any]] = []
    while True:
        page = (await graph.http.get(link)).json()
        found += page["value"]
        if "@odata.deltaLink" in page:
            return found, str(page["@odata.deltaLink"])
        link = page["@odata.nextLink"]


async def test_use_delta_query_what_can_be_restored_is_changed_and_what_cannot_is_deleted(graph: Graph) -> None:
    _, link = await round_of(graph, "/v1.0/users/delta?$select=id")
    await graph.call("DELETE", f"/users/{GUS}")
    await graph.call("DELETE", f"/users/{OSCAR}")

    soft, link = await round_of(graph, link)
    await graph.call("DELETE", f"/directory/deletedItems/{GUS}")
    await graph.call("POST", f"/directory/deletedItems/{OSCAR}/restore")
    hard, link = await round_of(graph, link)

    assert sorted((i["id"], i["@removed"]["reason"]) for i in soft) == [(OSCAR, "changed"), (GUS, "changed")]
    removed = {i["id"]: i["@removed"]["reason"] for i in hard if "@removed" in i}
    assert removed == {GUS: "deleted"}
    assert [i["id"] for i in hard if "@removed" not in i] == [OSCAR]
    assert (await round_of(graph, link))[0] == []


async def test_use_delta_query_what_is_not_kept_any_longer_is_deleted(graph: Graph) -> None:
    _, link = await round_of(graph, "/v1.0/users/delta?$select=id")
    await graph.call("DELETE", f"/users/{GUS}")
    await graph.settings(deleted={"keepDays": 0})

    changes, _ = await round_of(graph, link)

    assert [(i["id"], i["@removed"]["reason"]) for i in changes] == [(GUS, "deleted")]


async def test_use_delta_query_a_deleted_group_is_changed_then_back_with_its_members(graph: Graph) -> None:
    await graph.add(TRAVEL, GUS)
    _, link = await round_of(graph, "/v1.0/groups/delta?$select=id,members")
    await graph.call("DELETE", f"/groups/{TRAVEL}")

    gone, link = await round_of(graph, link)
    await graph.call("POST", f"/directory/deletedItems/{TRAVEL}/restore")
    back, _ = await round_of(graph, link)

    assert [(i["id"], i["@removed"]["reason"]) for i in gone] == [(TRAVEL, "changed")]
    assert GUS in {m["id"] for item in back for m in item["members@delta"] if "@removed" not in m}


async def test_use_delta_query_an_administrative_unit_is_no_change_of_a_group(graph: Graph) -> None:
    await seeded(graph, GUS)
    _, link = await round_of(graph, "/v1.0/groups/delta?$select=id,members")
    await seeded(graph)
    await graph.call("DELETE", f"/users/{GUS}")
    await graph.call("POST", f"/directory/deletedItems/{GUS}/restore")

    assert (await round_of(graph, link))[0] == []


async def test_use_delta_query_an_object_may_come_several_times(graph: Graph) -> None:
    await graph.settings(delta={"repeats": 2}, paging={"pageSize": 4})
    whole, link = await round_of(graph, "/v1.0/users/delta?$select=id")
    await graph.call("PATCH", f"/users/{GUS}", {"jobTitle": "Guest"})
    changes, link = await round_of(graph, link)

    ids = [item["id"] for item in whole]
    assert len(ids) == 3 * len(set(ids))
    assert [item["id"] for item in changes] == [GUS] * 3
    assert (await round_of(graph, link))[0] == []


# Headers, contexts, annotations


async def test_json_batching_sample_headers_of_good_and_bad_answers(graph: Graph) -> None:
    good, bad = await graph.call("GET", f"/users/{GUS}"), await graph.call("GET", "/users/nobody")

    assert (good.headers["content-type"], good.headers["odata-version"]) == (MINIMAL, "4.0")
    assert (bad.headers["content-type"], bad.headers.get("odata-version")) == ("application/json", None)


@pytest.mark.parametrize("token", [None, "Bearer", "Bearer nonsense", "Basic abc"])
async def test_rfc_6750_a_401_says_how_to_get_a_token(graph: Graph, token: str | None) -> None:
    del graph.http.headers["Authorization"]

    answer = await graph.call("GET", f"/users/{GUS}", **({"Authorization": token} if token else {}))

    assert error(answer)[:2] == (401, "InvalidAuthenticationToken")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="", authorization_uri="https://login.')


async def test_list_app_role_assignments_contexts_name_the_object(graph: Graph) -> None:
    body = {"principalId": GUS, "resourceId": APP, "appRoleId": "00000000-0000-0000-0000-000000000000"}
    root = f"{graph.http.base_url}/v1.0/$metadata#"

    made = await graph.call("POST", f"/servicePrincipals/{APP}/appRoleAssignedTo", body)
    of_app = await graph.call("GET", f"/servicePrincipals/{APP}/appRoleAssignedTo")
    of_user = await graph.call("GET", f"/users/{GUS}/appRoleAssignments")

    context = f"{root}servicePrincipals('{APP}')/appRoleAssignedTo"
    assert made.json()["@odata.context"] == f"{context}/$entity"
    assert of_app.json()["@odata.context"] == context
    assert of_user.json()["@odata.context"] == f"{root}users('{GUS}')/appRoleAssignments"


async def test_message_resource_type_a_message_has_an_etag(graph: Graph) -> None:
    await graph.control("POST", "/seed", {"mailboxes": [OLIVIA]})
    made = (await graph.call("POST", f"/users/{OLIVIA}/messages", {"subject": "Hello"})).json()
    path = f"/users/{OLIVIA}/messages"

    seen = (await graph.call("GET", f"{path}/{made['id']}?$select=subject")).json()
    [listed] = (await graph.call("GET", f"{path}?$select=subject")).json()["value"]

    etag = f'W/"{made["changeKey"]}"'
    assert [m["@odata.etag"] for m in (made, seen, listed)] == [etag] * 3


async def test_permissions_reference_app_roles_have_the_published_ids(graph: Graph) -> None:
    found = (await graph.call("GET", "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")).json()

    ids = {role["value"]: role["id"] for role in found["appRoles"]}
    assert ids["User.Invite.All"] == "09850681-111b-4a89-9bed-3f2cae46d706"
    assert ids["User.ReadWrite.All"] == "741f803b-c850-494e-b5df-cde7c675a1ca"
    assert ids["GroupMember.ReadWrite.All"] == "dbaae8cf-10b5-4b86-a4a1-f871c94c6695"
    assert ids["Directory.Read.All"] == "7ab1d382-f21e-4acd-a863-ba3e13f7da61"
