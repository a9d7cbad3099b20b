"""Users, apps, owners, passwords, memberships and references over plain HTTP: what Graph refuses, and why.

Sources: the operation's page of Microsoft Graph's v1.0 reference; error texts as reported for the same operation.
"""

from typing import Any
from xml.etree import ElementTree

import pytest

from local.simulator.seed import restored, snapshot
from tests.simulator.simulated_graph import ANY_ROLE, APP, CLIENT, GUS, OLIVIA, OSCAR, TRAVEL, Graph, error

APPLICATION = "00000302-0000-4000-8000-000000000302"
APP_ID = "00000301-0000-4000-8000-000000000301"
EMMA = "00000105-0000-4000-8000-000000000105"
MAILBOX = "00000106-0000-4000-8000-000000000106"
PARTNER = "00000999-0000-4000-8000-000000000999"
PARTNERS = "/policies/crossTenantAccessPolicy/partners"
NINA: dict[str, Any] = {
    "accountEnabled": True,
    "displayName": "Nina New",
    "mailNickname": "nina",
    "userPrincipalName": "nina@contoso.com",
    "passwordProfile": {"password": "Wx7-longer", "forceChangePasswordNextSignIn": False},
}


def reference(graph: Graph, id_: str) -> dict[str, str]:
    return {"@odata.id": f"{graph.http.base_url}/v1.0/directoryObjects/{id_}"}


async def test_a_new_employee_is_a_member_without_mail_and_can_sign_in(graph: Graph) -> None:
    answer = await graph.call("POST", "/users", NINA)

    made = answer.json()
    assert answer.status_code == 201
    assert made["@odata.context"].endswith("/$metadata#users/$entity")
    assert answer.headers["location"].endswith(f"/users/{made['id']}")
    assert "passwordProfile" not in made
    fields = "userType,mail,creationType,identities,proxyAddresses,passwordProfile"
    kept = (await graph.call("GET", f"/users/{made['id']}?$select={fields}")).json()
    assert (kept["userType"], kept["mail"], kept["creationType"], kept["proxyAddresses"]) == (
        "Member",
        None,
        None,
        [],
    )
    assert kept["passwordProfile"] is None
    assert kept["identities"] == [
        {
            "signInType": "userPrincipalName",
            "issuer": "contoso.onmicrosoft.com",
            "issuerAssignedId": "nina@contoso.com",
        }
    ]
    person = graph.simulator.world.registry.find_person("nina@contoso.com")
    assert person is not None
    assert person.password == "Wx7-longer"


async def test_who_must_change_the_password_first_cannot_sign_in(graph: Graph) -> None:
    await graph.call("POST", "/users", NINA | {"passwordProfile": {"password": "Wx7-longer"}})

    person = graph.simulator.world.registry.find_person("nina@contoso.com")
    assert person is not None
    assert person.password is None


@pytest.mark.parametrize("name", ["accountEnabled", "displayName", "mailNickname", "userPrincipalName"])
async def test_a_new_user_needs_what_the_reference_calls_required(graph: Graph, name: str) -> None:
    body = {key: value for key, value in NINA.items() if key != name}

    assert error(await graph.call("POST", "/users", body)) == (
        400,
        "Request_BadRequest",
        f"A value is required for property '{name}' of resource 'User'.",
    )


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"userPrincipalName": "nina@fabrikam.com"}, "domain portion of the userPrincipalName property is invalid"),
        ({"userPrincipalName": "olivia.owner@contoso.com"}, "same value for property userPrincipalName"),
        ({"userPrincipalName": "nina"}, "userPrincipalName is invalid"),
        ({"mailNickname": "nina new"}, "Invalid value specified for property 'mailNickname'"),
        ({"passwordProfile": {}}, "A password must be specified"),
        ({"passwordProfile": {"password": "short"}}, "password complexity requirements"),
        ({"externalUserState": "Accepted"}, "read-only"),
    ],
)
async def test_a_new_user_that_cannot_be_is_refused(graph: Graph, change: dict[str, Any], fragment: str) -> None:
    status, code, message = error(await graph.call("POST", "/users", NINA | change))

    assert (status, code) == (400, "Request_BadRequest")
    assert fragment in message


