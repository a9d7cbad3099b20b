"""The portal's API through the running product: guests, sending again, cancelling, join requests, forms."""

import base64
import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.stack import Stack
from shared.core.reasons import Reason
from tests.integration.conftest import ADMIN, OTHER, OWNER, STRANGER, Tenant, eventually
from tests.integration.test_invitations import problem
from tests.integration.test_setups import app, confirm_all, start  # noqa: F401 - a fixture of this test, too

LINK = re.compile(r"http://127\.0\.0\.1:\d+(/request/[0-9a-f-]{36}/[0-9a-f]{22}\?code=[0-9a-f]{32})")


def an_address() -> str:
    return f"p-{uuid.uuid4().hex[:10]}@fabrikam.com"


@pytest.fixture
def group(tenant: Tenant, app: dict[str, Any]) -> str:  # noqa: F811
    """A group that people may ask to join, an owner decides."""
    location = start(tenant, {"app": {"appId": app["appId"]}, "owners": [OWNER, OTHER]})
    return str(confirm_all(tenant, location)["found"]["group"]["id"])


@pytest.fixture
def anybody(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.host_url, timeout=60) as client:
        yield client


def guests(tenant: Tenant, group: str) -> dict[str, dict[str, Any]]:
    answer = tenant.caller().get(f"/api/groups/{group}/guests")
    assert answer.status_code == 200, answer.text
    return {g["address"]: g for g in answer.json()["value"]}


def member(tenant: Tenant, group: str, **body: Any) -> dict[str, Any]:
    """A guest who was invited and is in the list."""
    address = an_address()
    invitation = tenant.invite(address, group=group, **body)
    tenant.end_of(invitation)
    found = eventually(lambda: guests(tenant, group).get(address)) or {}
    return {**found, "invitation": invitation}


def redeem(tenant: Tenant, user: str) -> None:
    tenant.simulator.post("/_sim/redeem", json={"userId": user}).raise_for_status()


def ask(tenant: Tenant, anybody: httpx.Client, group: str, address: str, **body: Any) -> str:
    """Ask to join; gives the path of the page that the mail leads to."""
    before = len(tenant.mails(address))
    answer = anybody.post(f"/api/groups/{group}/requests", json={"address": address, **body})
    assert answer.status_code == 202, answer.text
    mails = eventually(lambda: tenant.mails(address)[before:])
    found = LINK.search(str(mails[-1]))
    assert found is not None, mails
    return found[1]


def prove(anybody: httpx.Client, page: str) -> httpx.Response:
    path, _, code = page.partition("?code=")
    _, _, group, request = path.split("/")
    return anybody.post(f"/api/groups/{group}/requests/{request}/proof", json={"code": code})


