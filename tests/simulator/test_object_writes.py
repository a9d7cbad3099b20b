"""What Graph takes in writes of users, groups and settings, named by where that is written."""

from typing import Any

import pytest

from tests.simulator.simulated_graph import GUS, OLIVIA, OSCAR, TRAVEL, Graph, error

NEW_GROUP: dict[str, Any] = {
    "displayName": "New",
    "mailEnabled": False,
    "mailNickname": "new",
    "securityEnabled": True,
}
NO_TYPE = "Write requests (excluding DELETE) must contain the Content-Type header declaration."
NO_JSON = "Entity only allows writes with a JSON Content-Type header."
UNREADABLE = "Unable to read JSON request payload."
TENANT_SETTINGS = "62375ab9-6b52-47ed-826b-58e47e0e304b"
DELETED = "/directory/deletedItems"


async def sent(graph: Graph, method: str, path: str, content: bytes | None, kind: str | None) -> Any:
    headers = {"Content-Type": kind} if kind else {}
    return await graph.http.request(method, f"/v1.0{path}", content=content, headers=headers)


# Content-Type


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", f"/users/{GUS}"), ("POST", "/groups"), ("POST", "/$batch"), ("PUT", "/nothing")]
)
async def test_reports_a_write_without_content_type_is_refused(graph: Graph, method: str, path: str) -> None:
    answer = await sent(graph, method, path, b'{"jobTitle": "Guest"}', None)

    assert error(answer) == (400, "BadRequest", NO_TYPE)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_reports_a_write_of_another_type_than_json_is_refused(graph: Graph, kind: str) -> None:
    answer = await sent(graph, "PATCH", f"/users/{GUS}", b'{"jobTitle": "Guest"}', kind)

    assert error(answer) == (400, "BadRequest", NO_JSON)


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/json;odata=x"])
async def test_reference_json_is_json_with_parameters_too(graph: Graph, kind: str) -> None:
    assert (await sent(graph, "PATCH", f"/users/{GUS}", b'{"jobTitle": "Guest"}', kind)).status_code == 204


async def test_reference_a_delete_and_an_action_without_body_need_no_content_type(graph: Graph) -> None:
    """ "Restore deleted item" and "Send message" have no body."""
    assert (await sent(graph, "DELETE", f"/users/{GUS}", None, None)).status_code == 204

    assert (await sent(graph, "POST", f"{DELETED}/{GUS}/restore", None, None)).status_code == 200
    assert error(await sent(graph, "PATCH", f"/users/{GUS}", None, None)) == (400, "BadRequest", NO_TYPE)


async def test_reports_what_cannot_be_read_is_refused_with_a_request_id(graph: Graph) -> None:
    answer = await sent(graph, "PATCH", f"/users/{GUS}", b'{"jobTitle": ', "application/json")

    status, code, message = error(answer)
    assert (status, code) == (400, "BadRequest")
    assert message.startswith(UNREADABLE)
    assert answer.headers["client-request-id"] == answer.json()["error"]["innerError"]["client-request-id"]


async def test_the_token_is_looked_at_before_the_body(graph: Graph) -> None:
    del graph.http.headers["Authorization"]

    assert (await sent(graph, "PATCH", f"/users/{GUS}", b"{", None)).status_code == 401


# Lengths, characters, names


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"companyName": "c" * 65}, "InvalidLength"),
        ({"jobTitle": "j" * 129}, "InvalidLength"),
        ({"displayName": "d" * 257}, "InvalidLength"),
        ({"mailNickname": "m" * 65}, "InvalidLength"),
        ({"usageLocation": "Germany"}, "InvalidValue"),
        ({"usageLocation": "D1"}, "InvalidValue"),
        ({"mailNickname": "a b"}, "InvalidValue"),
    ],
)
async def test_user_resource_type_what_is_too_long_or_of_wrong_characters(
    graph: Graph, change: dict[str, str], code: str
) -> None:
    answer = await graph.call("PATCH", f"/users/{GUS}", change)

    [name] = change
    message = f"Invalid value specified for property '{name}' of resource 'User'."
    assert error(answer) == (400, "Request_BadRequest", message)
    assert answer.json()["error"]["details"] == [{"code": code, "target": name}]