@pytest.mark.parametrize(
    ("held", "method", "path"),
    [
        ("User.Invite.All", "POST", "/users"),
        ("User.Read.All", "PUT", f"/users/{EMMA}/manager/$ref"),
        ("Application.Read.All", "POST", "/applications"),
        ("Application.Read.All", "POST", "/servicePrincipals"),
        ("Application.ReadWrite.OwnedBy", "POST", f"/applications/{APPLICATION}/owners/$ref"),
        ("Application.Read.All", "POST", f"/applications/{APPLICATION}/addPassword"),
        ("Policy.Read.All", "POST", PARTNERS),
        ("User.Read.All", "GET", f"/groups/{TRAVEL}/memberOf"),
    ],
)
async def test_each_needs_the_permission_of_its_page(graph: Graph, held: str, method: str, path: str) -> None:
    await graph.permit(held)

    answer = await graph.call(method, path, None if method == "GET" else {})

    assert error(answer)[:2] == (403, "Authorization_RequestDenied")


async def test_a_manager_is_one_and_can_be_missing(graph: Graph) -> None:
    path = f"/users/{EMMA}/manager"
    assert error(await graph.call("GET", path))[:2] == (404, "Request_ResourceNotFound")
    for manager in (OLIVIA, OSCAR):
        assert (await graph.call("PUT", f"{path}/$ref", reference(graph, manager))).status_code == 204

    found = (await graph.call("GET", path)).json()

    assert (found["@odata.type"], found["id"]) == ("#microsoft.graph.user", OSCAR)
    assert error(await graph.call("PUT", f"{path}/$ref", reference(graph, TRAVEL)))[0] == 400
    assert (await graph.call("DELETE", f"{path}/$ref")).status_code == 204
    assert error(await graph.call("DELETE", f"{path}/$ref"))[0] == 404


async def test_a_manager_is_expanded_as_one_object_and_only_where_there_is_one(graph: Graph) -> None:
    await graph.call("PUT", f"/users/{EMMA}/manager/$ref", reference(graph, OLIVIA))

    people = (await graph.call("GET", "/users?$select=id&$expand=manager($select=id)")).json()["value"]

    managers = {person["id"]: person.get("manager") for person in people}
    assert managers[EMMA] == {"@odata.type": "#microsoft.graph.user", "id": OLIVIA}
    assert managers[GUS] is None


async def test_member_of_has_units_and_roles_and_a_cast_keeps_one_kind(graph: Graph) -> None:
    unit, role = (f"0000070{n}-0000-4000-8000-00000000070{n}" for n in (1, 2))
    await graph.add(TRAVEL, GUS)
    seed = {
        "administrativeUnits": [{"id": unit, "displayName": "Partners", "members": [GUS, TRAVEL]}],
        "directoryRoles": [{"id": role, "displayName": "Guest Inviter", "members": [GUS]}],
    }
    await graph.control("POST", "/seed", seed)

    async def found(path: str) -> list[str]:
        return [item["id"] for item in (await graph.call("GET", path)).json()["value"]]

    of_gus = f"/users/{GUS}/memberOf"
    assert set(await found(of_gus)) == {TRAVEL, unit, role}
    assert await found(f"{of_gus}/microsoft.graph.group") == [TRAVEL]
    assert await found(f"{of_gus}/microsoft.graph.administrativeUnit") == [unit]
    assert await found(f"{of_gus}/microsoft.graph.directoryRole") == [role]
    assert await found(f"/groups/{TRAVEL}/memberOf/microsoft.graph.administrativeUnit") == [unit]
    counted = await graph.call("GET", f"{of_gus}/$count", ConsistencyLevel="eventual")
    assert counted.text == "3"
    for path in (f"/directoryObjects/{GUS}", f"/users/{GUS}"):
        groups = await graph.call("POST", f"{path}/checkMemberGroups", {"groupIds": [TRAVEL, unit]})
        objects = await graph.call("POST", f"{path}/checkMemberObjects", {"ids": [TRAVEL, unit]})
        assert (groups.json()["value"], objects.json()["value"]) == ([TRAVEL], [TRAVEL, unit])