def pending(tenant: Tenant, group: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tenant.caller().get(f"/api/groups/{group}/requests?state=pending").json()["value"]
    return found


def test_an_owner_sees_the_groups_and_the_app_that_each_opens(tenant: Tenant, group: str) -> None:
    found = {g["id"]: g for g in tenant.caller().get("/api/groups").json()["value"]}

    mine = found[group]
    assert (mine["role"], mine["canInvite"], mine["isSetUp"], mine["requests"]) == ("owner", True, True, "approval")
    assert mine["requestPage"] == f"{tenant.stack.host_url}/request/{group}"
    assert mine["apps"][0]["name"].startswith("App ")
    dynamic = found[tenant.group_named("Everybody abroad")]
    assert (dynamic["canInvite"], dynamic["reason"], dynamic["isSetUp"]) == (False, "group-dynamic", False)
    one = tenant.caller().get(f"/api/groups/{group}").json()
    assert one["directLink"].startswith("https://launcher.myapps.microsoft.com/")


def test_lists_are_sent_once_to_who_has_them(tenant: Tenant, group: str) -> None:
    first = tenant.caller().get(f"/api/groups/{group}/invitations")
    same = tenant.caller().get(f"/api/groups/{group}/invitations", headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")

    tenant.end_of(tenant.invite(an_address(), group=group))

    changed = tenant.caller().get(
        f"/api/groups/{group}/invitations", headers={"If-None-Match": first.headers["etag"]}
    )
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_a_guest_is_pending_then_accepted_and_has_a_last_day_that_is_renewed(tenant: Tenant, group: str) -> None:
    guest = member(tenant, group, expires="2099-12-31")
    assert (guest["redemption"], guest["expires"]) == ("pending", "2099-12-31")

    redeem(tenant, guest["userId"])
    path = f"/api/groups/{group}/guests/{guest['userId']}/expiry"
    assert tenant.caller().put(path, json={"expires": "2100-06-30"}).json()["expires"] == "2100-06-30"

    now = guests(tenant, group)[guest["address"]]
    assert (now["redemption"], now["expires"]) == ("accepted", "2100-06-30")
    problem(tenant.caller().put(path, json={"expires": "2001-01-01"}), Reason.BODY_INVALID)
    assert tenant.caller().put(path, json={"expires": None}).json()["expires"] is None


def test_a_guest_is_found_by_the_beginning_of_the_address(tenant: Tenant, group: str) -> None:
    address = member(tenant, group)["address"]

    def found(text: str) -> list[str]:
        answer = tenant.caller().get(f"/api/groups/{group}/guests", params={"find": text})
        return [g["address"] for g in answer.json()["value"]]

    assert found(address[:8].upper()) == [address]
    assert found("zz") == []


@pytest.fixture
def two_large_groups(tenant: Tenant) -> tuple[str, str]:
    """Of two owners; each has guests for two pages."""
    owners = [tenant.stack.tenant.person(name)["id"] for name in (OWNER, OTHER)]
    groups = [str(uuid.uuid4()) for _ in owners]
    for group, owner in zip(groups, owners, strict=True):
        users = [
            {
                "id": str(uuid.uuid4()),
                "mail": f"g{n}-{group[:8]}@fabrikam.com",
                "displayName": f"Guest {n}",
                **IS_GUEST,
            }
            for n in range(120)
        ]
        members = [user["id"] for user in users]
        seed = {
            "users": users,
            "groups": [{"id": group, "displayName": group, "owners": [owner], "members": members}],
        }
        tenant.simulator.post("/_sim/seed", json=seed).raise_for_status()
    return groups[0], groups[1]


IS_GUEST = {"userType": "Guest", "creationType": "Invitation", "externalUserState": "PendingAcceptance"}


def test_the_next_page_is_one_of_the_same_group_and_search_and_of_nothing_else(
    tenant: Tenant, two_large_groups: tuple[str, str]
) -> None:
    own, other = (f"/api/groups/{group}/guests" for group in two_large_groups)
    graph = f"{tenant.stack.simulator_url}/v1.0"
    first = tenant.caller().get(own).json()
    rest = tenant.caller().get(first["nextLink"]).json()
    assert len({g["userId"] for g in first["value"] + rest["value"]}) == 120
    theirs = tenant.caller(OTHER).get(f"{other}?find=guest").json()["nextLink"].partition("continuation=")[2]
    mine = first["nextLink"].partition("continuation=")[2]

    members = f"{graph}/groups/{two_large_groups[0]}/members"
    links = [
        f"{members}/../../../users?$top=999",
        f"{members}/../owners",
        f"{members}/%2e%2e/%2e%2e/%2e%2e/users",
        f"{members}\\..\\..\\..\\users",
        f"{members}//../../../users",
        f"{graph}/groups/{two_large_groups[1]}/members",
    ]
    made_up = [base64.urlsafe_b64encode(link.encode()).decode().rstrip("=") for link in links]
    for continuation in [*made_up, theirs.partition("&")[0], "nonsense", f"{mine}A"]:
        for more in ("", "&find=guest"):
            problem(tenant.caller().get(f"{own}?continuation={continuation}{more}"), Reason.PARAMETER_INVALID)
    problem(tenant.caller().get(f"{own}?continuation={mine}&find=guest"), Reason.PARAMETER_INVALID)


def test_removing_ends_the_membership_and_keeps_the_account(tenant: Tenant, group: str) -> None:
    guest = member(tenant, group)
    path = f"/api/groups/{group}/guests/{guest['userId']}"

    assert tenant.caller().delete(path).status_code == 204

    eventually(lambda: guest["address"] not in tenant.members(group))
    assert tenant.tickets(guest["address"]) == 1
    eventually(lambda: tenant.caller().delete(path).status_code == 404)


def test_sending_again_makes_a_new_ticket_and_no_second_account(tenant: Tenant, group: str) -> None:
    guest = member(tenant, group)

    again = tenant.end_of(tenant.invite(guest["address"], group=group, resend=True, welcomeMessage="Still keen?"))

    assert (again["state"], again["userId"], again["resend"]) == ("mailed", guest["userId"], True)
    assert tenant.tickets(guest["address"]) == 2
    assert [m["kind"] for m in tenant.mails(guest["address"])].count("message") == 1
    redeem(tenant, guest["userId"])
    late = tenant.end_of(tenant.invite(guest["address"], group=group, resend=True))
    assert (late["state"], late["reason"]) == ("failed", Reason.GUEST_HAS_ACCEPTED.value)
    assert tenant.tickets(guest["address"]) == 2


def test_an_invitation_is_cancelled_with_what_it_made(tenant: Tenant, group: str) -> None:
    guest = member(tenant, group)

    answer = tenant.caller().post(f"/api/invitations/{guest['invitation']}/cancel")

    assert (answer.status_code, answer.json()["state"]) == (200, "undone")
    eventually(lambda: guest["address"] not in tenant.members(group))
    came = member(tenant, group)
    redeem(tenant, came["userId"])
    problem(tenant.caller().post(f"/api/invitations/{came['invitation']}/cancel"), Reason.GUEST_HAS_ACCEPTED)
    assert came["address"] in tenant.members(group)


def test_templates_belong_to_the_app_and_fill_in_each_guest(tenant: Tenant, group: str) -> None:
    app_id = tenant.caller().get(f"/api/groups/{group}").json()["appId"]
    wanted = {"value": [{"name": "Short", "text": "Dear {guest}, {app} awaits you. {inviter}"}]}

    assert tenant.caller().put(f"/api/apps/{app_id}/templates", json=wanted).json() == wanted

    assert tenant.caller().get(f"/api/groups/{group}").json()["templates"] == wanted["value"]
    wrong = {"value": [{"name": "Short", "text": "{password}"}]}
    refused = tenant.caller().put(f"/api/apps/{app_id}/templates", json=wrong)
    problem(refused, Reason.BODY_INVALID)
    assert refused.json()["field"] == "value[0].text"
    address = an_address()
    text = wanted["value"][0]["text"]
    tenant.end_of(tenant.invite(address, group=group, displayName="Ada", welcomeMessage=text))
    [mail] = [m for m in tenant.mails(address) if m["kind"] == "message"]
    assert "Dear Ada, App " in str(mail)
    body = {"displayName": "Ada", "address": address, "welcomeMessage": text}
    preview = tenant.caller().post(f"/api/groups/{group}/mail-preview", json=body).json()
    assert preview["from"] == "guestlist"
    assert "Dear Ada, App " in preview["text"]
    assert tenant.caller().post(f"/api/groups/{group}/mail-preview", json={}).json()["from"] == "microsoft"


def test_a_request_is_proven_approved_and_becomes_a_member(tenant: Tenant, group: str, anybody: httpx.Client) -> None:
    address = an_address()
    page = ask(tenant, anybody, group, address, displayName="Ada", reason="We travel together")
    assert pending(tenant, group) == [], "nobody sees it before the address is proven"
    assert anybody.get(page).status_code == 200
    assert pending(tenant, group) == [], "mail scanners follow links"

    assert prove(anybody, page).json()["state"] == "pending"
    [request] = pending(tenant, group)
    assert (request["address"], request["reasonGiven"]) == (address, "We travel together")
    path = f"/api/groups/{group}/requests/{request['id']}"
    approved = tenant.caller().post(f"{path}/approve", json={"note": "Welcome!"})
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")

    def invited() -> str | None:
        found = tenant.caller().get(f"/api/groups/{group}/requests").json()["value"]
        return next((r["invitationId"] for r in found if r["id"] == request["id"]), None)

    end = tenant.end_of(eventually(invited) or "")
    assert (end["state"], end["invitedBy"]["name"]) == ("mailed", "Olivia Owner")
    eventually(lambda: address in tenant.members(group))
    assert "Welcome!" in str(tenant.mails(address)[-1])
    problem(tenant.caller(OTHER).post(f"{path}/decline"), Reason.REQUEST_DECIDED)
    assert "approved" in anybody.get(page).text
    assert anybody.get(page.replace("code=", "code=0")).status_code == 404


def test_who_is_declined_hears_it_with_the_note(tenant: Tenant, group: str, anybody: httpx.Client) -> None:
    address = an_address()
    prove(anybody, ask(tenant, anybody, group, address, language="de"))
    [request] = pending(tenant, group)

    answer = tenant.caller(OTHER).post(
        f"/api/groups/{group}/requests/{request['id']}/decline", json={"note": "Fragen Sie Ihre IT"}
    )

    assert answer.json()["decidedBy"]["name"] == "Oscar Owner"
    mails = eventually(lambda: tenant.mails(address)[1:])
    assert "abgelehnt" in str(mails[0])
    assert "Fragen Sie Ihre IT" in str(mails[0])
    assert tenant.tickets(address) == 0


def test_nobody_decides_about_their_own_request(tenant: Tenant, group: str, anybody: httpx.Client) -> None:
    prove(anybody, ask(tenant, anybody, group, "oscar.owner@contoso.com"))
    [request] = pending(tenant, group)

    for end in ("approve", "decline"):
        path = f"/api/groups/{group}/requests/{request['id']}/{end}"
        problem(tenant.caller(OTHER).post(path), Reason.OWN_REQUEST)


def test_the_answer_is_the_same_for_whoever_is_asked_for(tenant: Tenant, group: str, anybody: httpx.Client) -> None:
    known = member(tenant, group)["address"]

    answers = [
        anybody.post(f"/api/groups/{group}/requests", json={"address": a}) for a in (known, an_address(), known)
    ]

    assert {(a.status_code, a.text) for a in answers} == {(202, answers[0].text)}


FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html,application/xhtml+xml"}


def test_the_request_form_works_without_script(tenant: Tenant, group: str, anybody: httpx.Client) -> None:
    page = anybody.get(f"/request/{group}", headers={"Accept-Language": "de"})
    assert 'lang="de"' in page.text
    assert f'action="/api/groups/{group}/requests"' in page.text
    wrong = anybody.post(
        f"/api/groups/{group}/requests", content="address=a%2Bb%40fabrikam.com&reason=%3Cb%3E", headers=FORM
    )
    assert wrong.status_code == 422
    assert 'id="address-wrong"' in wrong.text
    assert "&lt;b&gt;" in wrong.text

    address = an_address()
    sent = anybody.post(f"/api/groups/{group}/requests", content=f"address={address}&language=de", headers=FORM)

    assert sent.status_code == 303
    assert "Postfach" in anybody.get(sent.headers["location"]).text
    mails = eventually(lambda: tenant.mails(address))
    found = LINK.search(str(mails[-1]))
    assert found is not None
    code = found[1].partition("code=")[2]
    path = found[1].partition("?")[0].replace("/request/", "/api/groups/").replace(f"{group}/", f"{group}/requests/")
    done = anybody.post(f"{path}/proof", content=f"code={code}", headers=FORM)
    assert done.status_code == 303
    assert "bestätigt" in anybody.get(done.headers["location"]).text


def test_the_invite_form_works_without_script(tenant: Tenant, group: str, anybody: httpx.Client) -> None:
    assert anybody.get(f"/invite/{group}").status_code == 200
    token = tenant.token(username=OWNER)
    path = f"/api/groups/{group}/invitations"
    nobody = anybody.post(path, content="address=ada%40fabrikam.com", headers=FORM)
    assert nobody.status_code == 401
    assert "Nobody is signed in" in nobody.text
    wrong = anybody.post(path, content=f"address=nobody&access_token={token}", headers=FORM)
    assert wrong.status_code == 422
    assert 'id="address-wrong"' in wrong.text
    assert token not in wrong.text

    address = an_address()
    sent = anybody.post(path, content=f"address={address}&displayName=&access_token={token}", headers=FORM)

    assert sent.status_code == 303
    taken = anybody.get(sent.headers["location"])
    assert address not in taken.text, "who is not signed in sees that it was taken, and no more"
    session = {"x-ms-token-aad-access-token": token}
    eventually(lambda: "is a member" in anybody.get(sent.headers["location"], headers=session).text)
    daemon = tenant.token(client="admin-daemon")
    flow = anybody.post(
        path, content=f"address={an_address()}", headers={**FORM, "authorization": f"Bearer {daemon}"}
    )
    assert flow.status_code == 303
    multipart = anybody.post(
        path,
        files={"address": (None, an_address())},
        headers={"authorization": f"Bearer {daemon}", "accept": "application/json"},
    )
    assert multipart.status_code == 202, multipart.text
    for invitation in (sent.headers["location"].rsplit("/", 1)[1], multipart.json()["id"]):
        tenant.end_of(invitation)


def test_a_session_does_not_work_for_pages_of_other_sites(tenant: Tenant, group: str, anybody: httpx.Client) -> None:
    session = {**FORM, "x-ms-token-aad-access-token": tenant.token(username=OWNER)}
    path, body = f"/api/groups/{group}/invitations", "address=ada%40fabrikam.com"

    for origin in ("https://evil.example", "null"):
        assert anybody.post(path, content=body, headers={**session, "origin": origin}).status_code == 401
    assert anybody.post(path, content=body, headers={**session, "sec-fetch-site": "cross-site"}).status_code == 401

    ours = anybody.post(path, content=f"address={an_address()}", headers={**session, "origin": tenant.stack.host_url})
    assert ours.status_code == 303
    tenant.end_of(ours.headers["location"].rsplit("/", 1)[1])


def test_pages_may_load_nothing_from_elsewhere(tenant: Tenant, group: str, anybody: httpx.Client) -> None:
    for path in (f"/request/{group}", f"/request/{group}/sent", f"/invite/{group}"):
        headers = anybody.get(path).headers
        assert "script-src 'none'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert anybody.get(f"/request/{uuid.uuid4()}").status_code == 404


def test_setups_are_listed_for_administrators(tenant: Tenant, group: str) -> None:
    found = tenant.caller(ADMIN).get("/api/setups").json()["value"]

    assert found[0]["found"]["group"]["id"] == group
    assert found[0]["state"] == "done"
    problem(tenant.caller(STRANGER).get("/api/setups"), Reason.NOT_ADMIN)
