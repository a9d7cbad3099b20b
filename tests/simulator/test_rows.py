"""The simulator against the graph contract, row by row, over plain HTTP: what a wrong simulation would hide."""

import re
import uuid

import httpx
import pytest

from tests.simulator.simulated_graph import (
    ANY_ROLE,
    APP,
    DYNAMIC,
    GUS,
    NEWS,
    OLIVIA,
    OSCAR,
    ROLES,
    SYNCED,
    TRAVEL,
    Graph,
    error,
)


async def test_a_pending_guest_invited_again_is_the_same_user_with_a_new_ticket(graph: Graph) -> None:
    first, second = (await graph.invite("ada@fabrikam.com")).json(), (await graph.invite("ADA@fabrikam.com")).json()

    assert first["invitedUser"]["id"] == second["invitedUser"]["id"]
    assert first["inviteRedeemUrl"] != second["inviteRedeemUrl"]
    assert first.keys() == second.keys()
    assert [g["tickets"] for g in await graph.control("GET", "/invitations")] == [2]


@pytest.mark.parametrize("breaks", [True, False])
async def test_a_newer_ticket_breaks_the_older_where_the_switch_says_so(graph: Graph, breaks: bool) -> None:
    await graph.settings(invitations={"newerTicketBreaksOlder": breaks})
    older = (await graph.invite("ada@fabrikam.com")).json()["inviteRedeemUrl"]
    await graph.invite("ada@fabrikam.com")

    answer = await graph.http.post("/_sim/redeem", json={"redeemUrl": older})

    assert answer.status_code == (400 if breaks else 200)


async def test_a_new_guest_looks_as_graph_makes_it_and_a_redemption_is_audited(graph: Graph) -> None:
    user = await graph.invited("ada@fabrikam.com")
    fields = "userType,creationType,externalUserState,accountEnabled,userPrincipalName,mail,proxyAddresses"
    made = (await graph.call("GET", f"/users/{user}?$select={fields}")).json()

    assert (made["userType"], made["creationType"], made["externalUserState"]) == (
        "Guest",
        "Invitation",
        "PendingAcceptance",
    )
    assert made["accountEnabled"] is True
    assert made["userPrincipalName"] == "ada_fabrikam.com#EXT#@contoso.onmicrosoft.com"
    assert made["proxyAddresses"] == ["SMTP:ada@fabrikam.com"]
    await graph.control("POST", "/redeem", {"userId": user})
    after = (await graph.call("GET", f"/users/{user}?$select=externalUserState")).json()
    assert after["externalUserState"] == "Accepted"
    audits = (await graph.call("GET", "/auditLogs/directoryAudits")).json()["value"]
    assert "Redeem external user invite" in {a["activityDisplayName"] for a in audits}


async def test_a_member_added_twice_is_refused_with_the_members_text(graph: Graph) -> None:
    assert (await graph.add(TRAVEL, GUS)).status_code == 204

    status, code, message = error(await graph.add(TRAVEL, GUS))

    assert (status, code) == (400, "Request_BadRequest")
    assert (
        "One or more added object references already exist for the following modified properties: 'members'."
        in message
    )


@pytest.mark.parametrize(
    ("window", "method", "path", "status"),
    [
        ("usersGet", "GET", "/users/{user}", 404),
        ("membersAdd", "POST", f"/groups/{TRAVEL}/members/$ref", 404),
        ("appRole", "POST", f"/servicePrincipals/{APP}/appRoleAssignedTo", 400),
    ],
)
async def test_each_endpoint_has_a_replication_window_of_its_own(
    graph: Graph, window: str, method: str, path: str, status: int
) -> None:
    await graph.settings(replication={window: {"calls": 1}})
    user = await graph.invited("ada@fabrikam.com")
    bodies = {
        "membersAdd": {"@odata.id": f"{graph.http.base_url}/v1.0/directoryObjects/{user}"},
        "appRole": {"principalId": user, "resourceId": APP, "appRoleId": ANY_ROLE},
    }

    first = await graph.call(method, path.format(user=user), bodies.get(window))
    second = await graph.call(method, path.format(user=user), bodies.get(window))

    assert first.status_code == status, first.text
    assert second.is_success, second.text
    if window != "usersGet":
        assert (await graph.call("GET", f"/users/{user}")).status_code == 200


