"""The directory's weather: throttling, replication, cut connections and half-done work, and reading in pages."""

import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from shared.core.addresses import parse_address
from shared.core.directory import GroupApp
from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.core.results import Account, Busy, Declined, Invited, Joined, Lagging, NotFound, Unknown
from shared.graph.directory import GraphDirectory
from shared.graph.groups import Known
from shared.graph.ports import GuestToInvite
from shared.graph.session import GraphSession
from tests.contract import simulated_tenant as t
from tests.contract.simulated_tenant import SimulatedTenant

GROUP = GroupId(t.GUESTS)
JOIN_ALL, JOIN_ONE = "PATCH /groups/{g}", "POST /groups/{g}/members/$ref"


def guests(count: int) -> list[GuestToInvite]:
    return [
        GuestToInvite(parse_address(f"guest{n}@fabrikam.com"), None, "https://app.example/", False, None)
        for n in range(count)
    ]


def users_of(tenant: SimulatedTenant, count: int) -> list[UserId]:
    return [UserId(u) for u in tenant.invite(*(f"guest{n}@fabrikam.com" for n in range(count)))]


async def members(session: GraphSession, group: str = t.GUESTS) -> set[str]:
    answer = await session.request("GET", f"/groups/{group}/members?$select=id&$top=999")
    return {m["id"] for m in answer.body["value"]}


# Inviting


async def test_of_a_chunk_partly_throttled_what_succeeded_stays(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    tenant.fault(method="POST", path="^/invitations", skip=1, times=2, status=429, headers={"Retry-After": "17"})

    answers = await directory.invite(guests(4))

    assert sorted(type(a).__name__ for a in answers) == ["Busy", "Busy", "Invited", "Invited"]
    assert [a for a in answers if isinstance(a, Busy)] == [Busy(timedelta(seconds=17))] * 2
    assert len(tenant.tickets()) == 2


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("status", "wait"), [(429, "200"), (503, None)])
async def test_a_throttled_call_is_busy_for_each_and_is_not_repeated(
    tenant: SimulatedTenant, directory: GraphDirectory, count: int, status: int, wait: str | None
) -> None:
    path = r"^/\$batch" if count > 1 else "^/invitations"
    tenant.fault(path=path, times=0, status=status, headers={"Retry-After": wait} if wait else {})

    answers = await directory.invite(guests(count))

    assert answers == [Busy(timedelta(seconds=200) if wait else None)] * count
    assert sum(tenant.calls(call) for call in ("POST /$batch", "POST /invitations")) == 1


@pytest.mark.parametrize("count", [1, 3])
async def test_a_connection_cut_after_the_effect_leaves_every_invitation_in_doubt(
    tenant: SimulatedTenant, directory: GraphDirectory, count: int
) -> None:
    tenant.fault(path=r"^/\$batch" if count > 1 else "^/invitations", when="after", cut=True)

    answers = await directory.invite(guests(count))

    assert [type(a) for a in answers] == [Unknown] * count
    assert set(tenant.tickets().values()) == {1}
    assert len(tenant.tickets()) == count


