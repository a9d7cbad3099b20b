"""Groups and guests as the directory shows them, read from the simulator through the real adapter."""

import base64
from typing import Any

import pytest

from shared.core.directory import refusal
from shared.core.errors import Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.graph.guests import GraphGuestReader
from shared.graph.session import GraphSession
from tests.contract import simulated_tenant as t
from tests.contract.simulated_tenant import SimulatedTenant, no_key

GROUP = GroupId(t.GUESTS)


@pytest.fixture
def guest_reader(session: GraphSession) -> GraphGuestReader:
    return GraphGuestReader(session, no_key)


async def test_the_groups_of_an_owner_come_with_their_kind_and_their_apps(
    guest_reader: GraphGuestReader, tenant: SimulatedTenant
) -> None:
    dynamic = {"groupTypes": ["DynamicMembership"], "membershipRule": "user.userType -eq 'Guest'"}
    tenant.seed(groups=[{"id": t.DYNAMIC, "displayName": "Dynamic", "owners": [t.OWNER], **dynamic}])

    found = {g.id: g for g in await guest_reader.owned_groups(UserId(t.OWNER))}

    assert GROUP in found
    assert [a.name for a in found[GROUP].apps] == ["Contoso Travel"]
    assert refusal(found[GROUP]) is None
    assert refusal(found[GroupId(t.DYNAMIC)]) is Reason.GROUP_DYNAMIC
    assert set(found) == {GROUP, t.DYNAMIC}


async def test_whom_the_directory_does_not_know_owns_nothing(guest_reader: GraphGuestReader) -> None:
    assert await guest_reader.owned_groups(UserId("99999999-9999-4999-8999-999999999999")) == []


def guests(*people: dict[str, Any]) -> dict[str, Any]:
    """Guests, members of the group, as a seed's section."""
    users = [
        {"userType": "Guest", "displayName": p["mail"].partition("@")[0].title(), "creationType": "Invitation", **p}
        for p in people
    ]
    return {"users": users, "members": [p["id"] for p in people]}


def seed(tenant: SimulatedTenant, *people: dict[str, Any]) -> None:
    found = guests(*people)
    tenant.seed(
        users=found["users"],
        groups=[{"id": t.GUESTS, "displayName": "Travel guests", "owners": [t.OWNER], "members": found["members"]}],
    )


def user(number: int) -> UserId:
    return UserId(f"70000000-0000-4000-8000-{number:012}")


async def test_guests_come_with_redemption_and_last_sign_in(
    guest_reader: GraphGuestReader, tenant: SimulatedTenant
) -> None:
    tenant.permit(*t.PERMISSIONS, "AuditLog.Read.All")
    changed = "2026-01-15T09:30:00Z"
    seed(
        tenant,
        {"id": user(1), "mail": "ada@fabrikam.com", "externalUserState": "PendingAcceptance"},
        {
            "id": user(2),
            "mail": "bob@fabrikam.com",
            "externalUserState": "Accepted",
            "externalUserStateChangeDateTime": changed,
            "signInActivity": {"lastSignInDateTime": "2026-02-01T08:00:00Z"},
        },
        {"id": user(3), "mail": "cleo@contoso.com", "userType": "Member"},
    )

    page = await guest_reader.guests(GROUP, None)

    found = {g.id: g for g in page.guests}
    assert set(found) == {user(1), user(2)}, "colleagues are no guests"
    assert (found[user(1)].accepted, found[user(1)].last_sign_in) == (False, None)
    assert (found[user(2)].accepted, found[user(2)].address) == (True, "bob@fabrikam.com")
    assert [str(x) for x in (found[user(2)].since, found[user(2)].last_sign_in)] == [
        "2026-01-15 09:30:00+00:00",
        "2026-02-01 08:00:00+00:00",
    ]
    assert (page.sign_ins_known, page.continuation) == (True, None)


async def test_sign_ins_that_may_not_be_read_are_unknown_and_hide_nobody(
    guest_reader: GraphGuestReader, tenant: SimulatedTenant
) -> None:
    seed(tenant, {"id": user(1), "mail": "ada@fabrikam.com"})

    page = await guest_reader.guests(GROUP, None)

    assert ([g.id for g in page.guests], page.sign_ins_known) == ([user(1)], False)


async def test_many_guests_come_page_by_page(guest_reader: GraphGuestReader, tenant: SimulatedTenant) -> None:
    seed(tenant, *({"id": user(n), "mail": f"g{n}@fabrikam.com"} for n in range(250)))

    found, pages, continuation = [], 0, None
    while True:
        page = await guest_reader.guests(GROUP, continuation)
        found += [g.id for g in page.guests]
        pages, continuation = pages + 1, page.continuation
        if continuation is None:
            break

    assert sorted(found) == [user(n) for n in range(250)]
    assert pages > 1


async def test_guests_are_found_by_the_beginning_of_name_or_address(
    guest_reader: GraphGuestReader, tenant: SimulatedTenant
) -> None:
    people = [{"id": user(n), "mail": f"g{n}@fabrikam.com", "displayName": f"Guest {n}"} for n in range(150)]
    seed(tenant, *people, {"id": user(900), "mail": "x@fabrikam.com", "displayName": "O'Hara, Scarlett"})

    async def found(text: str) -> set[str]:
        names: set[str] = set()
        page = await guest_reader.guests(GROUP, None, text)
        while True:
            names |= {g.id for g in page.guests}
            if page.continuation is None:
                return names
            page = await guest_reader.guests(GROUP, page.continuation, text)

    assert await found("o'h") == {user(900)}
    assert await found("g149@") == {user(149)}
    assert len(await found("Guest")) == 150, "page by page"
    assert await found("nobody") == set()


