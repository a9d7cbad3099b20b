"""One guest through the running product: refusals, states, reasons, and the directory's weather."""

import base64
import json
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient

from shared.core.reasons import REASONS, Reason
from shared.invitations.sweep import REDRIVES
from tests.integration.conftest import ADMIN, AUDITOR, OTHER, STRANGER, Tenant, eventually


@pytest.fixture
def address() -> str:
    return f"guest-{uuid.uuid4().hex[:12]}@fabrikam.com"


def problem(answer: httpx.Response, reason: Reason) -> dict[str, Any]:
    """The problem document, checked as RFC 9457 has it."""
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert (found["reason"], found["status"]) == (reason.value, answer.status_code), found
    assert answer.status_code == REASONS[reason].status
    assert found["type"] == f"/api/problems/{reason.value}"
    assert found["title"]
    assert found["detail"]
    assert found["remedy"] == REASONS[reason].remedy
    return found


def nothing_was_sent(tenant: Tenant) -> None:
    assert tenant.simulator.get("/_sim/mails").json() == []
    assert tenant.simulator.get("/_sim/invitations").json() == []


# Sources conflict on what the second means for an app with User.Invite.All (graph contract "Invitations"): here it
# may invite; `test_what_the_directory_refuses_fails_with_its_reason` has the other reading.
@pytest.mark.parametrize(
    "policies", [{}, {"allowInvitesFrom": "adminsAndGuestInviters", "guestInvitersRule": "invite-permission"}]
)
def test_a_guest_without_a_message_becomes_member_and_gets_microsofts_mail(
    tenant: Tenant, address: str, policies: dict[str, Any]
) -> None:
    tenant.settings(policies=policies)

    invitation = tenant.end_of(tenant.invite(address, displayName="Ada", language="de"))

    assert (invitation["state"], invitation["reason"]) == ("member", None)
    assert invitation["directLink"].startswith("https://launcher.myapps.microsoft.com/api/signin/")
    assert address in tenant.members()
    assert [m["kind"] for m in tenant.mails(address)] == ["invitation"]
    assert tenant.tickets(address) == 1


def test_a_welcome_message_arrives_once_in_guestlists_own_mail(tenant: Tenant, address: str) -> None:
    invitation = tenant.end_of(tenant.invite(address, welcomeMessage="Good to have you\n<b>here</b>"))

    assert invitation["state"] == "mailed"
    [mail] = tenant.mails(address)
    assert (mail["kind"], mail["from"]) == ("message", "guestlist@contoso.com")
    assert "Good to have you" in mail["body"]
    assert "<b>here</b>" not in mail["body"]
    assert "Contoso Travel" in mail["subject"]
    assert invitation["redeemLink"].replace("&", "&amp;") in mail["body"]
    assert tenant.simulator.post("/_sim/redeem", json={"redeemUrl": invitation["redeemLink"]}).status_code == 200


def test_an_internationalized_domain_works(tenant: Tenant) -> None:
    invitation = tenant.end_of(tenant.invite(f"{uuid.uuid4().hex[:8]}@bücher.example"))

    assert invitation["state"] == "member"
    assert invitation["address"].endswith("@bücher.example")
    assert any(m.endswith("@xn--bcher-kva.example") for m in tenant.members())


def test_who_is_in_the_directory_joins_without_a_mail_and_again_is_a_success(tenant: Tenant) -> None:
    first = tenant.end_of(tenant.invite("gus@adatum.com"))
    second = tenant.end_of(tenant.invite("GUS@adatum.com", welcomeMessage="hi"))

    assert (first["state"], first["alreadyInDirectory"], first["alreadyMember"]) == ("member", True, False)
    assert (second["state"], second["alreadyInDirectory"], second["alreadyMember"]) == ("member", True, True)
    nothing_was_sent(tenant)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Everybody abroad", Reason.GROUP_DYNAMIC),
        ("Travel desk (synced)", Reason.GROUP_SYNCED),
        ("Travel news", Reason.GROUP_MAIL_ENABLED),
        ("Travel team", Reason.GROUP_MICROSOFT_365),
        ("Helpdesk operators", Reason.GROUP_ROLE_ASSIGNABLE),
    ],
)
def test_a_group_that_guests_cannot_join_is_refused_at_the_request(
    tenant: Tenant, address: str, name: str, reason: Reason
) -> None:
    problem(tenant.ask(address, group=tenant.group_named(name)), reason)

    nothing_was_sent(tenant)


