"""One examination for every store of imports, of their files and of their chunks: in memory, and on Azurite."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient

from local.azurite import Azurite
from shared.core.addresses import parse_address
from shared.core.csv.dialect import detect
from shared.core.csv.records import Cursor
from shared.core.errors import Conflict, Refused
from shared.core.ids import GroupId, ImportId, InvitationId, chunk_id, new_id
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.imports.model.imports import Admission, Import, ImportState, Progress, Target, in_transactions
from shared.imports.ports import ImportStore
from shared.imports.rows import TableImportStore
from shared.invitations.model.invitations import Invitation, State, advance, count, failed
from shared.invitations.ports import Store
from shared.invitations.rows.store import TableStore
from shared.membership.model.apps import Policy
from shared.pace.import_pace import Limits, Refusal, due
from shared.pace.pacing import DayLimit, Pace
from shared.storage.accounts import CONNECTION, blob_service
from shared.storage.files import BlobFiles
from shared.storage.ports import Files
from tests.builders import NOW, OWNER, an_invitation
from tests.fakes.import_store import FakeFiles, FakeImportStore
from tests.fakes.store import FakeStore

MINUTE = timedelta(minutes=1)
PACE = Pace(60, MINUTE, burst=40)
LIMITS = Limits(PACE, Pace(6000, MINUTE, burst=1000))


@pytest.fixture(params=["memory", "azurite"])
def imports(request: pytest.FixtureRequest) -> ImportStore:
    return FakeImportStore() if request.param == "memory" else TableImportStore(request.getfixturevalue("tables"))


@pytest.fixture(params=["memory", "azurite"])
def store(request: pytest.FixtureRequest) -> Store:
    return FakeStore() if request.param == "memory" else TableStore(request.getfixturevalue("tables"))


@pytest.fixture
async def blobs(azurite: Azurite) -> AsyncIterator[BlobServiceClient]:
    async with blob_service({CONNECTION: azurite.connection_string}) as service:
        yield service


@pytest.fixture(params=["memory", "azurite"])
def files(request: pytest.FixtureRequest, blobs: BlobServiceClient) -> Files:
    return FakeFiles() if request.param == "memory" else BlobFiles(blobs)


@dataclass
class Chunk:
    """A chunk of an import of this test's own."""

    import_id: ImportId
    group: GroupId

    def rows(self, window: int = 0, guests: int = 3, kind: int = 0) -> list[Invitation]:
        chunk = chunk_id(self.import_id, window, kind)
        return [
            an_invitation(
                id=InvitationId(self.group, chunk, n),
                address=parse_address(f"g{window}-{n}@fabrikam.com"),
                import_id=self.import_id,
                line=2 + window * 20 + n,
            )
            for n in range(guests)
        ]


@pytest.fixture
def mine() -> Chunk:
    return Chunk(an_import_id(), GroupId(str(uuid.uuid4())))


def an_import_id() -> ImportId:
    return ImportId(new_id(NOW, uuid.uuid4().hex[:10]))


def an_import(**changes: object) -> Import:
    facts: dict[str, object] = {
        "id": an_import_id(),
        "group": GroupId(str(uuid.uuid4())),
        "file_name": "gäste.csv",
        "size": 123,
        "dialect": detect("Adresse;Name\na@fabrikam.com;Jürgen\n".encode("utf-16")),
        "creator": OWNER,
        "creator_name": "Olivia",
        "for_admin": True,
        "created_at": NOW,
        "digest": "d",
    }
    return Import(**(facts | changes))  # type: ignore[arg-type]


FULL = Progress(
    cursor=Cursor(99, 7, 8, True),
    pieces=3,
    windows=4,
    rows=90,
    bad={"row-invalid": 2},
    targets={
        GroupId("g"): Target("App", "https://link", (Policy(allowed_domains=("a.com",)),), Reason.GROUP_DYNAMIC)
    },
    all_read=True,
    wakes_at=NOW,
    why="the tenant's pace",
    made_until=NOW,
)


async def test_an_import_comes_back_as_it_was_written(imports: ImportStore) -> None:
    record = an_import(
        state=ImportState.PAUSED, finished_at=NOW, why="nobody answers for it", resumer=OWNER, resumer_name="Olivia"
    )
    await imports.create(record, FULL)

    stored = await imports.read(record.id)

    assert stored is not None
    assert (stored.record.value, stored.progress.value) == (record, FULL)
    assert await imports.read(an_import_id()) is None
    with pytest.raises(Conflict):
        await imports.create(record, FULL)


