"""One examination for every store: the one in memory that unit tests use, and the real one on Azurite."""

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables.aio import TableServiceClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.addresses import Address, parse_address
from shared.core.errors import Conflict, Refused
from shared.core.ids import GroupId, InvitationId, UserId, new_id
from shared.core.reasons import Reason
from shared.core.records import Stop
from shared.core.versions import Versioned
from shared.invitations.model.invitations import Invitation, State, advance
from shared.invitations.ports import KeyClaim, Store
from shared.invitations.rows.invitations import from_row, to_row
from shared.invitations.rows.store import TableStore
from shared.pace.pacing import Breaker, Pace, trip
from shared.storage.records import UnreadableRow
from tests.builders import CHUNK, GROUP, NOW, OWNER, an_invitation
from tests.fakes.store import FakeStore

LEASE, KEPT = timedelta(minutes=1), timedelta(hours=48)


@pytest.fixture(params=["memory", "azurite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield FakeStore()
    else:
        yield TableStore(request.getfixturevalue("tables"))


@pytest.fixture
def group() -> GroupId:
    return GroupId(str(uuid.uuid4()))


def chunk_of(group: GroupId, count: int = 1, seconds: int = 0, **changes: object) -> list[Invitation]:
    chunk = new_id(NOW + timedelta(seconds=seconds), uuid.uuid4().hex[:10])
    return [
        an_invitation(
            n, id=InvitationId(group, chunk, n), address=parse_address(f"g{n}-{chunk}@fabrikam.com"), **changes
        )
        for n in range(count)
    ]


async def claim(
    store: Store, group: GroupId, body: str = "body", digest: str = "key", after: timedelta = timedelta()
) -> KeyClaim | InvitationId:
    return await store.claim_key(group, digest, body, now=NOW + after, lease=LEASE, kept=KEPT)


async def under_way(store: Store, group: GroupId, address_keys: list[str]) -> dict[str, InvitationId]:
    found = await store.find_guards(group, address_keys)
    return {key: guard.invitation.id for key, guard in found.items() if not guard.invitation.is_final}


async def refusal(claiming: Awaitable[object]) -> Reason:
    with pytest.raises(Refused) as refused:
        await claiming
    return refused.value.reason


async def claimed(store: Store, group: GroupId) -> KeyClaim:
    answer = await claim(store, group)
    assert isinstance(answer, KeyClaim)
    return answer


async def test_a_chunk_is_read_as_it_was_accepted(store: Store, group: GroupId) -> None:
    invitations = chunk_of(group, 20)

    await store.accept(invitations, None)

    rows = await store.read_chunk(group, invitations[0].id.chunk)
    assert [row.value for row in rows] == invitations
    assert await store.read(invitations[3].id) == invitations[3]


async def test_what_is_not_there_is_not_found(store: Store, group: GroupId) -> None:
    [invitation] = chunk_of(group)

    assert await store.read(invitation.id) is None
    assert await store.read_chunk(group, invitation.id.chunk) == []
    assert (await store.list_group(group, state=None, continuation=None, limit=5)).invitations == []


async def test_an_address_under_way_cannot_be_accepted_again(store: Store, group: GroupId) -> None:
    [first] = chunk_of(group)
    [second] = chunk_of(group)
    second = replace(second, address=first.address)
    await store.accept([first], None)

    with pytest.raises(Conflict):
        await store.accept([second], None)

    assert await under_way(store, group, [first.address.key]) == {first.address.key: first.id}
    assert await store.read(second.id) is None


async def test_an_address_whose_invitation_ended_can_be_accepted_again(store: Store, group: GroupId) -> None:
    [first] = chunk_of(group, state=State.FAILED)
    [second] = chunk_of(group)
    second = replace(second, address=first.address)
    await store.accept([first], None)

    await store.accept([second], None)

    assert await under_way(store, group, [first.address.key]) == {first.address.key: second.id}


async def test_of_many_requests_for_one_address_exactly_one_is_accepted(store: Store, group: GroupId) -> None:
    address = parse_address("ada@fabrikam.com")
    rivals = [[replace(chunk_of(group)[0], address=address)] for _ in range(8)]

    results = await asyncio.gather(*(store.accept(r, None) for r in rivals), return_exceptions=True)

    assert sorted(type(r).__name__ for r in results) == ["Conflict"] * 7 + ["NoneType"]
    assert len((await store.list_group(group, state=None, continuation=None, limit=50)).invitations) == 1


async def test_a_chunk_with_an_address_twice_is_not_written(store: Store, group: GroupId) -> None:
    first, second = chunk_of(group, 2)

    with pytest.raises(Conflict):
        await store.accept([first, replace(second, address=first.address)], None)

    assert await store.read_chunk(group, first.id.chunk) == []


async def test_one_address_under_way_keeps_the_whole_chunk_from_being_written(store: Store, group: GroupId) -> None:
    [there] = chunk_of(group)
    await store.accept([there], None)
    invitations = chunk_of(group, 3)
    invitations[2] = replace(invitations[2], address=there.address)

    with pytest.raises(Conflict):
        await store.accept(invitations, None)

    assert await store.read_chunk(group, invitations[0].id.chunk) == []
    assert await under_way(store, group, [invitations[0].address.key]) == {}


async def test_one_address_may_be_under_way_to_several_groups(store: Store, group: GroupId) -> None:
    [here] = chunk_of(group)
    [there] = chunk_of(GroupId(str(uuid.uuid4())))
    there = replace(there, address=here.address)

    await store.accept([here], None)
    await store.accept([there], None)

    assert await under_way(store, group, [here.address.key]) == {here.address.key: here.id}


async def test_of_many_requests_after_an_invitation_ended_exactly_one_is_accepted(
    store: Store, group: GroupId
) -> None:
    [ended] = chunk_of(group, state=State.FAILED)
    await store.accept([ended], None)
    rivals = [[replace(chunk_of(group)[0], address=ended.address)] for _ in range(8)]

    results = await asyncio.gather(*(store.accept(r, None) for r in rivals), return_exceptions=True)

    assert sorted(type(r).__name__ for r in results) == ["Conflict"] * 7 + ["NoneType"]


async def test_a_chunk_accepted_twice_is_a_conflict(store: Store, group: GroupId) -> None:
    invitations = chunk_of(group, 2)
    await store.accept(invitations, None)

    with pytest.raises(Conflict):
        await store.accept(invitations, None)


async def test_what_was_never_accepted_cannot_be_saved(store: Store, group: GroupId) -> None:
    here, gone = chunk_of(group), chunk_of(group)
    await store.accept(here, None)
    [row] = await store.read_chunk(group, here[0].id.chunk)

    with pytest.raises(Conflict):
        await store.save([Versioned(gone[0], row.version)])

    assert await store.save([]) == []


async def test_a_field_set_to_none_is_gone_after_a_save(store: Store, group: GroupId) -> None:
    [full] = chunk_of(group, claimed_until=NOW, detail="why", reason=Reason.DIRECTORY_BUSY, mail_handle="m1")
    await store.accept([full], None)
    [row] = await store.read_chunk(group, full.id.chunk)

    await store.save([Versioned(advance(row.value, State.INVITING, NOW, mail_handle=None), row.version)])

    there = await store.read(full.id)
    assert there is not None
    assert (there.claimed_until, there.detail, there.reason, there.mail_handle) == (None, None, None, None)


async def test_a_save_gives_versions_that_the_next_save_needs(store: Store, group: GroupId) -> None:
    invitations = chunk_of(group, 3)
    await store.accept(invitations, None)
    rows = await store.read_chunk(group, invitations[0].id.chunk)

    saved = await store.save([Versioned(advance(r.value, State.INVITING, NOW), r.version) for r in rows[:2]])
    again = await store.save([Versioned(advance(r.value, State.FAILED, NOW), r.version) for r in saved])

    assert [r.value.state for r in await store.read_chunk(group, invitations[0].id.chunk)] == [
        State.FAILED,
        State.FAILED,
        State.ACCEPTED,
    ]
    assert {r.version for r in again}.isdisjoint({r.version for r in rows})


async def test_one_stale_row_keeps_the_whole_save_from_happening(store: Store, group: GroupId) -> None:
    invitations = chunk_of(group, 3)
    await store.accept(invitations, None)
    rows = await store.read_chunk(group, invitations[0].id.chunk)
    await store.save([Versioned(advance(rows[2].value, State.FAILED, NOW), rows[2].version)])

    with pytest.raises(Conflict):
        await store.save([Versioned(advance(r.value, State.INVITING, NOW), r.version) for r in rows])

    states = [r.value.state for r in await store.read_chunk(group, invitations[0].id.chunk)]
    assert states == [State.ACCEPTED, State.ACCEPTED, State.FAILED]


async def test_of_many_saves_from_one_reading_exactly_one_happens(store: Store, group: GroupId) -> None:
    invitations = chunk_of(group)
    await store.accept(invitations, None)
    [row] = await store.read_chunk(group, invitations[0].id.chunk)
    mine = [Versioned(advance(row.value, State.INVITING, NOW, detail=str(n)), row.version) for n in range(8)]

    results = await asyncio.gather(*(store.save([m]) for m in mine), return_exceptions=True)

    assert sum(not isinstance(r, Exception) for r in results) == 1


async def test_a_group_lists_newest_first_page_by_page(store: Store, group: GroupId) -> None:
    chunks = [chunk_of(group, 3, seconds=n) for n in range(4)]
    for chunk in chunks:
        await store.accept(chunk, None)

    seen, continuation = [], None
    for _ in range(10):
        page = await store.list_group(group, state=None, continuation=continuation, limit=5)
        seen += page.invitations
        continuation = page.continuation
        if continuation is None:
            break

    assert [i.id for i in seen] == [i.id for chunk in reversed(chunks) for i in chunk]


async def test_a_list_can_be_of_one_state(store: Store, group: GroupId) -> None:
    chunks = [chunk_of(group, 1, seconds=n, state=State.FAILED if n % 2 else State.ACCEPTED) for n in range(6)]
    for chunk in chunks:
        await store.accept(chunk, None)

    page = await store.list_group(group, state=State.FAILED, continuation=None, limit=2)
    rest = await store.list_group(group, state=State.FAILED, continuation=page.continuation, limit=2)

    assert [i.id for i in page.invitations + rest.invitations] == [chunks[n][0].id for n in (5, 3, 1)]
    assert rest.continuation is None


@pytest.mark.parametrize("text", ["x", "====", "ä", "aS0x", "' or 1 eq 1"])
async def test_a_continuation_never_given_out_is_refused(store: Store, group: GroupId, text: str) -> None:
    with pytest.raises(Refused, match="never given out"):
        await store.list_group(group, state=None, continuation=text, limit=5)


async def test_a_key_is_claimed_once_and_replayed_after_it_is_completed(store: Store, group: GroupId) -> None:
    first = await claimed(store, group)
    assert await refusal(claim(store, group)) is Reason.IDEMPOTENCY_KEY_IN_FLIGHT
    assert await refusal(claim(store, group, "other")) is Reason.IDEMPOTENCY_KEY_REUSED
    invitations = chunk_of(group)

    await store.accept(invitations, first)

    assert await claim(store, group) == invitations[0].id
    assert await refusal(claim(store, group, "other")) is Reason.IDEMPOTENCY_KEY_REUSED


async def test_a_completed_key_is_not_given_back(store: Store, group: GroupId) -> None:
    first = await claimed(store, group)
    invitations = chunk_of(group)
    await store.accept(invitations, first)

    await store.release_key(first)

    assert await claim(store, group) == invitations[0].id


async def test_a_key_given_back_can_be_claimed_with_another_body(store: Store, group: GroupId) -> None:
    await store.release_key(await claimed(store, group))

    assert isinstance(await claim(store, group, "mended"), KeyClaim)


async def test_a_lost_claim_keeps_its_chunk_from_being_written(store: Store, group: GroupId) -> None:
    lost = await claimed(store, group)
    taken_over = await claim(store, group, after=LEASE + timedelta(seconds=1))
    assert isinstance(taken_over, KeyClaim)
    invitations = chunk_of(group)

    with pytest.raises(Conflict):
        await store.accept(invitations, lost)

    assert await store.read(invitations[0].id) is None


async def test_a_key_is_forgotten_when_its_time_is_over(store: Store, group: GroupId) -> None:
    first = await claimed(store, group)
    await store.accept(chunk_of(group), first)

    assert isinstance(await claim(store, group, "other", after=KEPT + timedelta(seconds=1)), KeyClaim)


async def test_of_many_claims_at_once_exactly_one_wins(store: Store, group: GroupId) -> None:
    answers = await asyncio.gather(*(claim(store, group) for _ in range(8)), return_exceptions=True)

    assert len([a for a in answers if isinstance(a, KeyClaim)]) == 1
    refused = [a.reason for a in answers if isinstance(a, Refused)]
    assert refused == [Reason.IDEMPOTENCY_KEY_IN_FLIGHT] * 7


async def test_open_chunks_are_listed_when_it_is_time_to_look(store: Store, group: GroupId) -> None:
    [now], [later] = chunk_of(group), chunk_of(group)
    await store.open_chunks.open((group, now.id.chunk), NOW)
    await store.open_chunks.open((group, later.id.chunk), NOW)
    await store.open_chunks.open((group, later.id.chunk), NOW + timedelta(hours=1))

    async def listed() -> set[str]:
        found = store.open_chunks.list_open(due_before=NOW + timedelta(minutes=1))
        return {chunk async for there, chunk in found if there == group}

    assert await listed() == {now.id.chunk}
    await store.open_chunks.close((group, now.id.chunk))
    await store.open_chunks.close((group, now.id.chunk))
    assert await listed() == set()


async def test_the_breaker_is_written_only_by_who_read_it_last(store: Store) -> None:
    read = await store.read_breaker()
    opened = trip(read.value, "suspicious", NOW, timedelta(minutes=30))
    await store.write_breaker(replace(read, value=opened))

    with pytest.raises(Conflict):
        await store.write_breaker(replace(read, value=Breaker()))

    there = await store.read_breaker()
    assert there.value == opened
    await store.write_breaker(replace(there, value=Breaker()))
    assert not (await store.read_breaker()).value.is_open


async def test_the_stop_is_written_only_by_who_read_it_last(store: Store) -> None:
    read = await store.read_stop()
    stopped = Stop(True, NOW, OWNER, "Olivia Owner", "Odd invitations")
    await store.write_stop(replace(read, value=stopped))

    with pytest.raises(Conflict):
        await store.write_stop(replace(read, value=Stop()))

    there = await store.read_stop()
    assert there.value == stopped
    await store.write_stop(replace(there, value=Stop(False, NOW, OWNER, "Olivia Owner")))
    assert not (await store.read_stop()).value.is_on


async def test_a_lane_lets_a_burst_go_at_once_and_then_keeps_its_pace(store: Store) -> None:
    lane, pace = f"lane-{uuid.uuid4().hex}", Pace(60, timedelta(minutes=1), burst=20)

    starts = [await store.reserve(lane, pace, 10, NOW) for _ in range(4)]

    assert starts == [NOW, NOW, NOW + timedelta(seconds=10), NOW + timedelta(seconds=20)]


async def test_reservations_of_several_instances_do_not_overlap(tables: TableServiceClient) -> None:
    lane, pace = f"lane-{uuid.uuid4().hex}", Pace(60, timedelta(minutes=1), burst=1)
    instances = [TableStore(tables) for _ in range(3)]

    starts = await asyncio.gather(*(s.reserve(lane, pace, 1, NOW) for s in instances for _ in range(8)))

    assert sorted(starts) == [NOW + timedelta(seconds=n) for n in range(24)]


async def test_reservations_at_once_do_not_overlap(store: Store) -> None:
    lane, pace = f"lane-{uuid.uuid4().hex}", Pace(60, timedelta(minutes=1), burst=1)

    starts = await asyncio.gather(*(store.reserve(lane, pace, 1, NOW) for _ in range(6)))

    assert sorted(starts) == [NOW + timedelta(seconds=n) for n in range(6)]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
optional_texts = st.none() | texts
times = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
any_invitation = st.builds(
    Invitation,
    id=st.just(InvitationId(GROUP, CHUNK, 7)),
    address=st.builds(Address, texts, texts, texts),
    display_name=optional_texts,
    message=optional_texts,
    language=optional_texts,
    inviter_id=texts.map(UserId),
    inviter_name=texts,
    app_name=texts,
    direct_link=texts,
    created_at=times,
    updated_at=times,
    state=st.sampled_from(State),
    reason=st.none() | st.sampled_from(Reason),
    detail=optional_texts,
    claimed_until=st.none() | times,
    effect_since=st.none() | times,
    user_id=st.none() | texts.map(UserId),
    redeem_url=optional_texts,
    already_in_directory=st.booleans(),
    already_member=st.booleans(),
    mail_handle=optional_texts,
)


@settings(deadline=None)
@given(any_invitation)
def test_any_invitation_survives_being_a_row(invitation: Invitation) -> None:
    assert from_row(to_row(invitation)) == invitation


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(invitation=any_invitation)
async def test_any_invitation_survives_storage(tables: TableServiceClient, invitation: Invitation) -> None:
    store = TableStore(tables)
    invitation = replace(invitation, id=chunk_of(GroupId(str(uuid.uuid4())))[0].id)

    await store.accept([invitation], None)

    assert await store.read(invitation.id) == invitation


async def test_texts_as_long_as_a_column_can_be_survive_storage(store: Store, group: GroupId) -> None:
    # A column holds 64 KiB of UTF-16. Source: Table service data model.
    invitations = [replace(i, message="ä" * 32_768) for i in chunk_of(group, 4)]

    await store.accept(invitations, None)

    assert [r.value for r in await store.read_chunk(group, invitations[0].id.chunk)] == invitations


STATES = [State.ACCEPTED, State.INVITING, State.PARKED]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    limits=st.lists(st.integers(1, 8), min_size=1, max_size=4), state=st.sampled_from([None, *STATES, State.MAILED])
)
async def test_pages_of_any_size_give_each_invitation_once_and_in_order(
    store: Store, group: GroupId, limits: list[int], state: State | None
) -> None:
    # The examples of one run share their group.
    if not (await store.list_group(group, state=None, continuation=None, limit=1)).invitations:
        for n in range(6):
            chunk = chunk_of(group, 3, seconds=n)
            await store.accept([replace(i, state=STATES[(n + i.id.position) % 3]) for i in chunk], None)
    whole = (await store.list_group(group, state=None, continuation=None, limit=100)).invitations
    assert len(whole) == 18

    seen: list[Invitation] = []
    continuation = None
    for limit in itertools.cycle(limits):
        page = await store.list_group(group, state=state, continuation=continuation, limit=limit)
        seen += page.invitations
        continuation = page.continuation
        assert len(page.invitations) == limit or continuation is None
        if continuation is None:
            break

    assert seen == [i for i in whole if state in (None, i.state)]


def test_columns_of_a_newer_version_are_passed_over() -> None:
    invitation = an_invitation()

    assert from_row(to_row(invitation) | {"ColumnOfTomorrow": 1}) == invitation


def test_a_row_of_a_newer_schema_is_not_guessed_at() -> None:
    with pytest.raises(UnreadableRow, match="schema 2"):
        from_row(to_row(an_invitation()) | {"SchemaVersion": 2})