def test_a_group_without_an_app_links_to_my_apps(tenant: Tenant, address: str) -> None:
    invitation = tenant.end_of(tenant.invite(address, group=tenant.group_named("Guests without an app")))

    assert invitation["directLink"] == f"https://myapps.microsoft.com/?tenantid={tenant.stack.tenant.id}"


@pytest.mark.parametrize(
    ("username", "client", "status", "listed", "seen"),
    [
        (OTHER, None, 202, 200, 200),
        (ADMIN, None, 202, 200, 200),
        (AUDITOR, None, 403, 200, 200),
        (STRANGER, None, 403, 403, 404),
        (None, "admin-daemon", 202, 200, 200),
        (None, "inviting-daemon", 403, 403, 404),
        (None, "guestlist-cli", 401, 401, 401),
    ],
)
def test_owners_and_admins_invite_and_auditors_look(
    tenant: Tenant, address: str, username: str | None, client: str | None, status: int, listed: int, seen: int
) -> None:
    caller = tenant.caller(username or "", client=client)
    mine = tenant.invite("somebody-else-" + address)

    assert tenant.ask(address, caller=caller).status_code == status
    assert caller.get(f"/api/groups/{tenant.group}/invitations").status_code == listed
    assert caller.get(f"/api/invitations/{mine}").status_code == seen


def test_no_header_is_trusted_in_place_of_a_token(tenant: Tenant, address: str) -> None:
    principal = {"claims": [{"typ": "roles", "val": "Admin"}]}
    forged = {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(principal).encode()).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": tenant.stack.tenant.person("olivia.owner@contoso.com")["id"],
        "X-MS-TOKEN-AAD-ACCESS-TOKEN": tenant.token(username=ADMIN),
    }

    answer = httpx.post(
        f"{tenant.stack.host_url}/api/groups/{tenant.group}/invitations", json={"address": address}, headers=forged
    )

    problem(answer, Reason.TOKEN_MISSING)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        (b"not json", Reason.BODY_INVALID, None),
        (b"", Reason.BODY_INVALID, None),
        (b"[]", Reason.BODY_INVALID, None),
        (b"{}", Reason.BODY_INVALID, None),
        (b'{"address": 5}', Reason.BODY_INVALID, "address"),
        (b'{"address": "a@fabrikam.com", "adress": "x"}', Reason.BODY_INVALID, "adress"),
        (b'{"address": "a@fabrikam.com", "language": "not a tag"}', Reason.BODY_INVALID, "language"),
        (b'{"address": "\xff"}', Reason.BODY_INVALID, None),
        (b'{"address": "nobody"}', Reason.ADDRESS_INVALID, "address"),
        (b'{"address": "a+b@fabrikam.com"}', Reason.ADDRESS_UNSUPPORTED, "address"),
        (
            b'{"address": "a@fabrikam.com", "welcomeMessage": "' + b"x" * 4001 + b'"}',
            Reason.MESSAGE_TOO_LONG,
            "welcomeMessage",
        ),
    ],
    ids=lambda v: v[:30].decode("latin-1") if isinstance(v, bytes) else None,
)
def test_a_body_that_is_wrong_is_refused_with_the_field(
    tenant: Tenant, body: bytes, reason: Reason, field: str | None
) -> None:
    answer = tenant.caller().post(f"/api/groups/{tenant.group}/invitations", content=body)

    assert problem(answer, reason).get("field") == field
    nothing_was_sent(tenant)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/api/groups/not-a-guid/invitations", Reason.PARAMETER_INVALID),
        (f"/api/groups/{uuid.UUID(int=7)}/invitations", Reason.GROUP_MISSING),
        ("/api/invitations/nothing", Reason.INVITATION_MISSING),
        ("/api/groups/{group}/invitations?state=happy", Reason.PARAMETER_INVALID),
        ("/api/groups/{group}/invitations?limit=0", Reason.PARAMETER_INVALID),
        ("/api/groups/{group}/invitations?continuation=x", Reason.PARAMETER_INVALID),
        ("/api/problems/unheard-of", Reason.PARAMETER_INVALID),
    ],
)
def test_a_wrong_address_of_the_api_says_what_is_wrong(tenant: Tenant, path: str, reason: Reason) -> None:
    problem(tenant.caller().get(path.format(group=tenant.group)), reason)