@pytest.mark.parametrize(
    ("form", "expected"), [("seconds", r"\d+"), ("zero", "0"), ("absent", None), ("http-date", r"\w{3}, .* GMT")]
)
async def test_a_quota_that_is_used_up_answers_429_in_each_form(
    graph: Graph, form: str, expected: str | None
) -> None:
    throttling = {"enabled": True, "appTenantWrites": 1, "retryAfterForm": form, "retryAfterS": 7}
    await graph.settings(throttling=throttling)
    await graph.invite("a@fabrikam.com")

    answer = await graph.invite("b@fabrikam.com")

    assert error(answer)[0] == 429
    assert answer.headers["x-ms-throttle-scope"].startswith("Tenant_Application/Write/")
    if expected is None:
        assert "retry-after" not in answer.headers
    else:
        assert re.fullmatch(expected, answer.headers["retry-after"])


async def test_suspicious_activity_is_sticky_until_it_is_lifted(graph: Graph) -> None:
    await graph.settings(policies={"suspiciousActivityAfter": 2})
    statuses = [(await graph.invite(f"{n}@fabrikam.com")).status_code for n in range(4)]
    assert statuses == [201, 201, 403, 403]
    assert "suspicious activity" in error(await graph.invite("x@fabrikam.com"))[2]

    await graph.settings(policies={"suspiciousActivityAfter": None, "suspiciousActivityBlock": False})

    assert (await graph.invite("x@fabrikam.com")).status_code == 201


async def test_counting_towards_the_block_starts_anew_when_it_is_lifted(graph: Graph) -> None:
    await graph.settings(policies={"suspiciousActivityAfter": 2})
    before = [(await graph.invite(f"{n}@fabrikam.com")).status_code for n in range(3)]

    await graph.settings(policies={"suspiciousActivityBlock": False})

    after = [(await graph.invite(f"again-{n}@fabrikam.com")).status_code for n in range(3)]
    assert before == after == [201, 201, 403]


@pytest.mark.parametrize(
    ("rule", "permission", "status"),
    [
        ("invite-permission", "User.Invite.All", 201),
        ("invite-permission", "User.ReadWrite.All", 403),
        ("refuse-apps", "User.Invite.All", 403),
        ("any-permission", "User.ReadWrite.All", 201),
    ],
)
async def test_who_may_invite_as_the_sources_conflict(graph: Graph, rule: str, permission: str, status: int) -> None:
    await graph.settings(policies={"allowInvitesFrom": "adminsAndGuestInviters", "guestInvitersRule": rule})
    await graph.permit(permission)

    assert (await graph.invite("ada@fabrikam.com")).status_code == status


async def test_invitations_switched_off_are_403_for_everybody(graph: Graph) -> None:
    await graph.settings(policies={"allowInvitesFrom": "none"})

    assert error(await graph.invite("ada@fabrikam.com"))[::2] == (
        403,
        "Guest invitations not allowed for your company. Contact your company administrator for more details.",
    )


@pytest.mark.parametrize(
    ("address", "fragment"),
    [
        ("nobody@contoso.com", "verified domain of this directory"),
        ("olivia.owner@contoso.com", f"already exists in the directory as object ID: {OLIVIA}"),
        ("travel.news@contoso.com", "Group email address is not supported"),
        ("a+b@fabrikam.com", "The Primary SMTP Address is an invalid value"),
        ("-a@fabrikam.com", "The Primary SMTP Address is an invalid value"),
        ("x@blocked.example", "domain"),
    ],
)
async def test_addresses_that_are_refused_say_why(graph: Graph, address: str, fragment: str) -> None:
    status, _, message = error(await graph.invite(address))

    assert status == 400
    assert fragment.lower() in message.lower()


async def test_a_missing_permission_is_401_for_invitations_and_403_elsewhere(graph: Graph) -> None:
    await graph.permit()

    assert error(await graph.invite("ada@fabrikam.com"))[:2] == (401, "Unauthorized")
    assert error(await graph.call("GET", "/users"))[:2] == (403, "Authorization_RequestDenied")


async def test_an_answer_can_be_lost_after_the_effect(graph: Graph) -> None:
    await graph.control("POST", "/faults", {"path": "/invitations", "when": "after", "status": 504})
    await graph.control("POST", "/faults", {"path": "/members", "when": "after", "cut": True})

    assert (await graph.invite("ada@fabrikam.com")).status_code == 504
    [guest] = await graph.control("GET", "/invitations")
    with pytest.raises(httpx.TransportError):
        await graph.add(TRAVEL, guest["userId"])
    assert error(await graph.add(TRAVEL, guest["userId"]))[0] == 400