async def test_user_resource_type_the_longest_values_are_taken(graph: Graph) -> None:
    longest = {"companyName": "c" * 64, "jobTitle": "j" * 128, "displayName": "d" * 256, "usageLocation": "DE"}

    assert (await graph.call("PATCH", f"/users/{GUS}", longest)).status_code == 204


@pytest.mark.parametrize("character", list('@()\\[]";:<>, é'))
async def test_group_resource_type_characters_that_a_mail_nickname_may_not_have(graph: Graph, character: str) -> None:
    answer = await graph.call("POST", "/groups", {**NEW_GROUP, "mailNickname": f"new{character}group"})

    assert error(answer)[2] == "Invalid value specified for property 'mailNickname' of resource 'Group'."
    assert answer.json()["error"]["details"] == [{"code": "InvalidValue", "target": "mailNickname"}]


@pytest.mark.parametrize(
    "change",
    [
        {"groupTypes": ["Dynamic"]},
        {"displayName": "d" * 257},
        {"mailNickname": "m" * 65},
        {"description": "d" * 1025},
    ],
)
async def test_group_resource_type_what_a_group_cannot_be(graph: Graph, change: dict[str, Any]) -> None:
    answer = await graph.call("POST", "/groups", NEW_GROUP | change)

    assert error(answer)[:2] == (400, "Request_BadRequest")
    assert answer.json()["error"]["details"][0]["target"] in change


async def test_review_of_clients_names_of_properties_are_taken_in_any_case(graph: Graph) -> None:
    group = {"displayName": "New", "mailEnabled": False, "mailNickName": "any-case", "securityEnabled": True}

    answer = await graph.call("POST", "/groups", group)

    assert (answer.status_code, answer.json()["mailNickname"]) == (201, "any-case")
    assert error(await graph.call("POST", "/groups", NEW_GROUP | {"mail_nickname": "x"}))[0] == 400


# Links


async def test_report_more_than_twenty_links_in_one_write(graph: Graph) -> None:
    users = [f"{graph.http.base_url}/v1.0/users/{OLIVIA}"] * 21

    for path, body in ((f"/groups/{TRAVEL}", {}), ("/groups", NEW_GROUP)):
        answer = await graph.call("POST" if body else "PATCH", path, {**body, "members@odata.bind": users})

        message = "A resource cannot contain more than 20 link changes."
        assert error(answer) == (400, "Request_BadRequest", message)


@pytest.mark.parametrize(
    "path", ["/groups/{}", "/groups/{}/members", "/servicePrincipals/{}", "/applications/{}", "/directoryObjects/{}"]
)
async def test_report_a_key_that_is_no_guid(graph: Graph, path: str) -> None:
    answer = await graph.call("GET", path.format("not-a-guid"))

    assert error(answer) == (400, "Request_BadRequest", "Invalid object identifier 'not-a-guid'.")


async def test_report_ids_that_are_no_guids(graph: Graph) -> None:
    answer = await graph.call("POST", "/directoryObjects/getByIds", {"ids": [GUS, "not-a-guid"]})

    assert error(answer) == (400, "Request_BadRequest", "Invalid GUID specified.")
    assert error(await graph.call("GET", "/users/not-a-guid"))[0] == 404, "a user has another key as well"


# Group settings


