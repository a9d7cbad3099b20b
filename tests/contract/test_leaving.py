"""Guests who leave, on the simulator: what a look at them finds, and how the deleted come back."""

import pytest

from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.core.results import Busy, Declined, Gone, GuestLook, Missing, Written
from shared.graph.directory import GraphDirectory
from tests.contract import simulated_tenant as t
from tests.contract.simulated_tenant import PERMISSIONS, SimulatedTenant

GROUP = GroupId(t.GUESTS)
UNIT, ROLE = "70000000-0000-4000-8000-000000000001", "70000000-0000-4000-8000-000000000002"


def guests_of_the_group(tenant: SimulatedTenant, count: int) -> list[UserId]:
    tenant.permit(*PERMISSIONS, "User.DeleteRestore.All", "User.EnableDisableAccount.All", "User.Read.All")
    users = tenant.invite(*(f"guest{n}@fabrikam.com" for n in range(count)))
    tenant.seed(groups=[{"id": t.GUESTS, "displayName": "Travel guests", "owners": [t.OWNER], "members": users}])
    return [UserId(user) for user in users]


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_deleted_guests_come_back_with_their_group(
    tenant: SimulatedTenant, directory: GraphDirectory, count: int
) -> None:
    users = guests_of_the_group(tenant, count)
    assert all(isinstance(a, Gone) for a in await directory.delete_guests(users))
    assert not any(look.exists for look in await directory.get_guests(users))

    answers = await directory.restore_guests(users)

    assert all(isinstance(a, Written) for a in answers), answers
    assert [look.groups for look in await directory.get_guests(users)] == [{GROUP}] * count
    assert [type(a) for a in await directory.restore_guests(users)] == [Missing] * count


@pytest.mark.parametrize("count", [1, 2])
async def test_an_administrative_unit_is_no_group(
    tenant: SimulatedTenant, directory: GraphDirectory, count: int
) -> None:
    users = guests_of_the_group(tenant, count)
    tenant.seed(administrativeUnits=[{"id": UNIT, "displayName": "Guests of Berlin", "members": users}])

    looks = await directory.get_guests(users)

    assert [look.groups for look in looks] == [{GROUP}] * count
    assert not any(look.has_role for look in looks)
    assert not any(look.has_more_than(GROUP) for look in looks)


async def test_a_directory_role_is_no_group_and_is_more_than_one(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    first, second = guests_of_the_group(tenant, 2)
    tenant.seed(directoryRoles=[{"id": ROLE, "displayName": "Directory Readers", "members": [first]}])

    looks = await directory.get_guests([first, second])

    assert [look.groups for look in looks] == [{GROUP}] * 2
    assert [look.has_role for look in looks] == [True, False]
    assert [look.has_more_than(GROUP) for look in looks] == [True, False]


async def test_the_directory_itself_refuses_an_app_that_would_delete_or_block_who_holds_a_role(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    users = guests_of_the_group(tenant, 1)
    tenant.seed(directoryRoles=[{"id": ROLE, "displayName": "Directory Readers", "members": users}])

    answers = [*await directory.delete_guests(users), *await directory.enable_guests(users, enabled=False)]

    assert [a.reason if isinstance(a, Declined) else a for a in answers] == [Reason.PERMISSION_MISSING] * 2
    assert [(look.exists, look.enabled) for look in await directory.get_guests(users)] == [(True, True)]


@pytest.mark.parametrize("count", [1, 2, 20])
async def test_who_is_no_guest_any_more_is_neither_removed_nor_blocked_nor_deleted(
    tenant: SimulatedTenant, directory: GraphDirectory, count: int
) -> None:
    """The others are, in the same call."""
    users = guests_of_the_group(tenant, count)
    facts = {"id": users[-1], "mail": "now@contoso.com", "userType": "Member"}
    tenant.seed(users=[facts | {"externalUserState": "PendingAcceptance"}])

    left = await directory.leave(GROUP, users)
    blocked = await directory.enable_guests(users, enabled=False)
    deleted = await directory.delete_guests(users)

    for answers in (left, blocked, deleted):
        assert [a.reason for a in answers if isinstance(a, Declined)] == [Reason.NOT_A_GUEST]
        assert isinstance(answers[-1], Declined)
    [*looks, look] = await directory.get_guests(users)
    assert not any(other.exists for other in looks)
    assert look == GuestLook(pending=True, is_guest=False, groups=frozenset({GROUP}))


async def test_an_account_of_the_tenant_was_never_a_guest(tenant: SimulatedTenant, directory: GraphDirectory) -> None:
    guests_of_the_group(tenant, 1)
    colleague = UserId(t.COLLEAGUE)
    tenant.seed(groups=[{"id": t.GUESTS, "displayName": "Travel guests", "members": [colleague]}])

    answers = [
        *await directory.leave(GROUP, [colleague]),
        *await directory.enable_guests([colleague], enabled=False),
        *await directory.delete_guests([colleague]),
    ]

    assert [a.reason for a in answers if isinstance(a, Declined)] == [Reason.NOT_A_GUEST] * 3
    assert (await directory.get_guests([colleague]))[0].groups == {GROUP}


async def test_where_nobody_can_say_who_is_a_guest_nothing_is_done(
    tenant: SimulatedTenant, directory: GraphDirectory
) -> None:
    users = guests_of_the_group(tenant, 2)
    tenant.fault(method="GET", path="^/users", status=503, times=3)

    for answers in (
        await directory.leave(GROUP, users),
        await directory.enable_guests(users, enabled=False),
        await directory.delete_guests(users),
    ):
        assert [type(a) for a in answers] == [Busy, Busy]

    assert [look.groups for look in await directory.get_guests(users)] == [{GROUP}] * 2