@pytest.mark.parametrize(
    ("group", "refusal", "status", "fragment"),
    [
        (DYNAMIC, "403", 403, "Insufficient privileges"),
        (DYNAMIC, "400", 400, ""),
        (SYNCED, "403", 400, "on-premises mastered"),
        (NEWS, "403", 400, "mail-enabled security groups"),
        (ROLES, "403", 403, "Insufficient privileges"),
    ],
)
async def test_kinds_of_groups_have_their_own_refusals(
    graph: Graph, group: str, refusal: str, status: int, fragment: str
) -> None:
    await graph.settings(groups={"dynamicRefusal": refusal})

    found = error(await graph.add(group, GUS))

    assert found[0] == status
    assert fragment in found[2]


async def test_a_patch_of_members_is_all_or_nothing_and_takes_twenty(graph: Graph) -> None:
    users = [await graph.invited(f"{n}@fabrikam.com") for n in range(21)]
    links = [f"{graph.http.base_url}/v1.0/directoryObjects/{u}" for u in users]
    assert (await graph.call("PATCH", f"/groups/{TRAVEL}", {"members@odata.bind": links})).status_code == 400
    assert (await graph.call("PATCH", f"/groups/{TRAVEL}", {"members@odata.bind": links[:1]})).status_code == 204

    refused = await graph.call("PATCH", f"/groups/{TRAVEL}", {"members@odata.bind": links[:20]})

    assert error(refused)[0] == 400
    members = (await graph.call("GET", f"/groups/{TRAVEL}/members?$select=id")).json()["value"]
    assert [m["id"] for m in members] == users[:1]


async def test_without_ref_a_delete_deletes_the_user(graph: Graph) -> None:
    await graph.add(TRAVEL, GUS)
    assert (await graph.call("DELETE", f"/groups/{TRAVEL}/members/{GUS}/$ref")).status_code == 204
    assert (await graph.call("GET", f"/users/{GUS}")).status_code == 200
    await graph.add(TRAVEL, GUS)

    assert (await graph.call("DELETE", f"/groups/{TRAVEL}/members/{GUS}")).status_code == 204

    assert (await graph.call("GET", f"/users/{GUS}")).status_code == 404


async def test_an_app_role_is_assigned_once_and_the_last_owner_stays(graph: Graph) -> None:
    body = {"principalId": GUS, "resourceId": APP, "appRoleId": ANY_ROLE}
    made = await graph.call("POST", f"/servicePrincipals/{APP}/appRoleAssignedTo", body)
    assert (made.status_code, made.json()["principalType"]) == (201, "User")
    assert "already exists" in error(await graph.call("POST", f"/servicePrincipals/{APP}/appRoleAssignedTo", body))[2]

    assert (await graph.call("DELETE", f"/groups/{TRAVEL}/owners/{OSCAR}/$ref")).status_code == 204
    assert "at least one owner" in error(await graph.call("DELETE", f"/groups/{TRAVEL}/owners/{OLIVIA}/$ref"))[2]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("mail eq 'GUS@adatum.com'", 1),
        ("otherMails/any(o:o eq 'gus@adatum.com')", 1),
        ("proxyAddresses/any(p:p eq 'smtp:olivia.owner@contoso.com')", 1),
        ("mail eq 'o''brien@adatum.com'", 0),
        ("userType eq 'Guest' and startsWith(mail,'gus')", 1),
        ("mail in ('gus@adatum.com','adam.admin@contoso.com')", 2),
        ("mail eq 'a' or mail eq 'gus@adatum.com'", 1),
    ],
)
async def test_filters_find_what_they_say(graph: Graph, condition: str, found: int) -> None:
    answer = await graph.http.get("/v1.0/users", params={"$filter": condition, "$select": "id"})

    assert len(answer.json()["value"]) == found, answer.text


async def test_advanced_queries_have_their_three_outcomes(graph: Graph) -> None:
    assert error(await graph.call("GET", "/users?$filter=userType ne 'Guest'"))[:2] == (
        400,
        "Request_UnsupportedQuery",
    )
    assert error(await graph.call("GET", "/users/$count"))[:2] == (400, "Request_BadRequest")
    assert "@odata.count" not in (await graph.call("GET", "/users?$count=true")).json()
    counted = await graph.call("GET", "/users/$count", ConsistencyLevel="eventual")
    assert counted.headers["content-type"].startswith("text/plain")
    assert int(counted.text) >= 7