async def test_a_time_out_after_the_effect_of_one_part_leaves_that_one_in_doubt(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    tenant.fault(method="POST", path="^/invitations", when="after", status=504)

    answers = await directory.invite(guests(3))

    assert sorted(type(a).__name__ for a in answers) == ["Invited", "Invited", "Unknown"]
    assert len(tenant.tickets()) == 3


@asynccontextmanager
async def graph_that_says(session: GraphSession, status: int, body: object) -> AsyncIterator[GraphDirectory]:
    """A directory whose answer to everything is the same, and none that Graph is known to give."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    session.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1.0"
    yield GraphDirectory(session)
    await runner.cleanup()


@pytest.mark.parametrize("user", [None, {}, {"id": None}, {"id": ""}, "70000000-0000-4000-8000-000000000001"])
async def test_a_success_that_names_no_account_is_no_success(session: GraphSession, user: object) -> None:
    body = {"invitedUser": user, "inviteRedeemUrl": "https://login.microsoftonline.com/redeem"}
    async with graph_that_says(session, 201, body) as directory:
        assert [type(a) for a in await directory.invite(guests(1))] == [Unknown]


async def test_a_success_without_a_link_is_no_success(session: GraphSession) -> None:
    async with graph_that_says(session, 201, {"invitedUser": {"id": t.NOWHERE}}) as directory:
        assert [type(a) for a in await directory.invite(guests(1))] == [Unknown]


@pytest.mark.parametrize("body", [{"responses": "none"}, {}, [], "nothing", None])
async def test_a_batch_whose_answer_cannot_be_read_leaves_every_part_in_doubt(
    session: GraphSession, body: object
) -> None:
    async with graph_that_says(session, 200, body) as directory:
        assert [type(a) for a in await directory.invite(guests(2))] == [Unknown] * 2
        assert await directory.find([g.address for g in guests(2)]) == [Busy(None)] * 2


async def test_parts_that_a_batch_does_not_answer_are_in_doubt(session: GraphSession) -> None:
    body = {"responses": [{"id": "1", "status": 429, "headers": {"Retry-After": "3"}, "body": None}, {"id": "0"}]}
    async with graph_that_says(session, 200, body) as directory:
        answers = await directory.invite(guests(3))

    assert [type(a) for a in answers] == [Unknown, Busy, Unknown]
    assert answers[1] == Busy(timedelta(seconds=3))


async def test_where_nobody_answers_nothing_has_happened(session: GraphSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/v1.0"
    session.base_url = nobody
    directory = GraphDirectory(session)

    assert await directory.invite(guests(2)) == [Busy(None)] * 2
    assert await directory.find([g.address for g in guests(2)]) == [Busy(None)] * 2
    assert await directory.join(GROUP, [UserId(t.COLLEAGUE), UserId(t.OWNER)]) == [Busy(None)] * 2
    with pytest.raises(DirectoryBusy):
        await directory.read_group(GROUP)


async def test_without_a_token_nothing_has_happened(
    tenant: SimulatedTenant, directory: GraphDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    from shared.identity.credentials import app_credential

    async with app_credential(None) as credential:
        session = GraphSession(base_url=tenant.graph_url, credential=credential)
        answers = await GraphDirectory(session).invite(guests(2))
        await session.close()

    assert answers == [Busy(None)] * 2
    assert not tenant.tickets()


async def test_more_than_a_batch_takes_is_not_even_sent(tenant: SimulatedTenant, directory: GraphDirectory) -> None:
    with pytest.raises(ValueError, match="21 parts"):
        await directory.invite(guests(21))

    assert not tenant.tickets()


# Finding


@pytest.mark.parametrize(
    "address", ["o'brien@fabrikam.com", "Mixed.Case@Fabrikam.com", "a_b-c.d@fabrikam.com", "guest@bücher.de"]
)
async def test_a_guest_is_found_however_the_address_is_spelt(
    tenant: SimulatedTenant, directory: GraphDirectory, address: str
) -> None:
    parsed = parse_address(address)
    for form in {parsed.wire, parsed.text}:
        [user] = tenant.invite(form)

        assert await directory.find([parsed]) == [Account(UserId(user), True, True, True)]
        tenant.reset()


@pytest.mark.parametrize("field", ["mail", "proxyAddresses"])
async def test_a_colleague_is_found_by_each_address_of_the_mailbox(
    tenant: SimulatedTenant, directory: GraphDirectory, field: str
) -> None:
    value = {
        "mail": "a@fabrikam.com",
        "proxyAddresses": ["smtp:a@fabrikam.com"],
    }[field]
    user = {"id": t.NOWHERE, "userPrincipalName": "a@contoso.com", "proxyAddresses": [], field: value}
    tenant.seed(users=[user])

    assert await directory.find([parse_address("a@fabrikam.com")]) == [
        Account(UserId(t.NOWHERE), is_guest=False, enabled=True, pending=False)
    ]


async def test_of_several_accounts_the_accepted_guest_comes_first_and_then_the_pending_one(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    ids = [f"70000000-0000-4000-8000-00000000000{n}" for n in range(3)]
    facts = [{}, {"userType": "Guest", "externalUserState": "PendingAcceptance"}, {"userType": "Guest"}]
    address, seen = parse_address("twin@fabrikam.com"), []

    for id_, more in zip(ids, facts, strict=True):
        tenant.seed(users=[{"id": id_, "mail": address.wire, "userPrincipalName": f"{id_}@contoso.com"} | more])
        [found] = await directory.find([address])
        assert isinstance(found, Account)
        seen.append(found.id)

    assert seen == ids


async def test_a_redeemed_guest_is_no_longer_pending(tenant: SimulatedTenant, directory: GraphDirectory) -> None:
    [guest] = guests(1)
    [answer] = await directory.invite([guest])
    assert isinstance(answer, Invited)
    tenant.redeem(answer.user_id)

    assert await directory.find([guest.address]) == [Account(answer.user_id, True, True, pending=False)]


async def test_a_throttled_look_up_is_busy_and_the_others_are_answered(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    tenant.fault(path="^/users", status=429, headers={"Retry-After": "4"})

    answers = await directory.find([g.address for g in guests(3)])

    assert sorted(type(a).__name__ for a in answers) == ["Busy", "NotFound", "NotFound"]
    assert Busy(timedelta(seconds=4)) in answers


async def test_a_look_up_that_replication_hides_finds_nobody(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    tenant.settings(replication={"usersList": {"calls": 1}})
    [guest] = guests(1)
    await directory.invite([guest])

    assert await directory.find([guest.address]) == [NotFound()]
    assert [type(a) for a in await directory.find([guest.address])] == [Account]


async def test_looking_up_without_the_permission_is_refused_and_names_it(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    tenant.permit("User.Invite.All")

    with pytest.raises(Refused, match=r"User\.Read\.All") as refused:
        await directory.find([g.address for g in guests(2)])

    assert refused.value.reason is Reason.PERMISSION_MISSING


# Joining


async def test_a_chunk_with_members_and_unseen_guests_loses_nobody(
    tenant: SimulatedTenant, directory: GraphDirectory, session: GraphSession
) -> None:
    seen = users_of(tenant, 3)
    await directory.join(GROUP, [seen[0]])
    unseen = UserId(t.NOWHERE)

    answers = await directory.join(GROUP, [seen[0], unseen, seen[1], seen[1], seen[2]])

    assert answers == [Joined(True), Lagging(), Joined(False), Joined(False), Joined(False)]
    assert await members(session) == set(seen)


async def test_a_guest_not_replicated_yet_joins_later(tenant: SimulatedTenant, directory: GraphDirectory) -> None:
    tenant.settings(replication={"membersAdd": {"calls": 1}})
    [answer] = await directory.invite(guests(1))
    assert isinstance(answer, Invited)

    assert await directory.join(GROUP, [answer.user_id]) == [Lagging()]
    assert await directory.join(GROUP, [answer.user_id]) == [Joined(before=False)]


async def test_a_throttled_call_for_all_asks_for_nobody_alone(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    users = users_of(tenant, 3)
    tenant.fault(method="PATCH", path="^/groups", status=429, headers={"Retry-After": "9"})

    assert await directory.join(GROUP, users) == [Busy(timedelta(seconds=9))] * 3
    assert tenant.calls("POST /$batch") == 0


async def test_a_call_for_all_that_timed_out_after_its_effect_calls_nobody_a_member_of_old(
    tenant: SimulatedTenant, directory: GraphDirectory, session: GraphSession
) -> None:
    users = users_of(tenant, 3)
    tenant.fault(method="PATCH", path="^/groups", when="after", status=504)

    assert await directory.join(GROUP, users) == [Joined(before=False)] * 3
    assert await members(session) == set(users)


@pytest.mark.parametrize("count", [1, 3])
async def test_a_connection_cut_while_joining_leaves_everybody_in_doubt(
    tenant: SimulatedTenant, directory: GraphDirectory, count: int
) -> None:
    users = users_of(tenant, count)
    tenant.fault(path="^/groups", when="after", cut=True)

    assert [type(a) for a in await directory.join(GROUP, users)] == [Unknown] * count
    assert await directory.join(GROUP, users) == [Joined(before=True)] * count


async def test_of_guests_joined_one_by_one_the_throttled_one_waits_alone(
    tenant: SimulatedTenant, directory: GraphDirectory, session: GraphSession
) -> None:
    users = users_of(tenant, 3)
    await directory.join(GROUP, [users[0]])
    tenant.fault(method="POST", path=r"/members/\$ref", status=429, headers={"Retry-After": "5"})

    answers = await directory.join(GROUP, users)

    assert answers.count(Busy(timedelta(seconds=5))) == 1
    assert len(await members(session)) >= 2


async def test_a_group_deleted_meanwhile_is_named(tenant: SimulatedTenant, directory: GraphDirectory) -> None:
    [first, second] = await directory.join(GroupId(t.NOWHERE), users_of(tenant, 2))

    assert isinstance(first, Declined)
    assert first == second or isinstance(second, Declined)
    assert first.reason is Reason.GROUP_MISSING


# Reading a group


async def test_all_pages_of_owners_and_assignments_are_read(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    owners = [f"71000000-0000-4000-8000-{n:012}" for n in range(1001)]
    tenant.seed(
        users=[{"id": o, "userPrincipalName": f"owner{n}@contoso.com"} for n, o in enumerate(owners)],
        groups=[{"id": t.GUESTS, "displayName": "Travel guests", "owners": owners}],
        settings={"paging": {"emptyPageEvery": 1}},
    )

    facts = await directory.read_group(GROUP)

    assert facts.owners == set(owners)
    assert facts.apps == (GroupApp("Contoso Travel", t.TRAVEL_APP_ID),)


async def test_of_many_apps_a_batch_full_is_read(directory: GraphDirectory) -> None:
    facts = await directory.read_group(GroupId(t.MANY_APPS))

    assert len(facts.apps) == 20


@pytest.mark.parametrize(
    ("group", "claim"),
    [
        (t.DYNAMIC, "group_types"),
        (t.UNIFIED, "group_types"),
        (t.SYNCED, "synced"),
        (t.LIST, "mail_enabled"),
        (t.ROLES, "role_assignable"),
    ],
)
async def test_the_kind_of_a_group_is_read(directory: GraphDirectory, group: str, claim: str) -> None:
    assert getattr(await directory.read_group(GroupId(group)), claim)


@pytest.mark.parametrize(
    ("held", "named"),
    [
        ([], "GroupMember.Read.All"),
        # The writer of members reads no group's own properties ("Get group").
        (["GroupMember.ReadWrite.All", "User.Read.All", "Application.Read.All"], "GroupMember.Read.All"),
        (["GroupMember.Read.All", "User.Read.All"], "Application.Read.All"),
    ],
)
async def test_reading_a_group_without_the_permission_names_it(
    tenant: SimulatedTenant, session: GraphSession, held: list[str], named: str
) -> None:
    tenant.permit("User.Invite.All", *held)

    with pytest.raises(Refused, match=named) as refused:
        await GraphDirectory(session, set_up_with(t.TRAVEL)).read_group(GROUP)

    assert refused.value.reason is Reason.PERMISSION_MISSING


def set_up_with(*apps: str) -> Known:
    async def known(groups: Sequence[GroupId]) -> Mapping[GroupId, Sequence[str]]:
        return dict.fromkeys(groups, apps)

    return known


SMALL = ("GroupMember.Read.All", "Application.Read.All")


async def test_the_app_that_a_group_was_set_up_with_is_read_from_the_app_s_side(
    tenant: SimulatedTenant, session: GraphSession
) -> None:
    tenant.permit(*SMALL)
    gone = "50000000-0000-4000-8000-0000000000ff"

    async def apps(*known: str) -> list[str]:
        return [app.name for app in (await GraphDirectory(session, set_up_with(*known)).read_group(GROUP)).apps]

    assert await apps(t.TRAVEL) == ["Contoso Travel"]
    assert await apps(t.HIDDEN_APP, t.DISABLED_APP, gone) == []
    assert await apps("50000000-0000-4000-8000-000000000100") == [], "the group is not assigned to it any more"


async def test_where_nobody_set_a_group_up_its_apps_are_known_to_a_reader_of_the_directory_alone(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    """Who may read it all sees them: `test_a_group_is_read_with_its_owners_and_apps`."""
    tenant.permit(*SMALL)

    found = await directory.read_group(GROUP)
    assert (found.apps, found.owners) == ((), frozenset({t.OWNER}))


async def test_an_app_that_thousands_are_assigned_to_is_read_no_further_than_it_has_to(
    tenant: SimulatedTenant, session: GraphSession
) -> None:
    users = [{"id": f"a4000000-0000-4000-8000-{n:012}", "mail": f"e{n}@contoso.com"} for n in range(1001)]
    links = [{"principalId": u["id"], "resourceId": t.TRAVEL, "appRoleId": t.DEFAULT_ROLE} for u in users]
    tenant.seed(users=users, appRoleAssignments=links)
    tenant.permit(*SMALL)
    read = "GET /servicePrincipals/{servicePrincipal}/appRoleAssignedTo"

    facts = await GraphDirectory(session, set_up_with(t.TRAVEL)).read_group(GROUP)

    assert [app.name for app in facts.apps] == ["Contoso Travel"]
    assert tenant.calls(read) == 1
    await GraphDirectory(session, set_up_with(t.TRAVEL)).read_group(GroupId(t.MANY_APPS))
    assert tenant.calls(read) == 3


@pytest.mark.parametrize("path", ["^/groups/[^/]+$", "/owners", "/appRoleAssignments", "^/servicePrincipals"])
@pytest.mark.parametrize("status", [429, 500, 503, 504])
async def test_a_group_that_cannot_be_read_now_is_busy(
    tenant: SimulatedTenant, directory: GraphDirectory, path: str, status: int
) -> None:
    tenant.fault(method="GET", path=path, status=status, headers={"Retry-After": "6"})

    with pytest.raises(DirectoryBusy) as busy:
        await directory.read_group(GROUP)

    assert busy.value.retry_after == timedelta(seconds=6)