async def test_record_and_progress_are_guarded_each_for_itself(imports: ImportStore) -> None:
    record = an_import()
    await imports.create(record, Progress(record.dialect.start))
    stored = await imports.read(record.id)
    assert stored is not None

    await imports.save(replace(stored.record, value=replace(record, state=ImportState.CANCELLED)))
    await imports.save_progress(record.id, replace(stored.progress, value=FULL))

    with pytest.raises(Conflict):
        await imports.save(stored.record)
    with pytest.raises(Conflict):
        await imports.save_progress(record.id, stored.progress)
    again = await imports.read(record.id)
    assert again is not None
    assert (again.record.value.state, again.progress.value) == (ImportState.CANCELLED, FULL)


async def test_who_may_is_asked_by_one_of_all_who_want_to_know(imports: ImportStore) -> None:
    record, group, other = an_import(), GroupId("g"), GroupId("h")
    await imports.create(record, Progress(record.dialect.start))
    stored = await imports.read(record.id, group)
    assert stored is not None
    asks = replace(stored.admissions[group], value=Admission("1", NOW, asked_until=NOW + MINUTE))

    mine = await imports.save_admission(record.id, group, asks)
    with pytest.raises(Conflict):
        await imports.save_admission(record.id, group, asks)
    target = Target("App", "https://link", (Policy(allowed_domains=("a.com",)),))
    await imports.save_admission(record.id, group, replace(mine, value=Admission("1", NOW + MINUTE, target)))

    again = await imports.read(record.id, group)
    assert again is not None
    assert again.admissions[group].value == Admission("1", NOW + MINUTE, target)
    assert (again.record, again.progress) == (stored.record, stored.progress)
    of_other = await imports.read(record.id, other)
    assert of_other is not None
    assert of_other.admissions == {other: Versioned(Admission(), None)}


async def test_imports_of_a_group_are_listed_newest_first(imports: ImportStore) -> None:
    group = GroupId(str(uuid.uuid4()))
    ids = [ImportId(new_id(NOW + n * MINUTE, uuid.uuid4().hex[:10])) for n in range(3)]
    for import_id in ids:
        record = an_import(id=import_id, group=group)
        await imports.create(record, Progress(record.dialect.start))

    assert await imports.list_group(group, 2) == [ids[2], ids[1]]


async def test_open_imports_are_listed_when_their_time_has_come(imports: ImportStore) -> None:
    due, later, closed = an_import_id(), an_import_id(), an_import_id()
    await imports.open(due, NOW - MINUTE)
    await imports.open(later, NOW + MINUTE)
    await imports.open(closed, NOW - MINUTE)
    await imports.close(closed)
    await imports.close(closed)

    found = [i async for i in imports.list_open(due_before=NOW)]

    assert due in found
    assert not {later, closed} & set(found)
    await imports.close(due)


async def test_a_file_is_read_in_parts_and_forgotten(files: Files) -> None:
    import_id, content = an_import_id(), bytes(range(256)) * 9
    await files.write(import_id, content)
    await files.write(import_id, content)

    assert await files.read(import_id, 0, 10) == content[:10]
    assert await files.read(import_id, 250, 9_999) == content[250:]
    assert await files.read(import_id, len(content), 10) == b""
    await files.delete(import_id)
    await files.delete(import_id)
    with pytest.raises(Refused) as refused:
        await files.read(import_id, 0, 10)
    assert refused.value.reason is Reason.FILE_GONE


async def recount(store: Store, chunk: Chunk) -> Counter[str]:
    rows = await store.read_import_rows(chunk.import_id, chunk.group, after=None, limit=1000)
    return count(r.value for r in rows)


async def test_a_chunk_is_written_once_with_guards_mark_and_counters(store: Store, mine: Chunk) -> None:
    rows = mine.rows()
    await store.accept_import(rows, {}, NOW)
    with pytest.raises(Conflict):
        await store.accept_import(rows, {}, NOW)

    assert [r.value for r in await store.read_chunk(mine.group, rows[0].id.chunk)] == rows
    assert await store.list_open_of_import(mine.import_id, mine.group, due_before=None) == [rows[0].id.chunk]
    assert await store.list_open_of_import(mine.import_id, mine.group, due_before=NOW) == []
    assert dict((await store.read_counters(mine.import_id, mine.group)).counts) == {"accepted": 3}
    guards = await store.find_guards(mine.group, [i.address.key for i in rows] + ["nobody@fabrikam.com"])
    assert {key: g.invitation.id for key, g in guards.items()} == {i.address.key: i.id for i in rows}