async def test_what_an_app_makes_it_owns(graph: Graph) -> None:
    application = (await graph.call("POST", "/applications", {"displayName": "Lodging"})).json()
    principal = (await graph.call("POST", "/servicePrincipals", {"appId": application["appId"]})).json()

    me = graph.simulator.world.registry.clients[CLIENT].object_id
    for path in (f"/applications/{application['id']}", f"/servicePrincipals/{principal['id']}"):
        assert [owner["id"] for owner in (await graph.call("GET", f"{path}/owners")).json()["value"]] == [me]
    assert (principal["displayName"], principal["servicePrincipalNames"]) == ("Lodging", [application["appId"]])


async def test_an_application_needs_a_name_and_an_identifier_of_its_own(graph: Graph) -> None:
    taken = (await graph.call("GET", f"/applications/{APPLICATION}")).json()["identifierUris"]
    assert taken

    nameless = await graph.call("POST", "/applications", {})
    foreign = await graph.call("POST", "/applications", {"displayName": "X", "identifierUris": ["https://x.example"]})
    twice = await graph.call("POST", "/applications", {"displayName": "X", "identifierUris": taken})

    assert error(nameless)[:2] == (400, "Request_BadRequest")
    assert error(foreign)[:2] == (400, "HostNameNotOnVerifiedDomain")
    assert error(twice)[:2] == (400, "Request_MultipleObjectsWithSameKeyValue")
    assert [a for a in graph.simulator.world.directory.applications if a.get("displayName") == "X"] == []


@pytest.mark.parametrize(
    ("body", "status", "code", "fragment"),
    [
        ({}, 400, "Request_BadRequest", "'appId'"),
        ({"appId": ANY_ROLE}, 400, "Request_BadRequest", "does not reference a valid application object."),
        ({"appId": APP_ID}, 409, "Request_MultipleObjectsWithSameKeyValue", f"name {APP_ID} is already in use."),
    ],
)
async def test_a_service_principal_is_of_one_application(
    graph: Graph, body: dict[str, str], status: int, code: str, fragment: str
) -> None:
    found = error(await graph.call("POST", "/servicePrincipals", body))

    assert found[:2] == (status, code)
    assert fragment in found[2]


async def test_an_owner_of_an_app_is_added_once_and_the_last_one_can_go(graph: Graph) -> None:
    await graph.permit("Application.ReadWrite.All", "Directory.Read.All")
    path = f"/applications/{APPLICATION}/owners"
    assert (await graph.call("POST", f"{path}/$ref", reference(graph, OLIVIA))).status_code == 204

    again = await graph.call("POST", f"{path}/$ref", reference(graph, OLIVIA))
    a_group = await graph.call("POST", f"{path}/$ref", reference(graph, TRAVEL))

    assert error(again)[0] == 400
    assert "already exist for the following modified properties: 'owners'" in error(again)[2]
    assert error(a_group)[0] == 400
    assert (await graph.call("DELETE", f"{path}/{OLIVIA}/$ref")).status_code == 204
    assert error(await graph.call("DELETE", f"{path}/{OLIVIA}/$ref"))[0] == 404


