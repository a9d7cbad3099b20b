"""Asking for a guest: what is refused, what is written, what a repeat gives."""

from datetime import timedelta

import pytest

from shared.core.errors import Refused, StorageBusy
from shared.core.reasons import Reason
from shared.invitations.accept import NewInvitation
from shared.invitations.model.invitations import State
from shared.messages.commands import InviteChunk
from tests.builders import GROUP, STRANGER, a_caller, a_group
from tests.unit.world import World


def new(address: str = "ada@fabrikam.com", message: str | None = None, digest: str = "d") -> NewInvitation:
    return NewInvitation(GROUP, address, None, message, None, digest)


async def test_what_is_accepted_is_written_and_set_going(world: World) -> None:
    made = await world.accept(new(message=" Welcome! "), a_caller(), None)

    assert (world.row().id, world.row().state, world.row().message) == (made, State.ACCEPTED, "Welcome!")
    assert world.outbox.sent == [(InviteChunk(GROUP, made.chunk), None)]
    assert list(world.store.open_chunks.opened) == [(GROUP, made.chunk)]
    assert world.directory.calls == ["read_group"]


@pytest.mark.parametrize(
    ("request_", "caller", "group", "reason"),
    [
        (new("nobody"), a_caller(), a_group(), Reason.ADDRESS_INVALID),
        (new("a+b@fabrikam.com"), a_caller(), a_group(), Reason.ADDRESS_UNSUPPORTED),
        (new(message="x" * 101), a_caller(), a_group(), Reason.MESSAGE_TOO_LONG),
        (new(), a_caller(STRANGER), a_group(), Reason.NOT_OWNER),
        (new(), a_caller(STRANGER), a_group(group_types=frozenset({"DynamicMembership"})), Reason.NOT_OWNER),
        (new(), a_caller(), a_group(group_types=frozenset({"DynamicMembership"})), Reason.GROUP_DYNAMIC),
        (new(), a_caller(), a_group(synced=True), Reason.GROUP_SYNCED),
        (new(), a_caller(), a_group(mail_enabled=True), Reason.GROUP_MAIL_ENABLED),
        (new(), a_caller(), a_group(role_assignable=True), Reason.GROUP_ROLE_ASSIGNABLE),
        (new(), a_caller(), None, Reason.GROUP_MISSING),
    ],
)
async def test_what_is_refused_leaves_no_trace(  # type: ignore[no-untyped-def]
    world: World, request_, caller, group, reason: Reason
) -> None:
    world.directory.groups = {GROUP: group} if group else {}

    with pytest.raises(Refused) as refused:
        await world.accept(request_, caller, "key")

    assert refused.value.reason is reason
    assert (world.store.rows, world.store.keys, world.outbox.sent, world.store.open_chunks.opened) == ({}, {}, [], {})


async def test_a_message_without_a_sender_is_an_error_at_the_request(world: World) -> None:
    world.mailer = None

    with pytest.raises(Refused) as refused:
        await world.accept(new(message="hi"), a_caller(), None)

    assert refused.value.reason is Reason.NO_MAIL_SENDER


async def test_the_same_key_and_body_give_the_same_invitation_once(world: World) -> None:
    first = await world.accept(new(), a_caller(), "key")
    second = await world.accept(new(), a_caller(), "key")

    assert first == second
    assert (len(world.store.rows), len(world.outbox.sent)) == (1, 1)


async def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    await world.accept(new(), a_caller(), "key")

    with pytest.raises(Refused) as refused:
        await world.accept(new("eve@fabrikam.com", digest="other"), a_caller(), "key")

    assert refused.value.reason is Reason.IDEMPOTENCY_KEY_REUSED


async def test_keys_of_two_callers_do_not_meet(world: World) -> None:
    await world.accept(new(), a_caller(), "key")

    other = await world.accept(new("eve@fabrikam.com", digest="other"), a_caller(STRANGER, "Admin"), "key")

    assert other in world.store.rows


async def test_a_mended_request_may_use_its_key_again(world: World) -> None:
    with pytest.raises(Refused):
        await world.accept(new("nobody", digest="wrong"), a_caller(), "key")

    assert await world.accept(new(), a_caller(), "key") in world.store.rows


async def test_a_guest_under_way_is_not_invited_again_and_the_answer_says_where_to_look(world: World) -> None:
    first = await world.accept(new(), a_caller(), None)

    with pytest.raises(Refused) as refused:
        await world.accept(new("ADA@fabrikam.com"), a_caller(), None)

    assert (refused.value.reason, refused.value.location) == (Reason.INVITATION_UNDER_WAY, str(first))


async def test_taken_is_taken_even_where_the_queue_is_down(world: World) -> None:
    world.outbox.fails = True
    made = await world.accept(new(), a_caller(), None)
    world.outbox.fails = False

    world.clock.advance(timedelta(minutes=2))
    await world.sweep()

    assert [command for command, _ in world.outbox.sent] == [InviteChunk(GROUP, made.chunk)]


@pytest.mark.parametrize("method", ["claim_key", "open", "accept"])
async def test_where_storage_is_busy_nothing_is_taken_and_the_key_is_free(world: World, method: str) -> None:
    world.store.fail_next = [method]

    with pytest.raises(StorageBusy):
        await world.accept(new(), a_caller(), "key")

    assert (world.store.rows, world.outbox.sent) == ({}, [])
    assert await world.accept(new(), a_caller(), "key") in world.store.rows