async def test_properties_come_only_when_they_are_default_or_selected(graph: Graph) -> None:
    plain = (await graph.call("GET", f"/users/{GUS}")).json()
    selected = (await graph.call("GET", f"/users/{GUS}?$select=externalUserState,userType")).json()

    assert not {"userType", "externalUserState", "otherMails"} & plain.keys()
    assert (selected["externalUserState"], selected["userType"]) == ("Accepted", "Guest")


async def test_pages_follow_opaque_links_through_empty_ones(graph: Graph) -> None:
    await graph.settings(paging={"pageSize": 2, "emptyPageEvery": 2})
    link: str | None = f"{graph.http.base_url}/v1.0/users?$select=id"
    seen: list[str] = []
    sizes: list[int] = []
    while link:
        page = (await graph.http.get(link)).json()
        sizes.append(len(page["value"]))
        seen += [u["id"] for u in page["value"]]
        link = page.get("@odata.nextLink")

    assert len(seen) == len(set(seen)) == 7
    assert 0 in sizes
    assert max(sizes) == 2


@pytest.mark.parametrize("rejects", [True, False])
async def test_unknown_properties_are_refused_where_the_switch_says_so(graph: Graph, rejects: bool) -> None:
    await graph.settings(odata={"rejectUnknownProperties": rejects})

    assert (await graph.invite("ada@fabrikam.com", send_invitation_message=True)).status_code == (
        400 if rejects else 201
    )


async def test_a_custom_message_of_an_app_is_dropped_from_microsofts_mail(graph: Graph) -> None:
    info = {"customizedMessageBody": "SECRET WORDS"}
    answer = await graph.invite("ada@fabrikam.com", sendInvitationMessage=True, invitedUserMessageInfo=info)
    await graph.invite("eve@fabrikam.com")

    [mail] = await graph.control("GET", "/mails")
    assert mail["to"] == ["ada@fabrikam.com"]
    assert "SECRET WORDS" not in mail["body"]
    assert answer.json()["inviteRedeemUrl"] in mail["body"]


async def test_a_batch_answers_each_part_and_stops_what_depends_on_a_failure(graph: Graph) -> None:
    parts = [
        {"id": "1", "method": "GET", "url": f"/users/{GUS}"},
        {"id": "2", "method": "GET", "url": "/users/nobody"},
        {"id": "3", "method": "GET", "url": f"{graph.http.base_url}/v1.0/users/{GUS}", "dependsOn": ["2"]},
        {"id": "4", "method": "GET", "url": f"/users/{GUS}", "depends_on": ["2"]},
    ]
    answer = await graph.call("POST", "/$batch", {"requests": parts})

    statuses = {a["id"]: a["status"] for a in answer.json()["responses"]}
    assert statuses == {"1": 200, "2": 404, "3": 424, "4": 200}
    many = [{"id": str(n), "method": "GET", "url": "/users"} for n in range(21)]
    assert error(await graph.call("POST", "/$batch", {"requests": many}))[0] == 400


@pytest.mark.parametrize("form", ["/groups/delta", "/groups/delta()"])
async def test_a_delta_tells_members_that_came_and_went(graph: Graph, form: str) -> None:
    first = (await graph.call("GET", f"{form}?$select=members&$filter=id eq '{TRAVEL}'")).json()
    await graph.add(TRAVEL, GUS)
    second = (await graph.http.get(first["@odata.deltaLink"])).json()
    await graph.call("DELETE", f"/groups/{TRAVEL}/members/{GUS}/$ref")
    third = (await graph.http.get(second["@odata.deltaLink"])).json()

    [came], [went] = second["value"][0]["members@delta"], third["value"][0]["members@delta"]
    assert came["id"] == went["id"] == GUS
    assert "@removed" in went
    assert "@removed" not in came
    await graph.settings(delta={"linksExpired": True})
    assert (await graph.http.get(third["@odata.deltaLink"])).status_code == 410