@pytest.mark.parametrize("path", [f"/applications/{APPLICATION}", f"/servicePrincipals/{APP}"])
async def test_a_password_is_seen_once_and_then_by_its_hint(graph: Graph, path: str) -> None:
    body = {"passwordCredential": {"displayName": "Deploy", "endDateTime": "2027-01-01T00:00:00Z"}}
    made = (await graph.call("POST", f"{path}/addPassword", body)).json()

    [kept] = (await graph.call("GET", f"{path}?$select=passwordCredentials")).json()["passwordCredentials"]

    assert made["secretText"].startswith(kept["hint"])
    assert (kept["secretText"], kept["displayName"]) == (None, "Deploy")
    assert kept["endDateTime"] == "2027-01-01T00:00:00Z"
    assert made["secretText"] not in str(snapshot(graph.simulator.world))
    removal = {"keyId": made["keyId"]}
    assert (await graph.call("POST", f"{path}/removePassword", removal)).status_code == 204
    status, _, message = error(await graph.call("POST", f"{path}/removePassword", removal))
    assert status == 400
    assert "No password credential found with keyId" in message


async def test_a_new_application_can_bring_passwords_that_the_directory_makes(graph: Graph) -> None:
    body = {"displayName": "Lodging", "passwordCredentials": [{"displayName": "Deploy"}]}
    made = (await graph.call("POST", "/applications", body)).json()
    own_text = {**body, "passwordCredentials": [{"secretText": "mine"}]}

    [kept] = (await graph.call("GET", f"/applications/{made['id']}")).json()["passwordCredentials"]

    assert made["passwordCredentials"][0]["secretText"].startswith(kept["hint"])
    assert (kept["secretText"], kept["keyId"]) == (None, made["passwordCredentials"][0]["keyId"])
    assert error(await graph.call("POST", "/applications", own_text))[0] == 400


async def test_a_delta_of_applications_has_what_came_and_what_went(graph: Graph) -> None:
    first = (await graph.call("GET", "/applications/delta?$deltatoken=latest")).json()
    assert first["value"] == []
    made = (await graph.call("POST", "/applications", {"displayName": "Lodging"})).json()["id"]
    await graph.call("DELETE", f"/applications/{APPLICATION}")

    changes = (await graph.http.get(first["@odata.deltaLink"])).json()["value"]

    assert {change["id"]: change.get("@removed") for change in changes} == {
        made: None,
        APPLICATION: {"reason": "changed"},
    }


async def test_member_of_is_cast_and_counted(graph: Graph) -> None:
    await graph.add(TRAVEL, GUS)
    path = f"/users/{GUS}/memberOf"

    groups = (await graph.call("GET", f"{path}/microsoft.graph.group?$select=id")).json()
    units = (await graph.call("GET", f"{path}/microsoft.graph.administrativeUnit")).json()
    counted = await graph.call("GET", f"{path}/microsoft.graph.group/$count", ConsistencyLevel="eventual")

    assert groups["@odata.context"].endswith("/$metadata#groups(id)")
    assert groups["value"] == [{"id": TRAVEL}]
    assert units["value"] == []
    assert (counted.text, counted.headers["content-type"].split(";")[0]) == ("1", "text/plain")
    assert error(await graph.call("GET", f"{path}/microsoft.graph.group/$count"))[0] == 400


async def test_groups_are_in_groups_too(graph: Graph) -> None:
    outer = {"displayName": "Outer", "mailEnabled": False, "mailNickname": "outer", "securityEnabled": True}
    made = (await graph.call("POST", "/groups", outer)).json()["id"]
    await graph.add(TRAVEL, GUS)
    await graph.add(made, TRAVEL)

    direct = (await graph.call("GET", f"/groups/{TRAVEL}/memberOf")).json()["value"]
    checked = await graph.call("POST", f"/groups/{TRAVEL}/checkMemberGroups", {"groupIds": [made, ANY_ROLE]})
    of_any = await graph.call("POST", f"/directoryObjects/{GUS}/checkMemberGroups", {"groupIds": [made, TRAVEL]})
    too_many = await graph.call("POST", f"/groups/{TRAVEL}/checkMemberGroups", {"groupIds": [made] * 21})

    assert [(group["@odata.type"], group["id"]) for group in direct] == [("#microsoft.graph.group", made)]
    assert checked.json()["value"] == [made]
    assert of_any.json()["value"] == [made, TRAVEL]
    assert error(too_many)[0] == 400
    assert error(await graph.call("POST", f"/directoryObjects/{ANY_ROLE}/getMemberGroups", {}))[0] == 404


