"""The link that redeems an invitation: whoever has it can accept in the guest's place."""

import pytest

from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.invitations.commands import ShowInvitations
from shared.invitations.model.invitations import State
from tests.builders import GROUP, STRANGER, a_caller, an_app, an_invitation
from tests.unit.world import World

LINK = "https://login.microsoftonline.com/redeem?rd=secret"
ROBOT = UserId("0ad00000-0000-4000-8000-000000000002")


async def invited_by(world: World, inviter: UserId) -> ShowInvitations:
    invitation = an_invitation(state=State.INVITED, redeem_url=LINK, inviter_id=inviter)
    await world.store.accept([invitation], None)
    return ShowInvitations(world.access, world.store)


@pytest.mark.parametrize(
    ("caller", "is_given"),
    [
        (a_caller(), True),
        (a_caller(STRANGER, "Admin"), True),
        (a_caller(STRANGER, "Auditor"), False),
    ],
    ids=["owner", "admin", "auditor"],
)
async def test_the_link_is_not_given_to_who_only_reads(world: World, caller: Caller, is_given: bool) -> None:
    show, link = await invited_by(world, ROBOT), LINK if is_given else None

    assert (await show.one(an_invitation().id, caller)).redeem_url == link
    page = await show.of_group(GROUP, caller, state=None, continuation=None, limit=10)
    assert [i.redeem_url for i in page.invitations] == [link]


async def test_an_app_sees_what_it_asked_for_without_the_link(world: World) -> None:
    world.setups.put(an_app(inviters=(ROBOT,)))
    show = await invited_by(world, ROBOT)

    shown = await show.one(an_invitation().id, a_caller(ROBOT, "Inviter", is_app=True))

    assert (shown.inviter_id, shown.redeem_url) == (ROBOT, None)


async def test_who_invited_once_and_does_not_own_the_group_any_more_sees_nothing(world: World) -> None:
    show = await invited_by(world, STRANGER)

    with pytest.raises(Refused) as refused:
        await show.one(an_invitation().id, a_caller(STRANGER))
    assert refused.value.reason is Reason.INVITATION_MISSING
