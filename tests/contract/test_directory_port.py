"""One examination for every directory: the one in memory that unit tests use, and the real one on the simulator, in a
tenant where everybody may invite and in one where only administrators and guest inviters may.

For the latter sources conflict (graph contract "Invitations"): the examination runs with the reading that lets an app
with User.Invite.All invite; what the other reading answers is in `test_directory_refusals` ("admins only"). The whole
product runs with both in `tests/integration/test_invitations.py`.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import pytest

from shared.core.addresses import Address, parse_address
from shared.core.directory import GroupApp, GroupFacts
from shared.core.errors import Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.core.results import Account, Invited, Joined, Lookalike, NotFound
from shared.graph.directory import GraphDirectory
from shared.graph.ports import Directory, GuestToInvite
from tests.contract import simulated_tenant as t
from tests.contract.simulated_tenant import SimulatedTenant
from tests.fakes.directory import FakeDirectory

GROUP = GroupId(t.GUESTS)
FACTS = GroupFacts(
    id=GROUP,
    name="Travel guests",
    group_types=frozenset(),
    security_enabled=True,
    mail_enabled=False,
    synced=False,
    role_assignable=False,
    management_restricted=False,
    owners=frozenset({UserId(t.OWNER)}),
    apps=(GroupApp("Contoso Travel", t.TRAVEL_APP_ID),),
)


class Examined(Protocol):
    """A directory, what it was asked to mail and how many tickets it gave to an address."""

    @property
    def directory(self) -> Directory: ...
    def mailed(self) -> list[str]: ...
    def tickets(self, address: Address) -> int: ...


@dataclass
class InMemory:
    directory: FakeDirectory

    def mailed(self) -> list[str]:
        return self.directory.mails

    def tickets(self, address: Address) -> int:
        return self.directory.tickets[address.key]


@dataclass
class OnSimulator:
    directory: GraphDirectory
    tenant: SimulatedTenant

    def mailed(self) -> list[str]:
        return [mail["to"][0] for mail in self.tenant.mails()]

    def tickets(self, address: Address) -> int:
        return self.tenant.tickets().get(address.wire, 0)


@pytest.fixture(params=["memory", "simulator", "simulator, admins and guest inviters"])
def examined(request: pytest.FixtureRequest) -> Examined:
    if request.param == "memory":
        return InMemory(FakeDirectory(groups={GROUP: FACTS}))
    tenant: SimulatedTenant = request.getfixturevalue("tenant")
    if request.param != "simulator":
        rule = {"allowInvitesFrom": "adminsAndGuestInviters", "guestInvitersRule": "invite-permission"}
        tenant.settings(policies=rule)
    return OnSimulator(request.getfixturevalue("directory"), tenant)


def guests(count: int, *, mail: bool = False) -> list[GuestToInvite]:
    return [
        GuestToInvite(parse_address(f"guest{n}@fabrikam.com"), f"Guest {n}", "https://app.example/", mail, None)
        for n in range(count)
    ]


async def invited(examined: Examined, count: int) -> list[UserId]:
    answers = await examined.directory.invite(guests(count))
    return [a.user_id for a in answers if isinstance(a, Invited)]


async def test_a_group_is_read_with_its_owners_and_apps(examined: Examined) -> None:
    assert await examined.directory.read_group(GROUP) == FACTS


async def test_a_group_that_is_not_there_is_refused(examined: Examined) -> None:
    with pytest.raises(Refused) as refused:
        await examined.directory.read_group(GroupId(t.NOWHERE))

    assert refused.value.reason is Reason.GROUP_MISSING


async def test_nobody_is_asked_for_and_nobody_is_answered(examined: Examined) -> None:
    directory = examined.directory

    assert [await directory.find([]), await directory.invite([]), await directory.join(GROUP, [])] == [[], [], []]


async def test_a_guest_is_found_once_invited_and_others_are_not(examined: Examined) -> None:
    [known, unknown, other] = guests(3)
    ids = [a.user_id for a in await examined.directory.invite([known, other]) if isinstance(a, Invited)]

    found = await examined.directory.find([other.address, unknown.address, known.address])

    account = Account(ids[1], is_guest=True, enabled=True, pending=True)
    assert found == [account, NotFound(), Account(ids[0], is_guest=True, enabled=True, pending=True)]


@pytest.mark.parametrize(
    "address",
    [
        "gast@bücher-münchen.de",  # both forms of the domain are asked for
        f"{'l' * 60}@{'d' * 60}.com",  # 125 characters: longer than the directory compares
        f"{'l' * 60}@{'ü' * 20}.{'d' * 60}.de",
    ],
)
async def test_a_guest_is_found_by_an_address_of_any_length_beside_others(examined: Examined, address: str) -> None:
    long, short = guests(2)
    long = replace(long, address=parse_address(address))
    beginning = parse_address(f"{address}.org")
    [invited, *_] = await examined.directory.invite([long, short])
    assert isinstance(invited, Invited)

    found = await examined.directory.find([long.address, beginning, short.address])

    assert found[0] == Account(invited.user_id, is_guest=True, enabled=True, pending=True)
    assert found[1] == NotFound()
    assert isinstance(found[2], Account)


async def test_a_chunk_is_invited_in_the_order_given(examined: Examined) -> None:
    chunk = guests(20)

    answers = await examined.directory.invite(chunk)

    found = await examined.directory.find([g.address for g in chunk])
    assert [a.user_id for a in answers if isinstance(a, Invited)] == [f.id for f in found if isinstance(f, Account)]
    assert len({a.redeem_url for a in answers if isinstance(a, Invited)}) == 20


@pytest.mark.parametrize("mail", [True, False])
async def test_the_directory_mails_where_it_is_asked_to(examined: Examined, mail: bool) -> None:
    [guest] = guests(1, mail=mail)

    await examined.directory.invite([guest])

    assert examined.mailed() == ([guest.address.wire] if mail else [])


async def test_a_second_invitation_is_a_second_ticket_for_the_same_account(examined: Examined) -> None:
    [guest] = guests(1)

    first = await examined.directory.invite([guest])
    second = await examined.directory.invite([guest])

    assert isinstance(first[0], Invited)
    assert isinstance(second[0], Invited)
    assert first[0].user_id == second[0].user_id
    assert first[0].redeem_url != second[0].redeem_url
    assert examined.tickets(guest.address) == 2


@pytest.mark.parametrize("count", [1, 2, 20])
async def test_guests_join_a_group(examined: Examined, count: int) -> None:
    ids = await invited(examined, count)

    assert await examined.directory.join(GROUP, ids) == [Joined(before=False)] * count


async def test_joining_again_says_who_was_a_member_before(examined: Examined) -> None:
    [first, second, third] = await invited(examined, 3)
    await examined.directory.join(GROUP, [second])

    answers = await examined.directory.join(GROUP, [first, second, third])

    assert answers == [Joined(before=False), Joined(before=True), Joined(before=False)]
    assert await examined.directory.join(GROUP, [first, third]) == [Joined(before=True)] * 2


def other_account(address: str, **facts: Any) -> dict[str, Any]:
    """An account of somebody else, perhaps with the address in a property that `facts` names with ``{}``."""
    user = {"id": OTHER, "mail": "somebody@northwind.com", "userType": "Guest", "proxyAddresses": []} | facts
    for name in ("otherMails", "proxyAddresses"):
        user[name] = [value.replace("{}", address) for value in user.get(name, [])]
    return user


IDENTITY = {"signInType": "federated", "issuer": "mail", "issuerAssignedId": "Ada@fabrikam.com"}
OTHER = "a3000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("facts", "where"),
    [
        ({"otherMails": ["{}"]}, "otherMails"),
        ({"proxyAddresses": ["SMTP:somebody@northwind.com", "smtp:{}"]}, "proxyAddresses"),
        ({"otherMails": ["{}"], "proxyAddresses": ["smtp:{}"]}, "otherMails"),
        ({"mail": None, "userPrincipalName": "x@contoso.com", "otherMails": ["{}"]}, "otherMails"),
        ({"otherMails": ["{}"], "userType": "Member"}, "otherMails"),
    ],
)
@pytest.mark.parametrize("address", ["ada@fabrikam.com", "gast@bücher.de", f"{'l' * 60}@{'d' * 60}.com"])
async def test_an_account_that_has_the_address_besides_its_own_is_shown_and_not_taken(
    tenant: SimulatedTenant, directory: GraphDirectory, facts: dict[str, Any], where: str, address: str
) -> None:
    parsed = parse_address(address)
    tenant.seed(users=[other_account(parsed.wire, **facts)])

    assert await directory.find([parsed]) == [Lookalike(frozenset({UserId(OTHER)}), where)]


@pytest.mark.parametrize(
    "facts",
    [
        {"mail": "ADA@fabrikam.com"},
        {"otherMails": ["{}"], "identities": [IDENTITY]},
        {"userType": "Member", "proxyAddresses": ["smtp:{}"]},
    ],
    ids=["mail", "identities", "an alias of a colleague's mailbox"],
)  # fmt: skip
async def test_an_account_whose_own_address_it_is_is_taken(
    tenant: SimulatedTenant, directory: GraphDirectory, facts: dict[str, Any]
) -> None:
    tenant.seed(users=[other_account("ada@fabrikam.com", **facts)])

    [found] = await directory.find([parse_address("ada@fabrikam.com")])

    assert isinstance(found, Account)
    assert found.id == OTHER


async def test_the_account_whose_own_address_it_is_comes_before_any_other(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    [own] = tenant.invite("ada@fabrikam.com")
    accepted = {"otherMails": ["{}"], "externalUserState": "Accepted"}
    tenant.seed(users=[other_account("ada@fabrikam.com", **accepted)])

    [found] = await directory.find([parse_address("ada@fabrikam.com")])

    assert isinstance(found, Account)
    assert found.id == own