async def test_assignments_are_expanded_as_they_are_listed(graph: Graph) -> None:
    body = {"principalId": GUS, "resourceId": APP, "appRoleId": ANY_ROLE}
    await graph.call("POST", f"/servicePrincipals/{APP}/appRoleAssignedTo", body)
    listed = (await graph.call("GET", f"/servicePrincipals/{APP}/appRoleAssignedTo")).json()["value"]

    path = f"/servicePrincipals/{APP}?$select=id&$expand=appRoleAssignedTo"
    expanded = (await graph.call("GET", path)).json()["appRoleAssignedTo"]
    [narrow] = (await graph.call("GET", f"/users/{GUS}?$expand=appRoleAssignments($select=id)")).json()[
        "appRoleAssignments"
    ]

    assert GUS in {assignment["principalId"] for assignment in listed}
    assert expanded == listed
    assert narrow == {"id": next(a["id"] for a in listed if a["principalId"] == GUS)}


async def test_members_can_be_listed_as_references_page_by_page(graph: Graph) -> None:
    await graph.settings(paging={"pageSize": 1})
    for member in (GUS, APP):
        await graph.add(TRAVEL, member)

    first = (await graph.call("GET", f"/groups/{TRAVEL}/members/$ref")).json()
    second = (await graph.http.get(first["@odata.nextLink"])).json()

    assert first["@odata.context"].endswith("/$metadata#Collection($ref)")
    assert first["value"][0]["@odata.id"].endswith(f"/directoryObjects/{GUS}/Microsoft.DirectoryServices.User")
    assert second["value"][0]["@odata.id"].endswith(
        f"/directoryObjects/{APP}/Microsoft.DirectoryServices.ServicePrincipal"
    )
    assert "@odata.nextLink" not in second


async def test_a_partner_is_set_once_changed_and_removed(graph: Graph) -> None:
    await graph.permit("Policy.ReadWrite.CrossTenantAccess")
    blocked = {"usersAndGroups": {"accessType": "blocked", "targets": [{"target": "AllUsers", "targetType": "user"}]}}
    made = await graph.call("POST", PARTNERS, {"tenantId": PARTNER, "b2bCollaborationInbound": blocked})

    assert made.status_code == 201
    assert (made.json()["b2bCollaborationInbound"], made.json()["inboundTrust"]) == (blocked, None)
    assert error(await graph.call("POST", PARTNERS, {"tenantId": PARTNER}))[0] == 409
    assert error(await graph.call("POST", PARTNERS, {"tenantId": "somebody"}))[0] == 400
    own = graph.simulator.world.directory.tenant.id
    assert error(await graph.call("POST", PARTNERS, {"tenantId": own}))[0] == 400
    path = f"{PARTNERS}/{PARTNER}"
    assert error(await graph.call("PATCH", path, {"b2bCollaboration": blocked}))[0] == 400
    assert (await graph.call("PATCH", path, {"inboundTrust": {"isMfaAccepted": True}})).status_code == 204
    assert (await graph.call("GET", path)).json()["inboundTrust"] == {"isMfaAccepted": True}
    assert (await graph.call("DELETE", path)).status_code == 204
    assert error(await graph.call("GET", path))[:2] == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    ("held", "path"),
    [
        ("Organization.Read.All", "/organization"),
        ("Domain.Read.All", "/domains"),
        ("AuditLog.Read.All", "/auditLogs/directoryAudits"),
    ],
)
async def test_what_is_listed_is_there_by_its_id(graph: Graph, held: str, path: str) -> None:
    await graph.add(TRAVEL, GUS)
    await graph.permit(held)
    first = (await graph.call("GET", path)).json()["value"][0]

    one = (await graph.call("GET", f"{path}/{first['id']}")).json()

    assert one.pop("@odata.context").endswith(f"{path}/$entity".removeprefix("/"))
    assert one == first
    assert error(await graph.call("GET", f"{path}/{ANY_ROLE}"))[:2] == (404, "Request_ResourceNotFound")