async def test_chunks_are_written_together_and_one_that_is_there_keeps_the_others_out(
    store: Store, mine: Chunk
) -> None:
    first, second = mine.rows(0, guests=20), mine.rows(1, guests=20)
    [together] = in_transactions([first, second])

    await store.accept_import([i for chunk in together for i in chunk], {}, NOW)

    chunks = sorted(await store.list_open_of_import(mine.import_id, mine.group, due_before=None))
    assert chunks == [first[0].id.chunk, second[0].id.chunk]
    assert [r.value for r in await store.read_chunk(mine.group, chunks[1])] == second
    assert dict((await store.read_counters(mine.import_id, mine.group)).counts) == {"accepted": 40}
    third = mine.rows(2)
    with pytest.raises(Conflict):
        await store.accept_import([*second, *third], {}, NOW)
    assert await store.read_chunk(mine.group, third[0].id.chunk) == []


async def test_guards_of_earlier_invitations_are_found_and_replaced(store: Store, mine: Chunk) -> None:
    rows = mine.rows(guests=17)
    await store.accept_import(rows, {}, NOW)
    stored = await store.read_chunk(mine.group, rows[0].id.chunk)
    ended = [replace(r, value=failed(r.value, Reason.DOMAIN_BLOCKED, None, NOW)) for r in stored]
    await store.save(ended, before=rows, ends=True)
    later = [replace(i, id=replace(i.id, chunk=chunk_id(mine.import_id, 1, 0))) for i in rows]
    with pytest.raises(Conflict):
        await store.accept_import(later, {}, NOW)

    guards = await store.find_guards(mine.group, [i.address.key for i in later])
    await store.accept_import(later, guards, NOW)

    assert len(guards) == 17
    again = await store.find_guards(mine.group, [later[0].address.key])
    assert again[later[0].address.key].invitation.id == later[0].id


async def test_counters_change_with_the_records_and_the_mark_goes_with_the_last(store: Store, mine: Chunk) -> None:
    rows = mine.rows()
    await store.accept_import(rows, {}, NOW)
    stored = await store.read_chunk(mine.group, rows[0].id.chunk)
    first = await store.save(
        [replace(stored[0], value=failed(rows[0], Reason.OWN_DOMAIN, None, NOW))], before=rows[:1]
    )
    assert await store.list_open_of_import(mine.import_id, mine.group, due_before=None) != []
    joining = [advance(i, State.JOINING, NOW) for i in rows[1:]]
    saved = await store.save([replace(s, value=j) for s, j in zip(stored[1:], joining, strict=True)], before=rows[1:])
    members = [advance(i, State.MEMBER, NOW) for i in joining]
    with pytest.raises(Conflict):
        await store.save([replace(stored[1], value=members[0])], before=joining[:1])
    await store.save([replace(s, value=m) for s, m in zip(saved, members, strict=True)], before=joining, ends=True)

    reading = await store.read_counters(mine.import_id, mine.group)
    assert dict(reading.counts) == dict(await recount(store, mine))
    assert dict(reading.counts) == {"failed": 1, "reason:own-domain": 1, "member": 2, "final": 3}
    assert (reading.written, reading.final) == (3, 3)
    assert await store.list_open_of_import(mine.import_id, mine.group, due_before=None) == []
    assert first[0].value.state is State.FAILED


async def test_a_chunk_is_looked_at_again_only_while_it_is_open(store: Store, mine: Chunk) -> None:
    rows = mine.rows(guests=1)
    await store.accept_import(rows, {}, NOW)
    await store.reschedule(mine.group, rows[0].id.chunk, NOW + 9 * MINUTE)
    await store.reschedule(mine.group, chunk_id(mine.import_id, 7, 0), NOW)

    assert await store.list_open_of_import(mine.import_id, mine.group, due_before=NOW + 8 * MINUTE) == []
    assert await store.list_open_of_import(mine.import_id, mine.group, due_before=None) == [rows[0].id.chunk]


async def test_a_chunk_that_is_at_its_end_when_written_is_not_remembered(store: Store, mine: Chunk) -> None:
    rows = [failed(i, Reason.DUPLICATE_IN_FILE, None, NOW) for i in mine.rows()]

    await store.accept_import(rows, {}, NOW)

    assert await store.list_open_of_import(mine.import_id, mine.group, due_before=None) == []
    assert await store.find_guards(mine.group, [i.address.key for i in rows]) == {}


async def test_records_are_read_in_the_order_of_the_file(store: Store, mine: Chunk) -> None:
    other = Chunk(an_import_id(), mine.group)
    for window in (2, 0, 1):
        await store.accept_import(mine.rows(window), {}, NOW)
    await store.accept_import([replace(i, address=parse_address(f"o-{i.line}@a.com")) for i in other.rows()], {}, NOW)

    found = await store.read_import_rows(mine.import_id, mine.group, after=None, limit=100)
    behind = await store.read_import_rows(mine.import_id, mine.group, after=chunk_id(mine.import_id, 0, 0), limit=4)

    assert [r.value.line for r in found] == [2, 3, 4, 22, 23, 24, 42, 43, 44]
    assert [r.value.line for r in behind] == [22, 23, 24, 42]