async def test_a_long_beginning_is_no_longer_than_the_directory_reads(
    guest_reader: GraphGuestReader, tenant: SimulatedTenant
) -> None:
    """The address of an advanced query has 2048 characters at most; percent-encoded, these have 9 or 12 each."""
    name = "客" * 50 + "🙂" * 50
    seed(tenant, {"id": user(1), "mail": "a@fabrikam.com", "displayName": name})

    assert [g.id for g in (await guest_reader.guests(GROUP, None, name)).guests] == [user(1)]


BELOW = "{graph}/groups/{group}/members"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/groups/{group}/members/microsoft.graph.user?$skiptoken=x",
        "{graph}/users?$skiptoken=x",
        "{graph}/groups/60000000-0000-4000-8000-000000000002/members?$skiptoken=x",
        f"{BELOW}/../../../users?$top=999",
        f"{BELOW}/../../../../beta/users?$top=999",
        f"{BELOW}/../owners?$select=id",
        f"{BELOW}/%2e%2e/%2E%2E/%2e./users?$top=999",
        f"{BELOW}/..%2f..%2f..%2fusers?$top=999",
        f"{BELOW}/%252e%252e/%252e%252e/users?$top=999",
        f"{BELOW}\\..\\..\\..\\users?$top=999",
        f"{BELOW}/%5c..%5c..%5cusers?$top=999",
        f"{BELOW}//users?$top=999",
        f"{BELOW}/./../members?$top=999",
        f"{BELOW}/microsoft.graph.user?$select=id&$top=1",
        f"{BELOW}",
        "x&$expand=manager",
        "",
    ],
)
@pytest.mark.parametrize("find", [None, "ada"])
async def test_a_continuation_that_was_made_up_never_sends_our_token_anywhere(
    guest_reader: GraphGuestReader, tenant: SimulatedTenant, link: str, find: str | None
) -> None:
    made_up = base64.urlsafe_b64encode(link.format(group=GROUP, graph=tenant.graph_url).encode()).decode()
    before = tenant.all_calls()

    for text in (made_up, made_up.rstrip("="), "?", "ä", "\0" * 40, "A" * 5000):
        with pytest.raises(Refused, match="never given out"):
            await guest_reader.guests(GROUP, text, find)

    assert tenant.all_calls() == before


async def test_a_continuation_is_good_for_its_own_group_and_its_own_search(
    guest_reader: GraphGuestReader, tenant: SimulatedTenant
) -> None:
    people = [{"id": user(n), "mail": f"g{n}@fabrikam.com", "displayName": f"Guest {n}"} for n in range(150)]
    seed(tenant, *people)
    members = [p["id"] for p in people]
    tenant.seed(groups=[{"id": t.MANY_APPS, "displayName": "Of another", "members": members}])
    of_all, of_search = [await guest_reader.guests(GROUP, None, find) for find in (None, "Guest")]
    assert of_all.continuation is not None
    assert of_search.continuation is not None
    before = tenant.all_calls()

    for group, text, find in (
        (GroupId(t.MANY_APPS), of_all.continuation, None),
        (GROUP, of_all.continuation, "Guest"),
        (GROUP, of_search.continuation, None),
        (GROUP, of_search.continuation, "Gues"),
        (GroupId(t.MANY_APPS), of_search.continuation, "Guest"),
        (GROUP, of_all.continuation[:-1], None),
        (GROUP, f"{of_all.continuation}A", None),
        (GROUP, of_all.continuation[:4].swapcase() + of_all.continuation[4:], None),
    ):
        with pytest.raises(Refused, match="never given out"):
            await guest_reader.guests(group, text, find)

    assert tenant.all_calls() == before
    assert len((await guest_reader.guests(GROUP, of_all.continuation)).guests) == 50
    assert len((await guest_reader.guests(GROUP, of_search.continuation, "Guest")).guests) == 50


async def test_a_continuation_tells_nothing_but_a_token_of_the_directory(
    guest_reader: GraphGuestReader, tenant: SimulatedTenant
) -> None:
    seed(tenant, *({"id": user(n), "mail": f"g{n}@fabrikam.com"} for n in range(150)))

    text = (await guest_reader.guests(GROUP, None)).continuation

    assert text is not None
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert b"http" not in raw
    assert b"groups" not in raw


async def test_a_single_guest_is_one_of_this_group(guest_reader: GraphGuestReader, tenant: SimulatedTenant) -> None:
    seed(
        tenant,
        {"id": user(1), "mail": "ada@fabrikam.com"},
        {"id": user(2), "mail": "cleo@contoso.com", "userType": "Member"},
    )

    ada = await guest_reader.guest(GROUP, user(1))

    assert ada is not None
    assert ada.address == "ada@fabrikam.com"
    assert await guest_reader.guest(GROUP, user(2)) is None
    assert await guest_reader.guest(GROUP, UserId(t.COLLEAGUE)) is None
    assert await guest_reader.guest(GROUP, user(9)) is None


async def test_people_are_written_to_where_they_read_mail(guest_reader: GraphGuestReader) -> None:
    assert await guest_reader.mail_address(UserId(t.OWNER)) == "olivia@contoso.com"
    assert await guest_reader.mail_address(UserId(t.BLOCKED_COLLEAGUE)) is None
    assert await guest_reader.mail_address(user(9)) is None


async def test_a_group_that_is_not_there_is_said_so(guest_reader: GraphGuestReader) -> None:
    with pytest.raises(Refused) as refused:
        await guest_reader.guests(GroupId(t.NOWHERE), None)

    assert refused.value.reason is Reason.GROUP_MISSING