@pytest.mark.parametrize(
    ("address", "policies", "reason"),
    [
        ("nobody@contoso.com", {}, Reason.OWN_DOMAIN),
        ("someone@blocked.example", {}, Reason.DOMAIN_BLOCKED),
        ("travel.news@contoso.com", {"verifiedDomains": []}, Reason.ADDRESS_OF_GROUP),
        ("someone@adatum.com", {"crossTenantBlockedDomains": ["adatum.com"]}, Reason.CROSS_TENANT_BLOCKED),
        ("someone@adatum.com", {"allowInvitesFrom": "none"}, Reason.INVITES_SWITCHED_OFF),
        (
            "someone@adatum.com",
            {"allowInvitesFrom": "adminsAndGuestInviters", "guestInvitersRule": "refuse-apps"},
            Reason.INVITES_SWITCHED_OFF,
        ),
        ("someone@adatum.com", {"blockedDomains": [], "allowedDomains": ["fabrikam.com"]}, Reason.DOMAIN_BLOCKED),
    ],
)
def test_what_the_directory_refuses_fails_with_its_reason(
    tenant: Tenant, address: str, policies: dict[str, Any], reason: Reason
) -> None:
    tenant.settings(policies=policies)

    invitation = tenant.end_of(tenant.invite(address))

    assert (invitation["state"], invitation["reason"]) == ("failed", reason.value)
    assert invitation["remedy"] == REASONS[reason].remedy
    assert "request" in invitation["detail"]


def test_the_same_key_and_body_are_one_invitation(tenant: Tenant, address: str) -> None:
    key = uuid.uuid4().hex
    first = tenant.ask(address, key=key)
    second = tenant.ask(address, key=key)

    assert (first.status_code, first.text, first.headers["location"]) == (
        second.status_code,
        second.text,
        second.headers["location"],
    )
    problem(tenant.ask("other-" + address, key=key), Reason.IDEMPOTENCY_KEY_REUSED)
    tenant.end_of(first.json()["id"])
    assert tenant.tickets(address) == 1


def test_a_key_still_in_flight_is_a_conflict(tenant: Tenant, address: str) -> None:
    key = uuid.uuid4().hex
    fault = tenant.fault(path=f"/groups/{tenant.group}$", method="GET", hang=True)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(tenant.ask, address, key=key)
        eventually(lambda: tenant.hits(fault))
        problem(tenant.ask(address, key=key), Reason.IDEMPOTENCY_KEY_IN_FLIGHT)
        tenant.simulator.delete("/_sim/faults")
        assert first.result(30).status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "two\tparts"])
def test_a_key_that_is_none_is_refused(tenant: Tenant, address: str, key: str) -> None:
    answer = tenant.caller().post(
        f"/api/groups/{tenant.group}/invitations", json={"address": address}, headers={"Idempotency-Key": key}
    )

    problem(answer, Reason.IDEMPOTENCY_KEY_INVALID)


def test_two_requests_for_one_guest_at_once_are_one_invitation(tenant: Tenant, address: str) -> None:
    # The first must not come to its end while others are on their way: from then on an invitation is a new one.
    held = tenant.fault(method="POST", path="/invitations$", hang=True, times=0)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: tenant.ask(address), range(4)))
    tenant.simulator.delete(f"/_sim/faults/{held}").raise_for_status()

    taken = [a for a in answers if a.status_code == 202]
    assert len(taken) == 1
    for answer in answers:
        if answer.status_code != 202:
            found = problem(answer, Reason.INVITATION_UNDER_WAY)
            assert found["invitation"] == taken[0].json()["id"]
    tenant.end_of(taken[0].json()["id"])
    assert tenant.tickets(address) == 1
    assert len(tenant.mails(address)) == 1


def test_a_group_lists_its_invitations_newest_first_by_page_and_state(tenant: Tenant, address: str) -> None:
    made = [tenant.invite(f"{n}-{address}") for n in range(5)]
    for invitation in made:
        tenant.end_of(invitation)
    caller, seen = tenant.caller(), list[str]()
    link = f"/api/groups/{tenant.group}/invitations?limit=2&state=member"
    while link and len(seen) < 6:
        page = caller.get(link).json()
        assert len(page["value"]) <= 2
        assert {i["state"] for i in page["value"]} == {"member"}
        seen += [i["id"] for i in page["value"]]
        link = page["nextLink"]

    assert seen[:5] == made[::-1]