async def test_the_pace_is_shared_by_all_who_ask_and_by_people(store: Store) -> None:
    at = NOW + timedelta(days=int(uuid.uuid4().hex[:4], 16))  # later than any other test's
    before = await store.read_import_pace(LIMITS, at)
    first, _ = await store.take_positions(LIMITS, [20, 20, 20], "one", at)
    [second], state = await store.take_positions(LIMITS, [20], "other", at)

    assert [position - before.line for position in (*first, second)] == [20, 40, 60, 80]
    assert due(state, LIMITS, second, at) == at + timedelta(seconds=40)
    await store.reserve("invitations", PACE, 20, at)
    _, after = await store.take_positions(LIMITS, [1], "one", at)
    assert state.served - after.served == pytest.approx(20 * 2 / 1.05), "people go first"
    refusal = Refusal(first[0], 20, 0, scattered=False, asked_at=at, retry_after=5 * MINUTE)
    position, refused = await store.note_refusal(LIMITS, refusal, at)
    assert refused == await store.read_import_pace(LIMITS, at)
    assert refused.held_until(at) == at + 5 * MINUTE
    assert due(refused, LIMITS, position, at) >= at + 5 * MINUTE


async def test_a_day_gives_what_is_left_of_it(store: Store) -> None:
    who, limit = f"inviter-{uuid.uuid4()}", DayLimit(30, 50)

    assert await store.take_of_day({who: limit}, 20, NOW) == 20
    assert await store.take_of_day({who: limit}, 20, NOW) == 10
    assert await store.take_of_day({who: limit}, 20, NOW) == 0
    assert await store.read_day({who: limit}, NOW + timedelta(days=1)) == 50


async def test_of_several_days_at_once_all_give_what_the_scarcest_has_or_none_gives_anything(store: Store) -> None:
    person, group = f"inviter-{uuid.uuid4()}", f"group-{uuid.uuid4()}"
    limits = {person: DayLimit(30, 30), group: DayLimit(20, 20)}

    assert await store.take_of_day(limits, 15, NOW) == 15
    assert await store.read_day(limits, NOW) == 5
    assert await store.take_of_day(limits, 15, NOW) == 5
    assert await store.take_of_day(limits, 1, NOW) == 0
    assert await store.read_day({person: limits[person]}, NOW) == 10


async def test_two_instances_that_take_at_once_take_no_more_than_there_is(tables: TableServiceClient) -> None:
    limits = {f"inviter-{uuid.uuid4()}": DayLimit(25, 25), f"group-{uuid.uuid4()}": DayLimit(100, 100)}
    instances = [TableStore(tables), TableStore(tables)]

    granted = await asyncio.gather(*(instances[n % 2].take_of_day(limits, 1, NOW) for n in range(40)))

    assert sum(granted) == 25
    assert await instances[0].read_day(limits, NOW) == 0


async def test_a_key_names_one_import_for_all_who_use_it(imports: ImportStore) -> None:
    key = uuid.uuid4().hex
    ids = [ImportId(new_id(NOW, f"{n:010x}")) for n in range(4)]

    named = await asyncio.gather(*(imports.name(key, fresh) for fresh in ids))

    assert len(set(named)) == 1
    assert named[0] in ids
    assert await imports.name(key, ids[3]) == named[0]
    assert await imports.name(uuid.uuid4().hex, ids[3]) == ids[3]


async def test_a_guard_remembers_the_import_behind_invitations_by_hand(store: Store, mine: Chunk) -> None:
    rows = mine.rows()
    await store.accept_import(rows, {}, NOW)
    stored = await store.read_chunk(mine.group, rows[0].id.chunk)
    ended = [replace(r, value=failed(r.value, Reason.DOMAIN_BLOCKED, None, NOW)) for r in stored]
    await store.save(ended, before=rows, ends=True)
    key = rows[0].address.key
    [guard] = (await store.find_guards(mine.group, [key])).values()
    assert (guard.import_id, guard.line) == (None, None)

    for n in range(2):
        by_hand = replace(rows[0], id=replace(rows[0].id, chunk=new_id(NOW, f"{n:010x}")), import_id=None, line=None)
        await store.accept([by_hand], None)
        [guard] = (await store.find_guards(mine.group, [key])).values()
        assert guard.invitation.id == by_hand.id
        assert (guard.import_id, guard.line) == (mine.import_id, rows[0].line)
        [there] = await store.read_chunk(mine.group, by_hand.id.chunk)
        await store.save([replace(there, value=failed(there.value, Reason.DOMAIN_BLOCKED, None, NOW))])
