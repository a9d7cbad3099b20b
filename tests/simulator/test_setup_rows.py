"""What app setup asks of the directory, over plain HTTP: applications, certificates, templates, upserts."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.simulator.simulated_graph import ANY_ROLE, APP, GUS, TRAVEL, Graph, error

APP_ID = "00000301-0000-4000-8000-000000000301"
APPLICATION = "00000302-0000-4000-8000-000000000302"
NON_GALLERY = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
NEW_GROUP = {"displayName": "New", "mailEnabled": False, "mailNickname": "new", "securityEnabled": True}
UPSERT = {"Prefer": "create-if-missing"}


async def certified(graph: Graph, **body: Any) -> Any:
    path = f"/servicePrincipals/{APP}/addTokenSigningCertificate"
    answer = await graph.call("POST", path, {"displayName": "CN=Travel", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def instantiated(graph: Graph, name: str) -> Any:
    answer = await graph.call("POST", f"/applicationTemplates/{NON_GALLERY}/instantiate", {"displayName": name})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_signing_certificate_is_a_real_one_for_three_years(graph: Graph) -> None:
    made = await certified(graph)

    certificate = x509.load_der_x509_certificate(base64.b64decode(made["key"]))
    thumbprint = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - as Graph has it
    assert certificate.subject.rfc4514_string() == "CN=Travel"
    assert certificate.not_valid_after_utc == datetime.fromisoformat(made["endDateTime"])
    assert certificate.not_valid_after_utc.year == certificate.not_valid_before_utc.year + 3
    assert made["thumbprint"] == thumbprint.hex().upper()
    assert made["customKeyIdentifier"] == base64.b64encode(thumbprint).decode()
    assert (made["type"], made["usage"]) == ("AsymmetricX509Cert", "Verify")


async def test_a_certificate_is_three_credentials_and_its_key_shows_only_when_selected(graph: Graph) -> None:
    made = await certified(graph)

    plain = (await graph.call("GET", f"/servicePrincipals/{APP}")).json()
    chosen = (await graph.call("GET", f"/servicePrincipals/{APP}?$select=id,keyCredentials")).json()
    [in_list] = await graph.listed("/servicePrincipals", f"appId eq '{APP_ID}'", **{"$select": "keyCredentials"})

    usages = {key["usage"]: key for key in chosen["keyCredentials"]}
    assert usages.keys() == {"Sign", "Verify"}
    assert usages["Verify"]["key"] == made["key"]
    assert usages["Verify"]["keyId"] == made["keyId"]
    assert usages["Sign"]["key"] is None
    assert [key["key"] for key in (*plain["keyCredentials"], *in_list["keyCredentials"])] == [None] * 4
    [password] = plain["passwordCredentials"]
    assert password["keyId"] == usages["Sign"]["keyId"]
    assert {key["customKeyIdentifier"] for key in (*usages.values(), password)} == {made["customKeyIdentifier"]}


async def test_each_call_makes_another_certificate_and_none_is_preferred_until_said(graph: Graph) -> None:
    first, second = await certified(graph), await certified(graph)

    before = (await graph.call("GET", f"/servicePrincipals/{APP}")).json()
    choice = {"preferredTokenSigningKeyThumbprint": second["thumbprint"]}
    assert (await graph.call("PATCH", f"/servicePrincipals/{APP}", choice)).status_code == 204
    after = (await graph.call("GET", f"/servicePrincipals/{APP}")).json()

    assert first["thumbprint"] != second["thumbprint"]
    assert len(before["keyCredentials"]) == 4
    assert before["preferredTokenSigningKeyThumbprint"] is None
    assert after["preferredTokenSigningKeyThumbprint"] == second["thumbprint"]


async def test_a_certificate_ends_when_it_was_asked_to(graph: Graph) -> None:
    end = (datetime.now(UTC) + timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")

    made = await certified(graph, endDateTime=end)

    assert made["endDateTime"] == end


@pytest.mark.parametrize(
    "body",
    [
        {"displayName": "Travel"},
        {"displayName": "CN="},
        {},
        {"displayName": "CN=Travel", "endDateTime": "2020-01-01T00:00:00Z"},
        {"displayName": "CN=Travel", "endDateTime": "2099-01-01T00:00:00Z"},
        {"displayName": "CN=Travel", "endDateTime": "soon"},
        {"display_name": "CN=Travel"},
    ],
)
async def test_a_certificate_that_cannot_be_is_refused_and_nothing_is_added(graph: Graph, body: Any) -> None:
    refused = await graph.call("POST", f"/servicePrincipals/{APP}/addTokenSigningCertificate", body)

    assert error(refused)[0] == 400
    assert (await graph.call("GET", f"/servicePrincipals/{APP}")).json()["keyCredentials"] == []


async def test_a_service_principal_takes_every_setting_of_single_sign_on(graph: Graph) -> None:
    change = {
        "preferredSingleSignOnMode": "saml",
        "loginUrl": "https://travel.example/login",
        "notificationEmailAddresses": ["ops@contoso.com"],
        "replyUrls": ["https://travel.example/acs"],
        "samlSingleSignOnSettings": {"relayState": "/home"},
        "tags": ["HideApp"],
        "appRoleAssignmentRequired": False,
    }

    answer = await graph.call("PATCH", f"/servicePrincipals(appId='{APP_ID}')", change)

    assert answer.status_code == 204
    found = (await graph.call("GET", f"/servicePrincipals/{APP}")).json()
    assert {name: found[name] for name in change} == change


@pytest.mark.parametrize(
    "change",
    [
        {"preferredSingleSignOnMode": "magic"},
        {"samlSingleSignOnSettings": {"relay_state": "/home"}},
        {"notificationEmailAddresses": "ops@contoso.com"},
        {"appRoleAssignmentRequired": None},
        {"appId": ANY_ROLE},
    ],
)
async def test_a_setting_of_the_wrong_shape_is_refused(graph: Graph, change: Any) -> None:
    assert error(await graph.call("PATCH", f"/servicePrincipals/{APP}", change))[0] == 400


@pytest.mark.parametrize("path", [f"/applications/{APPLICATION}", f"/applications(appId='{APP_ID}')"])
async def test_identifiers_and_reply_addresses_reach_the_service_principal(graph: Graph, path: str) -> None:
    change = {
        "identifierUris": ["https://travel.example/saml"],
        "web": {"redirectUris": ["https://travel.example/acs"]},
    }
    await graph.call("PATCH", path, {"web": {"logoutUrl": "https://travel.example/out"}})

    assert (await graph.call("PATCH", path, change)).status_code == 204

    application = (await graph.call("GET", path)).json()
    principal = (await graph.call("GET", f"/servicePrincipals/{APP}")).json()
    assert application["identifierUris"] == change["identifierUris"]
    assert application["web"]["redirectUris"] == ["https://travel.example/acs"]
    assert application["web"]["logoutUrl"] == "https://travel.example/out"
    assert principal["servicePrincipalNames"] == ["https://travel.example/saml", APP_ID]
    assert principal["replyUrls"] == ["https://travel.example/acs"]


async def test_an_identifier_belongs_to_one_application(graph: Graph) -> None:
    other = (await instantiated(graph, "Other"))["application"]["id"]

    refused = await graph.call("PATCH", f"/applications/{other}", {"identifierUris": ["https://travel.contoso.com"]})

    assert error(refused)[:2] == (400, "Request_MultipleObjectsWithSameKeyValue")


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("https://travel.example/saml", 400),
        ("https://travel.contoso.com/saml", 204),
        ("https://contoso.onmicrosoft.com/x", 204),
        ("https://notcontoso.com/x", 400),
        ("api://{app_id}", 204),
        ("api://somebody", 400),
    ],
)
async def test_an_identifier_is_on_a_verified_domain_until_the_app_uses_saml(
    graph: Graph, uri: str, status: int
) -> None:
    made = await instantiated(graph, "Vendor")
    path = f"/applications/{made['application']['id']}"
    change = {"identifierUris": [uri.format(app_id=made["application"]["appId"])]}

    before = await graph.call("PATCH", path, change)
    saml = {"preferredSingleSignOnMode": "saml"}
    await graph.call("PATCH", f"/servicePrincipals/{made['servicePrincipal']['id']}", saml)
    after = await graph.call("PATCH", path, change)

    assert before.status_code == status
    if status == 400:
        assert error(before)[1] == "HostNameNotOnVerifiedDomain"
    assert after.status_code == 204


async def test_an_identifier_may_be_anything_where_the_switch_says_so(graph: Graph) -> None:
    await graph.settings(applications={"identifierDomains": "any"})
    application = (await instantiated(graph, "Vendor"))["application"]["id"]

    answer = await graph.call("PATCH", f"/applications/{application}", {"identifierUris": ["https://x.example"]})

    assert answer.status_code == 204


@pytest.mark.parametrize("path", ["/applications", "/servicePrincipals"])
async def test_an_app_is_found_by_name_by_app_id_by_template_and_by_both(graph: Graph, path: str) -> None:
    made = (await instantiated(graph, "O'Brien's"))["application"]
    conditions = [
        "displayName eq 'O''Brien''s'",
        f"appId eq '{made['appId']}'",
        f"applicationTemplateId eq '{NON_GALLERY}'",
        f"applicationTemplateId eq '{NON_GALLERY}' and displayName eq 'O''Brien''s'",
    ]

    found = [[item["appId"] for item in await graph.listed(path, condition)] for condition in conditions]

    assert found == [[made["appId"]]] * 4
    assert not await graph.listed(path, f"displayName eq 'Contoso Travel' and appId eq '{made['appId']}'")


async def test_an_unknown_app_is_404_by_either_key(graph: Graph) -> None:
    for path in ("/applications", "/servicePrincipals"):
        assert error(await graph.call("GET", f"{path}/{ANY_ROLE}"))[0] == 404
        assert error(await graph.call("GET", f"{path}(appId='{ANY_ROLE}')"))[0] == 404
        assert error(await graph.call("PATCH", f"{path}(appId='{ANY_ROLE}')", {"notes": "x"}))[0] == 404


async def test_a_deleted_application_takes_its_service_principal_along_and_both_come_back(graph: Graph) -> None:
    made = await instantiated(graph, "Short-lived")
    application, principal = made["application"]["id"], made["servicePrincipal"]["id"]
    role = made["servicePrincipal"]["appRoles"][0]["id"]
    body = {"principalId": TRAVEL, "resourceId": principal, "appRoleId": role}
    assert (await graph.call("POST", f"/servicePrincipals/{principal}/appRoleAssignedTo", body)).status_code == 201

    assert (await graph.call("DELETE", f"/applications/{application}")).status_code == 204

    for path in (f"/applications/{application}", f"/servicePrincipals/{principal}"):
        assert error(await graph.call("DELETE", path))[0] == 404
        assert error(await graph.call("GET", path))[0] == 404
    granted = (await graph.call("GET", f"/groups/{TRAVEL}/appRoleAssignments")).json()["value"]
    assert principal not in {assignment["resourceId"] for assignment in granted}
    for kind, id_ in (("application", application), ("servicePrincipal", principal)):
        binned = (await graph.call("GET", f"/directory/deletedItems/microsoft.graph.{kind}")).json()["value"]
        assert [item["id"] for item in binned] == [id_]
        assert (await graph.call("POST", f"/directory/deletedItems/{id_}/restore")).status_code == 200
    restored = (await graph.call("GET", f"/servicePrincipals/{principal}/appRoleAssignedTo")).json()["value"]
    assert [assignment["principalId"] for assignment in restored] == [TRAVEL]


async def test_a_deleted_service_principal_leaves_its_application(graph: Graph) -> None:
    assert (await graph.call("DELETE", f"/servicePrincipals(appId='{APP_ID}')")).status_code == 204

    assert error(await graph.call("DELETE", f"/servicePrincipals/{APP}"))[0] == 404
    assert (await graph.call("GET", f"/applications(appId='{APP_ID}')")).status_code == 200


async def test_deleting_an_app_needs_the_permission_to_change_it(graph: Graph) -> None:
    await graph.permit("Application.Read.All")

    for path in (f"/applications/{APPLICATION}", f"/servicePrincipals/{APP}"):
        assert error(await graph.call("DELETE", path))[:2] == (403, "Authorization_RequestDenied")


async def test_an_assignment_is_removed_once(graph: Graph) -> None:
    body = {"principalId": GUS, "resourceId": APP, "appRoleId": ANY_ROLE}
    path = f"/servicePrincipals/{APP}/appRoleAssignedTo"
    made = (await graph.call("POST", path, body)).json()["id"]

    assert (await graph.call("DELETE", f"{path}/{made}")).status_code == 204

    assert error(await graph.call("DELETE", f"{path}/{made}"))[0] == 404
    assert (await graph.call("POST", path, body)).status_code == 201


async def test_a_seed_brings_apps_with_roles_and_credentials(graph: Graph) -> None:
    role = {
        "id": "00000501-0000-4000-8000-000000000501",
        "allowedMemberTypes": ["User"],
        "displayName": "Approver",
        "isEnabled": True,
    }
    key = {"keyId": ANY_ROLE, "type": "AsymmetricX509Cert", "usage": "Verify", "key": "AAAA"}
    principal = {
        "id": "00000502-0000-4000-8000-000000000502",
        "appId": "00000503-0000-4000-8000-000000000503",
        "displayName": "Payroll",
        "appRoles": [role],
        "keyCredentials": [{**key, "endDateTime": "2026-12-01T00:00:00Z"}],
        "passwordCredentials": [{"keyId": ANY_ROLE, "secretText": "SECRET", "hint": "SEC"}],
    }
    application = {"id": ANY_ROLE, "appId": principal["appId"], "displayName": "Payroll"}
    await graph.control("POST", "/seed", {"servicePrincipals": [principal], "applications": [application]})

    found = (await graph.call("GET", f"/servicePrincipals/{principal['id']}")).json()
    of_app = (await graph.call("GET", f"/applications(appId='{principal['appId']}')")).json()

    assert found["appRoles"] == [role]
    assert found["keyCredentials"][0]["endDateTime"] == "2026-12-01T00:00:00Z"
    assert "SECRET" not in str(found)
    assert (of_app["id"], of_app["web"]["redirectUris"]) == (ANY_ROLE, [])


async def test_a_template_is_found_by_name_and_makes_another_app_each_time(graph: Graph) -> None:
    [template] = await graph.listed("/applicationTemplates", "displayName eq 'Contoso Travel'")
    path = f"/applicationTemplates/{template['id']}/instantiate"

    made = [(await graph.call("POST", path, {"displayName": "Mine"})).json() for _ in range(2)]

    assert len({m["application"]["appId"] for m in made}) == 2
    assert all(m["application"]["appId"] == m["servicePrincipal"]["appId"] for m in made)
    assert len(await graph.listed("/servicePrincipals", "displayName eq 'Mine'")) == 2
    assert not await graph.listed("/applicationTemplates", "displayName eq 'Nobody has heard of it'")


async def test_a_new_application_and_its_service_principal_are_seen_one_by_one(graph: Graph) -> None:
    await graph.settings(replication={"objectsGet": {"calls": 1}, "objectsList": {"calls": 2}})
    made = await instantiated(graph, "Slow")
    application, principal = made["application"]["id"], made["servicePrincipal"]["id"]

    got = [(await graph.call("GET", f"/applications/{application}")).status_code for _ in range(2)]
    later = [(await graph.call("GET", f"/servicePrincipals/{principal}")).status_code for _ in range(2)]
    listed = [len(await graph.listed("/servicePrincipals", "displayName eq 'Slow'")) for _ in range(3)]

    assert got == later == [404, 200]
    assert listed == [0, 0, 1]


async def test_lists_lag_as_long_as_get_where_nothing_else_is_set(graph: Graph) -> None:
    await graph.settings(replication={"objectsGet": {"calls": 1}})
    await instantiated(graph, "Slow")

    assert [len(await graph.listed("/applications", "displayName eq 'Slow'")) for _ in range(2)] == [0, 1]


async def test_a_group_upserted_twice_at_once_is_one_group(graph: Graph) -> None:
    path = "/groups(uniqueName='race')"

    answers = await asyncio.gather(*(graph.call("PATCH", path, NEW_GROUP, **UPSERT) for _ in range(2)))

    assert sorted(answer.status_code for answer in answers) == [201, 204]
    assert len(await graph.listed("/groups", "uniqueName eq 'race'")) == 1


async def test_a_new_group_lags_by_its_unique_name_and_an_upsert_finds_it_still(graph: Graph) -> None:
    await graph.settings(replication={"objectsGet": {"calls": 2}})
    path = "/groups(uniqueName='travel-2026')"
    made = await graph.call("PATCH", path, NEW_GROUP, **UPSERT)

    assert error(await graph.call("GET", path))[:2] == (404, "Request_ResourceNotFound")
    again = await graph.call("PATCH", path, {**NEW_GROUP, "description": "second"}, **UPSERT)
    assert error(await graph.call("GET", path))[0] == 404
    seen = await graph.call("GET", path)

    assert (made.status_code, again.status_code) == (201, 204)
    assert (seen.json()["id"], seen.json()["description"]) == (made.json()["id"], "second")


async def test_an_application_upserted_by_unique_name_is_made_once(graph: Graph) -> None:
    path, body = "/applications(uniqueName='travel')", {"displayName": "Travel"}

    assert error(await graph.call("PATCH", path, body))[0] == 404
    assert (await graph.call("PATCH", path, body, **UPSERT)).status_code == 201
    assert (await graph.call("PATCH", path, body, **UPSERT)).status_code == 204
    assert (await graph.call("DELETE", path)).status_code == 204


async def test_an_ordered_429_looks_like_microsofts_sample(graph: Graph) -> None:
    await graph.control("POST", "/faults", {"status": 429, "headers": {"Retry-After": "3"}})

    answer = await graph.call("GET", f"/servicePrincipals/{APP}")

    assert error(answer) == (429, "TooManyRequests", "Please retry again later.")
    inner = answer.json()["error"]["innerError"]
    assert (inner["code"], inner["status"], inner["message"]) == ("429", "429", "Please retry after")
    assert answer.headers["retry-after"] == "3"