@pytest.mark.parametrize("path", ["/users", "/invitations", "/groups/.*/members"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_directory_is_waited_for_as_it_asks(tenant: Tenant, address: str, path: str, status: int) -> None:
    fault = tenant.fault(
        path=path, method="GET" if path == "/users" else "POST", times=2, status=status, headers={"Retry-After": "1"}
    )

    invitation = tenant.end_of(tenant.invite(address))

    assert invitation["state"] == "member"
    assert tenant.hits(fault) == 2
    assert (tenant.tickets(address), len(tenant.mails(address))) == (1, 1)


@pytest.mark.parametrize("how", [{"status": 504}, {"status": 500}, {"cut": True}])
def test_an_invitation_without_an_answer_is_adopted_not_repeated(
    tenant: Tenant, address: str, how: dict[str, Any]
) -> None:
    fault = tenant.fault(path="/invitations", method="POST", when="after", **how)

    invitation = tenant.end_of(tenant.invite(address))

    assert (invitation["state"], invitation["alreadyInDirectory"]) == ("member", False)
    assert tenant.hits(fault) == 1
    assert (tenant.tickets(address), len(tenant.mails(address))) == (1, 1)


@pytest.mark.parametrize("how", [{"status": 504}, {"cut": True}])
def test_a_membership_without_an_answer_is_one_membership(tenant: Tenant, address: str, how: dict[str, Any]) -> None:
    tenant.fault(path="/groups/.*/members", method="POST", when="after", **how)

    invitation = tenant.end_of(tenant.invite(address))

    assert (invitation["state"], invitation["alreadyMember"]) == ("member", False)
    assert tenant.members().count(address) == 1


@pytest.mark.parametrize("path", ["/messages$", "/send$"])
@pytest.mark.parametrize("how", [{"status": 504}, {"cut": True}])
def test_a_mail_without_an_answer_is_sent_once(tenant: Tenant, address: str, path: str, how: dict[str, Any]) -> None:
    tenant.fault(path=path, method="POST", when="after", **how)

    invitation = tenant.end_of(tenant.invite(address, welcomeMessage="Welcome"))

    assert invitation["state"] == "mailed"
    assert len(tenant.mails(address)) == 1


def test_a_mailbox_without_permission_leaves_a_member_and_says_so(tenant: Tenant, address: str) -> None:
    granted = [
        "User.Invite.All",
        "User.Read.All",
        "GroupMember.Read.All",
        "GroupMember.ReadWrite.All",
        "Application.Read.All",
    ]
    tenant.permissions(*granted)
    tenant.stack.kill_workers()

    invitation = tenant.end_of(tenant.invite(address, welcomeMessage="Welcome"))

    assert (invitation["state"], invitation["reason"]) == ("member", Reason.MAIL_NOT_SENT.value)
    assert "Mail.Send" in invitation["detail"]
    tenant.all_permissions()


def test_a_missing_permission_to_invite_is_named(tenant: Tenant, address: str) -> None:
    granted = [
        "User.Read.All",
        "GroupMember.Read.All",
        "GroupMember.ReadWrite.All",
        "Application.Read.All",
        "Mail.ReadWrite",
        "Mail.Send",
    ]
    tenant.permissions(*granted)
    tenant.stack.kill_workers()

    invitation = tenant.end_of(tenant.invite(address))

    assert (invitation["state"], invitation["reason"]) == ("failed", Reason.PERMISSION_MISSING.value)
    assert "User.Invite.All" in invitation["detail"]
    tenant.all_permissions()


def test_replication_is_waited_out(tenant: Tenant, address: str) -> None:
    tenant.settings(
        replication={name: {"ms": 5000} for name in ("usersGet", "usersList", "membersAdd", "membersRead")}
    )

    invitation = tenant.end_of(tenant.invite(address, welcomeMessage="Welcome"))

    assert invitation["state"] == "mailed"
    assert (tenant.tickets(address), len(tenant.mails(address))) == (1, 1)


def test_the_tenants_block_parks_the_work_and_it_goes_on_by_itself(tenant: Tenant, address: str) -> None:
    tenant.fault(
        path="/invitations",
        method="POST",
        times=0,
        status=403,
        code="Forbidden",
        message="Invitations are blocked for this directory due to suspicious activity. Please contact Microsoft "
        "support for help.",
    )
    made = {f"{n}-{address}": tenant.invite(f"{n}-{address}") for n in range(3)}

    parked = [tenant.in_state(invitation, "parked") for invitation in made.values()]

    assert {p["reason"] for p in parked} == {Reason.TENANT_BLOCKED.value}
    assert all("Microsoft support" in p["remedy"] and not p["isFinal"] for p in parked)
    tenant.simulator.delete("/_sim/faults")
    for guest, invitation in made.items():
        assert tenant.end_of(invitation)["state"] == "member"
        assert (tenant.tickets(guest), len(tenant.mails(guest))) == (1, 1)


def test_a_poisoned_message_marks_its_guests_failed_with_what_happened(tenant: Tenant, address: str) -> None:
    fault = tenant.fault(path="/users", method="GET", times=0, status=429, headers={"Retry-After": "600"})
    invitation = tenant.invite(address)
    eventually(lambda: tenant.hits(fault))
    group, chunk = tenant.group, invitation.split("-")[1]
    message = {"v": 1, "kind": "invite-chunk", "group": group, "chunk": chunk, "revived": REDRIVES}

    poison = QueueClient.from_connection_string(tenant.stack.azurite.connection_string, "invitations-poison")
    with poison:
        with suppress(ResourceExistsError):
            poison.create_queue()
        poison.send_message(base64.b64encode(json.dumps(message).encode()).decode())
        found = tenant.end_of(invitation)

    assert (found["state"], found["reason"]) == ("failed", Reason.GAVE_UP.value)
    assert chunk in found["detail"]


def test_an_unreadable_message_ends_on_the_poison_queue_and_harms_nobody(tenant: Tenant, address: str) -> None:
    queue = QueueClient.from_connection_string(tenant.stack.azurite.connection_string, "memberships")
    with queue:
        with suppress(ResourceExistsError):
            queue.create_queue()
        queue.send_message(base64.b64encode(b'{"v": 99}').decode())
        invitation = tenant.end_of(tenant.invite(address))

    assert invitation["state"] == "member"


def test_text_that_is_no_base64_is_put_aside_where_an_operator_finds_it(tenant: Tenant) -> None:
    # No trigger ever sees it: the host moves it to the poison queue as it is.
    text, connection = f"no base64: {uuid.uuid4().hex}", tenant.stack.azurite.connection_string
    queue = QueueClient.from_connection_string(connection, "memberships")
    poison = QueueClient.from_connection_string(connection, "memberships-poison")
    aside = QueueClient.from_connection_string(connection, "unreadable-poison")

    def put_aside() -> bool:
        with suppress(ResourceNotFoundError):
            return text in [message.content for message in aside.peek_messages(32)]
        return False

    with queue, poison, aside:
        with suppress(ResourceExistsError):
            queue.create_queue()
        queue.send_message(text)
        eventually(put_aside)
        eventually(lambda: poison.get_queue_properties().approximate_message_count == 0)


def test_no_log_line_holds_a_guests_address_or_message(tenant: Tenant, address: str) -> None:
    message = f"Secret {uuid.uuid4().hex}"
    tenant.fault(path="/invitations", method="POST", when="after", cut=True)
    tenant.end_of(tenant.invite(address, welcomeMessage=message))
    tenant.ask(f"not an address {address}")

    logs = "".join(path.read_text(errors="replace") for path in tenant.stack.logs.glob(f"host-{os.getpid()}*.log"))

    assert "Functions.invite_chunk" in logs
    assert address not in logs
    assert address.partition("@")[0] not in logs
    assert message not in logs


def test_anybody_may_read_what_a_reason_means(tenant: Tenant) -> None:
    base = tenant.stack.host_url

    table = httpx.get(f"{base}/api/problems").json()

    assert {r["reason"] for r in table["reasons"]} == {r.value for r in Reason}
    assert httpx.get(f"{base}/api/problems/group-dynamic").json()["reason"] == "group-dynamic"
    assert httpx.get(f"{base}/api/health").json() == {"status": "ok"}