async def test_a_delta_tells_what_is_seeded_while_the_tenant_lives(graph: Graph) -> None:
    users = (await graph.call("GET", "/users/delta?$select=mail")).json()
    groups = (await graph.call("GET", f"/groups/delta?$select=members&$filter=id eq '{TRAVEL}'")).json()
    user = {"id": str(uuid.uuid4()), "mail": "late@fabrikam.com"}
    group = {"id": TRAVEL, "displayName": "Travel app guests", "members": [user["id"]]}
    await graph.control("POST", "/seed", {"users": [user], "groups": [group]})

    [told] = (await graph.http.get(users["@odata.deltaLink"])).json()["value"]
    assert told == user
    [changed] = (await graph.http.get(groups["@odata.deltaLink"])).json()["value"]
    assert [m["id"] for m in changed["members@delta"] if "@removed" not in m] == [user["id"]]


async def test_with_the_lesser_permission_an_account_is_switched_off_and_nothing_else(graph: Graph) -> None:
    await graph.permit("User.EnableDisableAccount.All", "User.Read.All")

    assert (await graph.call("PATCH", f"/users/{GUS}", {"accountEnabled": False})).status_code == 204
    assert (await graph.call("GET", f"/users/{GUS}?$select=accountEnabled")).json()["accountEnabled"] is False
    for body in ({"displayName": "x"}, {"accountEnabled": True, "displayName": "x"}):
        answer = await graph.call("PATCH", f"/users/{GUS}", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Authorization_RequestDenied")


async def test_a_group_is_made_once_by_its_unique_name(graph: Graph) -> None:
    body = {"displayName": "New", "mailEnabled": False, "mailNickname": "new", "securityEnabled": True}
    path = "/groups(uniqueName='travel-2026')"

    assert (await graph.call("PATCH", path, body)).status_code == 404
    assert (await graph.call("PATCH", path, body, Prefer="create-if-missing")).status_code == 201
    assert (await graph.call("PATCH", path, body, Prefer="create-if-missing")).status_code == 204
    assert (
        len((await graph.http.get("/v1.0/groups", params={"$filter": "displayName eq 'New'"})).json()["value"]) == 1
    )


async def test_a_draft_is_sent_once_and_keeps_its_immutable_id(graph: Graph) -> None:
    messages, prefer = "/users/guestlist@contoso.com/messages", {"Prefer": 'IdType="ImmutableId"'}
    body = {"subject": "Hi", "toRecipients": [{"emailAddress": {"address": "ada@fabrikam.com"}}]}
    draft = (await graph.call("POST", messages, body, **prefer)).json()
    assert draft["isDraft"] is True

    assert (await graph.call("POST", f"{messages}/{draft['id']}/send", None, **prefer)).status_code == 202

    assert (await graph.call("GET", f"{messages}/{draft['id']}?$select=isDraft", None, **prefer)).json()[
        "isDraft"
    ] is False
    assert not (await graph.call("POST", f"{messages}/{draft['id']}/send", None, **prefer)).is_success
    assert len(await graph.control("GET", "/mails")) == 1


@pytest.mark.parametrize(
    "path", ["/Directories/SsgmProperties", f"/servicePrincipals/{APP}/selfServiceAccess", "/groupJoinRequests"]
)
async def test_what_has_no_api_answers_so_and_is_logged_loudly(graph: Graph, path: str) -> None:
    answer = await graph.call("GET", path)

    assert answer.status_code in (400, 404)
    error(answer)


@pytest.mark.parametrize(
    ("method", "path", "held"),
    [
        ("GET", f"/users/{GUS}/memberOf", ["User.Read.All", "GroupMember.Read.All"]),
        ("POST", f"/users/{GUS}/checkMemberGroups", ["User.Read.All", "GroupMember.ReadWrite.All"]),
        ("GET", f"/groups/{TRAVEL}", ["GroupMember.ReadWrite.All"]),
        ("GET", f"/groups/{TRAVEL}/appRoleAssignments", ["GroupMember.Read.All", "Application.Read.All"]),
        ("GET", f"/servicePrincipals/{APP}/appRoleAssignedTo", ["AppRoleAssignment.ReadWrite.All"]),
    ],
)
async def test_what_microsoft_documents_no_such_permission_for_is_denied(
    graph: Graph, method: str, path: str, held: list[str]
) -> None:
    await graph.permit(*held)

    answer = await graph.call(method, path, {"groupIds": [TRAVEL]} if method == "POST" else None)

    assert answer.status_code == 403, answer.text