async def test_an_audit_record_is_there_once_it_is_ingested(graph: Graph) -> None:
    await graph.add(TRAVEL, GUS)
    [record] = (await graph.call("GET", "/auditLogs/directoryAudits")).json()["value"]

    await graph.settings(audits={"ingestionDelayMs": 3_600_000})

    assert error(await graph.call("GET", f"/auditLogs/directoryAudits/{record['id']}"))[0] == 404


async def test_folders_count_drafts_and_sent_items(graph: Graph) -> None:
    to = [{"emailAddress": {"address": "ada@fabrikam.com"}}]
    draft = (await graph.call("POST", f"/users/{MAILBOX}/messages", {"subject": "Hi", "toRecipients": to})).json()
    folders = f"/users/{MAILBOX}/mailFolders"
    drafts = (await graph.call("GET", f"{folders}/Drafts")).json()
    assert (drafts["id"], drafts["totalItemCount"]) == (draft["parentFolderId"], 1)
    await graph.call("POST", f"/users/{MAILBOX}/messages/{draft['id']}/send")

    listed = {folder["displayName"]: folder for folder in (await graph.call("GET", folders)).json()["value"]}

    assert (listed["Drafts"]["totalItemCount"], listed["Sent Items"]["totalItemCount"]) == (0, 1)
    assert (await graph.call("GET", f"{folders}/{drafts['id']}")).json()["displayName"] == "Drafts"
    assert error(await graph.call("GET", f"{folders}/nothing"))[:2] == (400, "ErrorInvalidIdMalformed")
    assert error(await graph.call("GET", f"/users/{GUS}/mailFolders"))[0] == 404


async def test_the_metadata_is_csdl_and_needs_no_token(graph: Graph) -> None:
    del graph.http.headers["Authorization"]
    answer = await graph.call("GET", "/$metadata")

    assert answer.headers["content-type"].startswith("application/xml")
    edm = {"edm": "http://docs.oasis-open.org/odata/ns/edm"}
    root = ElementTree.fromstring(answer.content)  # noqa: S314 - our own document
    types = {element.get("Name"): element for element in root.iterfind(".//edm:EntityType", edm)}
    complex_types = {element.get("Name") for element in root.iterfind(".//edm:ComplexType", edm)}
    enums = {element.get("Name") for element in root.iterfind(".//edm:EnumType", edm)}
    assert types["user"].get("BaseType") == "graph.directoryObject"
    for element in root.iterfind(".//edm:Property", edm):
        name = str(element.get("Type")).removeprefix("Collection(").removesuffix(")")
        assert name.startswith("Edm.") or name.removeprefix("graph.") in {*types, *complex_types, *enums}
    sets = {element.get("Name"): str(element.get("EntityType")) for element in root.iterfind(".//edm:EntitySet", edm)}
    assert sets["users"] == "microsoft.graph.user"
    assert {type_.rpartition(".")[2] for type_ in sets.values()} <= types.keys()


async def test_managers_and_owners_of_apps_outlive_a_restart(graph: Graph) -> None:
    await graph.permit("User.ReadWrite.All", "Application.ReadWrite.All", "Directory.Read.All")
    await graph.call("PUT", f"/users/{EMMA}/manager/$ref", reference(graph, OLIVIA))
    await graph.call("POST", f"/applications/{APPLICATION}/owners/$ref", reference(graph, OLIVIA))

    graph.simulator.world = restored(snapshot(graph.simulator.world))

    assert (await graph.call("GET", f"/users/{EMMA}/manager")).json()["id"] == OLIVIA
    owners = (await graph.call("GET", f"/applications/{APPLICATION}/owners")).json()["value"]
    assert [owner["id"] for owner in owners] == [OLIVIA]