async def test_update_a_group_setting_the_entire_collection_is_needed(graph: Graph) -> None:
    """The text is from microsoft-graph-docs #1607."""
    await graph.permit("GroupSettings.ReadWrite.All")
    template = (await graph.call("GET", f"/groupSettingTemplates/{TENANT_SETTINGS}")).json()
    values = [{"name": v["name"], "value": v["defaultValue"]} for v in template["values"]]
    one = [{"name": "AllowToAddGuests", "value": "false"}]
    missing = (
        400,
        "Request_BadRequest",
        "The expected property 'NewUnifiedGroupWritebackDefault' defined in template with SettingTemplateId "
        f"'{TENANT_SETTINGS}' was not provided",
    )
    new = {"templateId": TENANT_SETTINGS}

    assert error(await graph.call("POST", "/groupSettings", new | {"values": one})) == missing
    made = await graph.call("POST", "/groupSettings", new | {"values": values})
    path = f"/groupSettings/{made.json()['id']}"
    assert error(await graph.call("PATCH", path, {"values": one})) == missing
    assert error(await graph.call("PATCH", path, {"displayName": "x"}))[0] == 400
    changed = [v if v["name"] != "AllowToAddGuests" else one[0] for v in values]
    assert (await graph.call("PATCH", path, {"values": changed})).status_code == 204
    after = (await graph.call("GET", path)).json()["values"]
    assert one[0] in after
    assert len(after) == len(values)


# Deleted items


@pytest.mark.parametrize("kind", [{}, {"groupTypes": ["Unified"], "mailEnabled": True}])
async def test_delete_group_it_can_be_restored_with_its_members_and_owners(
    graph: Graph, kind: dict[str, Any]
) -> None:
    """ "Delete group": Microsoft 365 groups and security groups are kept for 30 days."""
    bound = {"owners@odata.bind": [OLIVIA], "members@odata.bind": [OSCAR, GUS]}
    links = {n: [f"{graph.http.base_url}/v1.0/users/{u}" for u in users] for n, users in bound.items()}
    group = (await graph.call("POST", "/groups", NEW_GROUP | links | kind)).json()["id"]

    assert (await graph.call("DELETE", f"/groups/{group}")).status_code == 204

    assert error(await graph.call("GET", f"/groups/{group}"))[0] == 404
    listed = (await graph.call("GET", f"{DELETED}/microsoft.graph.group")).json()["value"]
    assert [(g["id"], g["displayName"]) for g in listed] == [(group, "New")]
    assert listed[0]["deletedDateTime"]
    assert (await graph.call("GET", f"{DELETED}/{group}")).json()["@odata.type"] == "#microsoft.graph.group"
    assert (await graph.call("POST", f"{DELETED}/{group}/restore")).status_code == 200
    members = (await graph.call("GET", f"/groups/{group}/members")).json()["value"]
    owners = (await graph.call("GET", f"/groups/{group}/owners")).json()["value"]
    assert {m["id"] for m in members} == {OSCAR, GUS}
    assert [o["id"] for o in owners] == [OLIVIA]
    assert error(await graph.call("POST", f"{DELETED}/{group}/restore"))[0] == 404


async def test_delete_permanently_a_group_is_gone_for_good(graph: Graph) -> None:
    group = (await graph.call("POST", "/groups", NEW_GROUP)).json()["id"]
    await graph.call("DELETE", f"/groups/{group}")

    assert (await graph.call("DELETE", f"{DELETED}/{group}")).status_code == 204

    assert error(await graph.call("POST", f"{DELETED}/{group}/restore"))[0] == 404
    assert (await graph.call("GET", f"{DELETED}/microsoft.graph.group")).json()["value"] == []


async def test_a_name_that_was_taken_meanwhile_keeps_a_group_deleted(graph: Graph) -> None:
    path, upsert = "/groups(uniqueName='travel-2026')", {"Prefer": "create-if-missing"}
    group = (await graph.call("PATCH", path, NEW_GROUP, **upsert)).json()["id"]
    await graph.call("DELETE", f"/groups/{group}")
    await graph.call("PATCH", path, NEW_GROUP, **upsert)

    assert error(await graph.call("POST", f"{DELETED}/{group}/restore"))[0] == 400
