"""What Microsoft Graph refuses, row by row of the graph contract, and what it means in the domain's words.

Conditions the simulator knows are brought about in it; texts and statuses it has no state for are put in its
mouth as faults, in Graph's own envelope.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from shared.core.addresses import parse_address
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.core.results import Blocked, Busy, Declined, Exists, InviteAnswer, Invited, Joined, Lagging, Unknown
from shared.graph.directory import GraphDirectory
from shared.graph.errors import words
from shared.graph.ports import GuestToInvite
from shared.graph.response import Response
from tests.contract import simulated_tenant as t
from tests.contract.simulated_tenant import SimulatedTenant

GROUP = GroupId(t.GUESTS)


def a_guest(address: str = "guest@fabrikam.com", *, mail: bool = False) -> GuestToInvite:
    return GuestToInvite(parse_address(address), "Guest", "https://app.example/", mail, "de" if mail else None)


async def invite_beside_another(directory: GraphDirectory, address: str) -> InviteAnswer:
    """The answer for one of two guests; the other is always invited."""
    [answer, other] = await directory.invite([a_guest(address), a_guest("other@northwind.com")])
    assert isinstance(other, Invited)
    return answer


type Arrange = Callable[[SimulatedTenant], None]
DECLINED: dict[str, tuple[str, Arrange, Reason]] = {
    "own domain": ("new@contoso.com", lambda _: None, Reason.OWN_DOMAIN),
    "blocked account": ("bob@subsidiary.com", lambda _: None, Reason.ACCOUNT_DISABLED),
    "a group's address": ("list@fabrikam.com", lambda _: None, Reason.ADDRESS_OF_GROUP),
    "a prohibited character": (
        "o'brien@fabrikam.com",
        lambda tenant: tenant.settings(invitations={"refuseApostrophe": True}),
        Reason.ADDRESS_REFUSED_BY_DIRECTORY,
    ),
    "domain on the deny list": (
        "guest@blocked.com",
        lambda tenant: tenant.settings(policies={"blockedDomains": ["blocked.com"]}),
        Reason.DOMAIN_BLOCKED,
    ),
    "domain not on the allow list": (
        "guest@blocked.com",
        lambda tenant: tenant.settings(policies={"allowedDomains": ["northwind.com"], "domainRefusalStatus": 403}),
        Reason.DOMAIN_BLOCKED,
    ),
    "cross-tenant access, both sides": (
        "guest@blocked.com",
        lambda tenant: tenant.settings(policies={"crossTenantBlockedDomains": ["blocked.com"]}),
        Reason.CROSS_TENANT_BLOCKED,
    ),
    "cross-tenant access, one side": (
        "guest@blocked.com",
        lambda tenant: tenant.settings(
            policies={
                "crossTenantBlockedDomains": ["blocked.com"],
                "crossTenantBothSides": False,
                "crossTenantStatus": 400,
            }
        ),
        Reason.CROSS_TENANT_BLOCKED,
    ),
    "another object has the address": (
        "contact@fabrikam.com",
        lambda tenant: tenant.seed(
            contacts=[{"mail": "contact@fabrikam.com"}], settings={"invitations": {"contactConflict": "refuse"}}
        ),
        Reason.ADDRESS_REFUSED_BY_DIRECTORY,
    ),
}


@pytest.mark.parametrize("row", DECLINED)
async def test_a_guest_who_cannot_be_invited_is_declined_for_what_stands_in_the_way(
    tenant: SimulatedTenant, directory: GraphDirectory, row: str
) -> None:
    address, arrange, reason = DECLINED[row]
    arrange(tenant)

    answer = await invite_beside_another(directory, address)

    assert isinstance(answer, Declined)
    assert answer.reason is reason
    assert "[request " in answer.detail


async def test_a_colleague_needs_no_invitation(directory: GraphDirectory) -> None:
    assert await invite_beside_another(directory, "cleo@subsidiary.com") == Exists(UserId(t.COLLEAGUE))


FORBIDDEN: dict[str, tuple[Arrange, Reason | None]] = {
    "invites switched off": (
        lambda tenant: tenant.settings(policies={"allowInvitesFrom": "none"}),
        Reason.INVITES_SWITCHED_OFF,
    ),
    "invites switched off, other code": (
        lambda tenant: tenant.settings(
            policies={"allowInvitesFrom": "none", "invitesOffCode": "Authorization_RequestDenied"}
        ),
        Reason.INVITES_SWITCHED_OFF,
    ),
    "admins only": (
        lambda tenant: tenant.settings(
            policies={"allowInvitesFrom": "adminsAndGuestInviters", "guestInvitersRule": "refuse-apps"}
        ),
        Reason.INVITES_SWITCHED_OFF,
    ),
    "permission missing": (lambda tenant: tenant.permit("Directory.Read.All"), Reason.PERMISSION_MISSING),
    "suspicious activity": (lambda tenant: tenant.settings(policies={"suspiciousActivityBlock": True}), None),
}


@pytest.mark.parametrize("guests", [1, 2])
@pytest.mark.parametrize("row", FORBIDDEN)
async def test_a_tenant_that_lets_nobody_invite_says_why(
    tenant: SimulatedTenant, directory: GraphDirectory, row: str, guests: int
) -> None:
    arrange, reason = FORBIDDEN[row]
    arrange(tenant)

    answers = await directory.invite([a_guest(f"guest{n}@fabrikam.com") for n in range(guests)])

    assert [a.reason if isinstance(a, Declined) else None for a in answers] == [reason] * guests
    assert reason is not None or all(isinstance(a, Blocked) for a in answers)
    if reason is Reason.PERMISSION_MISSING:
        assert all(isinstance(a, Declined) and "User.Invite.All" in a.detail for a in answers)


# status, code, message of POST /invitations → the answer's type, and its reason where declined
SAID: list[tuple[int, str, str, type[InviteAnswer], Reason | None]] = [
    (500, "InternalServerError", "Unable to find target address", Declined, Reason.ADDRESS_REFUSED_BY_DIRECTORY),
    (500, "InternalServerError", "An internal server error occurred.", Unknown, None),
    (502, "BadGateway", "Bad gateway.", Unknown, None),
    (504, "GatewayTimeout", "The gateway timed out.", Unknown, None),
    (408, "RequestTimeout", "The request timed out.", Unknown, None),
    (409, "Conflict", "Conflict.", Unknown, None),
    (401, "InvalidAuthenticationToken", "Access token has expired.", Busy, None),
    (403, "Forbidden", "Something new.", Declined, Reason.DIRECTORY_REFUSED),
    (404, "UnknownError", "", Declined, Reason.DIRECTORY_REFUSED),
    (400, "BadRequest", "Something new.", Declined, Reason.ADDRESS_REFUSED_BY_DIRECTORY),
]


@pytest.mark.parametrize(("status", "code", "message", "kind", "reason"), SAID)
async def test_each_error_of_an_invitation_has_its_meaning(
    tenant: SimulatedTenant,
    directory: GraphDirectory,
    status: int,
    code: str,
    message: str,
    kind: type[InviteAnswer],
    reason: Reason | None,
) -> None:
    tenant.fault(method="POST", path="^/invitations", status=status, code=code, message=message)

    [answer] = await directory.invite([a_guest()])

    assert isinstance(answer, kind)
    assert (answer.reason if isinstance(answer, Declined) else None) is reason


async def test_an_answer_that_is_no_json_is_still_understood(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    tenant.fault(method="POST", path="^/invitations", status=502, body="<html>Bad gateway</html>")

    assert [type(a) for a in await directory.invite([a_guest()])] == [Unknown]


async def test_the_language_goes_with_the_directorys_mail_alone(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    answers = await directory.invite([a_guest("loud@fabrikam.com", mail=True), a_guest("silent@fabrikam.com")])

    assert all(isinstance(a, Invited) for a in answers)
    assert [mail["to"] for mail in tenant.mails()] == [["loud@fabrikam.com"]]


KINDS: list[tuple[str, Reason]] = [
    (t.DYNAMIC, Reason.GROUP_DYNAMIC),
    (t.SYNCED, Reason.GROUP_SYNCED),
    (t.LIST, Reason.GROUP_MAIL_ENABLED),
    (t.ROLES, Reason.GROUP_ROLE_ASSIGNABLE),
    (t.NOWHERE, Reason.GROUP_MISSING),
]


@pytest.mark.parametrize("guests", [1, 2])
@pytest.mark.parametrize(("group", "reason"), KINDS)
async def test_a_group_that_takes_no_members_is_declined_for_its_kind(
    tenant: SimulatedTenant, directory: GraphDirectory, group: str, reason: Reason, guests: int
) -> None:
    users = [UserId(u) for u in tenant.invite("a@fabrikam.com", "b@fabrikam.com")][:guests]

    answers = await directory.join(GroupId(group), users)

    assert [a.reason if isinstance(a, Declined) else None for a in answers] == [reason] * guests


async def test_a_dynamic_group_is_named_whatever_its_refusal_says(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    tenant.settings(groups={"dynamicRefusal": "400"})
    [user] = tenant.invite("a@fabrikam.com")

    [answer] = await directory.join(GroupId(t.DYNAMIC), [UserId(user)])

    assert isinstance(answer, Declined)
    assert answer.reason is Reason.GROUP_DYNAMIC


@pytest.mark.parametrize("guests", [1, 2])
async def test_joining_without_the_permission_names_it(
    tenant: SimulatedTenant, directory: GraphDirectory, guests: int
) -> None:
    users = [UserId(u) for u in tenant.invite("a@fabrikam.com", "b@fabrikam.com")][:guests]
    tenant.permit("Directory.Read.All")

    for answer in await directory.join(GROUP, users):
        assert isinstance(answer, Declined)
        assert answer.reason is Reason.PERMISSION_MISSING
        assert "GroupMember.ReadWrite.All" in answer.detail


JOIN_SAID: list[tuple[int, str, str, type]] = [
    (400, "Request_BadRequest", "Not a valid reference update.", Lagging),
    (400, "Directory_ObjectNotFound", "Unable to read the company information from the directory.", Lagging),
    (404, "Request_ResourceNotFound", "Resource 'x' does not exist.", Lagging),
    (500, "InternalServerError", "An internal server error occurred.", Unknown),
    (504, "GatewayTimeout", "The gateway timed out.", Unknown),
    (412, "PreconditionFailed", "Precondition failed.", Unknown),
    (503, "ServiceUnavailable", "Busy.", Busy),
    (400, "Request_BadRequest", "Something new.", Declined),
]


@pytest.mark.parametrize(("status", "code", "message", "kind"), JOIN_SAID)
async def test_each_error_of_joining_has_its_meaning(
    tenant: SimulatedTenant, directory: GraphDirectory, status: int, code: str, message: str, kind: type
) -> None:
    [user] = tenant.invite("a@fabrikam.com")
    tenant.fault(method="POST", path="/members/", status=status, code=code, message=message)

    assert [type(a) for a in await directory.join(GROUP, [UserId(user)])] == [kind]
    assert await directory.join(GROUP, [UserId(user)]) == [Joined(before=False)]


NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("0", timedelta()),
        ("-5", timedelta()),
        ("7", timedelta(seconds=7)),
        ("1.5", timedelta(seconds=1.5)),
        ("200", timedelta(seconds=200)),
        ("1e300", timedelta(days=1)),
        ("inf", timedelta(days=1)),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), timedelta(seconds=90)),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), timedelta()),
        ("Mon, 02 Mar 2026 09:00:30", timedelta(seconds=30)),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, wait: timedelta | None) -> None:
    headers = {} if header is None else {"retry-after": header}

    assert Response(429, headers).retry_after(NOW) == wait


def test_the_directorys_words_are_kept_short() -> None:
    said = words(Response(400, {"request-id": "r1"}, {"error": {"code": "BadRequest", "message": "x" * 5000}}))

    assert len(said) < 600
    assert said.endswith("… (400 BadRequest) [request r1]")
