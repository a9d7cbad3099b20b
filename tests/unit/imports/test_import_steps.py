"""Bulk import in memory: reading on however often a delivery dies, pace, days, pause, and the chunk's one breath."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.addresses import parse_address
from shared.core.clock import Timing
from shared.core.csv.dialect import detect
from shared.core.errors import StorageBusy
from shared.core.features import ALL, Feature, Features
from shared.core.ids import GroupId, ImportId, InvitationId, UserId
from shared.core.reasons import Reason
from shared.core.results import Busy, Exists, Lagging
from shared.imports.admissions import Admissions
from shared.imports.authority import Authority
from shared.imports.chunk import ImportChunkStep
from shared.imports.model.imports import Import, ImportState, Progress, Rules, Target
from shared.imports.model.settings import ImportSettings
from shared.imports.split import SplitImportStep
from shared.imports.start import PreviewImport, Upload
from shared.imports.sweep import CheckImport
from shared.imports.undo import UndoImportStep
from shared.invitations.chunk import ChunkStep
from shared.invitations.model.invitations import State, count
from shared.invitations.take_back import DeleteUnused
from shared.membership.access import Access
from shared.messages.commands import ImportChunk, JoinChunk, MailChunk, SplitImport, UndoImport
from shared.messages.outcomes import Outcome
from shared.messages.sweep import Sweep
from shared.pace.pacing import DayLimit, Pace
from tests.builders import CHUNK, GROUP, NOW, OWNER, TENANT, a_caller, a_group, an_app, an_invitation
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory
from tests.fakes.import_store import FakeFiles, FakeImportStore
from tests.fakes.mailer import FakeMailer, FakeMailText
from tests.fakes.outbox import FakeOutbox
from tests.fakes.principals import FakePrincipals
from tests.fakes.setup_store import FakeSetupStore
from tests.fakes.store import FakeStore

IMPORT = ImportId("fe62a1b2c3d40123456789")
ELSEWHERE = GroupId("22222222-2222-4222-8222-222222222223")
MANY = DayLimit(10**6, 10**6)
WIDE = ImportSettings(
    pace=Pace(60_000, timedelta(minutes=1), burst=10_000), per_tenant=MANY, per_inviter=MANY, per_group=MANY
)


@dataclass
class Files:
    """An import of this content, and the steps that work on it."""

    content: bytes
    settings: ImportSettings = WIDE
    directory: FakeDirectory = field(default_factory=lambda: FakeDirectory(groups={GROUP: a_group()}))
    store: FakeStore = field(default_factory=FakeStore)
    setups: FakeSetupStore = field(default_factory=lambda: FakeSetupStore().put(an_app()))
    principals: FakePrincipals = field(default_factory=FakePrincipals)
    imports: FakeImportStore = field(default_factory=FakeImportStore)
    files: FakeFiles = field(default_factory=FakeFiles)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    clock: FakeClock = field(default_factory=FakeClock)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    timing: Timing = field(default_factory=Timing)

    @property
    def access(self) -> Access:
        return Access(self.directory, self.setups, self.clock, self.principals)

    @property
    def admissions(self) -> Admissions:
        return Admissions(Authority(self.access, self.imports, TENANT), self.imports, self.clock)

    @property
    def split(self) -> SplitImportStep:
        rules = Rules(100, sends_own_mail=True)
        return SplitImportStep(
            self.imports,
            self.files,
            self.store,
            self.outbox,
            self.clock,
            self.timing,
            self.settings,
            rules,
            self.admissions,
        )

    @property
    def chunk(self) -> ImportChunkStep:
        guests = ChunkStep(
            self.directory,
            self.store,
            self.clock,
            self.timing,
            self.settings.pace,
            self.access,
            self.mailer,
            FakeMailText(),
        )
        return ImportChunkStep(guests, self.imports, self.settings, self.admissions)

    @property
    def sweep(self) -> Sweep[ImportId]:
        look = CheckImport(self.imports, self.store, self.files, self.timing, self.settings)
        return Sweep(self.imports, look, self.outbox, self.clock)

    async def given(self, **changes: Any) -> "Files":
        dialect = detect(self.content)
        record = Import(IMPORT, GROUP, "f.csv", len(self.content), dialect, OWNER, "Olivia", False, NOW, "d")
        self.files.kept[IMPORT] = self.content
        target = Target("Contoso Travel", "https://link")
        progress = Progress(dialect.start, targets={GROUP: target})
        await self.imports.create(replace(record, **changes), progress)
        await self.imports.open(IMPORT, NOW)
        return self

    @property
    def progress(self) -> Progress:
        return self.imports.imports[IMPORT].progress.value

    @property
    def chunks(self) -> list[ImportChunk]:
        """The chunks that were sent, each once, in the order of the file."""
        sent = {c.chunk: c for c, _ in self.outbox.sent if isinstance(c, ImportChunk)}
        return [sent[chunk] for chunk in sorted(sent)]

    async def read_all(self) -> None:
        outcome = await self.split(SplitImport(IMPORT, self.progress.pieces))
        while not self.progress.all_read:
            if outcome.later is not None:
                self.clock.time = max(self.clock.time, outcome.later.not_before)
            outcome = await self.split(SplitImport(IMPORT, self.progress.pieces))

    async def to_its_end(self, outcome: Outcome) -> None:
        """Deliver a chunk until it asks for nothing later, the clock jumping to what it waits for."""
        for _ in range(20):
            later = outcome.later
            if later is None:
                return
            self.clock.time = max(self.clock.time, later.not_before)
            assert isinstance(later.command, ImportChunk)
            outcome = await self.chunk(later.command)
        raise AssertionError("the chunk still waits")

    def rows(self) -> dict[str, tuple[int | None, str]]:
        return {str(i): (r.value.line, r.value.address.key) for i, r in sorted(self.store.rows.items(), key=str)}


def a_file(rows: int, bad_every: int = 7) -> bytes:
    lines = [f"g{n}@fabrikam.com" if n % bad_every else "nobody" for n in range(1, rows + 1)]
    return ("address\n" + "\n".join(lines) + "\n").encode()


async def test_every_row_has_one_outcome() -> None:
    world = await Files(a_file(100)).given()

    await world.read_all()

    bad = 100 // 7
    assert (world.progress.rows, sum(world.progress.bad.values())) == (100, bad)
    assert len(world.store.rows) == 100 - bad
    assert dict(world.store.counters[IMPORT, GROUP]) == dict(count(r.value for r in world.store.rows.values()))
    assert len(world.chunks) == len(world.store.marks) == 5


@settings(max_examples=30, deadline=None)
@given(
    deaths=st.lists(st.sampled_from(["accept_import", "take_positions"]), max_size=8),
    pieces=st.integers(1, 9),
    rows=st.integers(1, 130),
)
async def test_a_delivery_may_die_anywhere_and_the_rows_are_the_same(
    deaths: list[str], pieces: int, rows: int
) -> None:
    calm = await Files(a_file(rows)).given()
    await calm.read_all()
    burst = replace(WIDE.pace, burst=20 * pieces, per=60)
    world = await Files(a_file(rows), settings=replace(WIDE, pace=burst)).given()
    world.store.fail_next = list(deaths)
    for _ in range(len(deaths) * 2 + 200):
        if world.progress.all_read:
            break
        try:
            outcome = await world.split(SplitImport(IMPORT, world.progress.pieces))
        except StorageBusy:
            continue
        if outcome.later is not None:
            world.clock.time = max(world.clock.time, outcome.later.not_before)

    assert world.progress.all_read
    assert world.rows() == calm.rows()
    assert (world.progress.rows, world.progress.bad) == (calm.progress.rows, calm.progress.bad)
    assert world.store.counters == calm.store.counters
    assert {c.chunk for c in world.chunks} == {c.chunk for c in calm.chunks}


async def test_an_old_message_reads_nothing() -> None:
    world = await Files(a_file(30)).given()
    await world.read_all()
    before = len(world.outbox.sent)

    assert await world.split(SplitImport(IMPORT, 0)) == Outcome(note="an old message")
    assert len(world.outbox.sent) == before


async def test_the_first_chunks_are_sent_before_most_of_the_file_is_read() -> None:
    world = await Files(a_file(2500, bad_every=3000)).given()
    sent_by_piece: list[int] = []
    save = world.imports.save_progress

    async def noted(*given: Any) -> Any:
        sent_by_piece.append(len(world.outbox.sent))
        return await save(*given)

    world.imports.save_progress = noted  # type: ignore[assignment, method-assign]
    await world.split(SplitImport(IMPORT, 0))

    # Each piece is claimed, then written down.
    assert sent_by_piece[1::2] == [8, 24, 56, 106, 125]


async def test_one_delivery_reads_piece_after_piece_and_goes_on_where_an_earlier_one_of_it_died() -> None:
    whole, broken = [await Files(a_file(2500, bad_every=3000)).given() for _ in range(2)]
    assert await whole.split(SplitImport(IMPORT, 0)) == Outcome()
    assert (whole.progress.rows, whole.progress.pieces) == (2500, 5)

    save, saved = broken.imports.save_progress, 0

    async def dies_before_the_third(*given: Any) -> Any:
        nonlocal saved
        saved += 1
        if saved == 5:  # Each piece is claimed, then written down.
            raise StorageBusy("it died")
        return await save(*given)

    broken.imports.save_progress = dies_before_the_third  # type: ignore[assignment, method-assign]
    with pytest.raises(StorageBusy):
        await broken.split(SplitImport(IMPORT, 0))
    assert broken.progress.pieces == 2
    await broken.split(SplitImport(IMPORT, 0))

    assert (broken.progress.rows, broken.progress.all_read) == (2500, True)
    assert broken.store.counters == whole.store.counters
    assert broken.store.days == whole.store.days


async def test_slots_follow_the_pace_and_reading_goes_no_further_than_the_horizon() -> None:
    pace = Pace(60, timedelta(minutes=1), burst=20)
    world = await Files(a_file(400, bad_every=1000), settings=replace(WIDE, pace=pace)).given()

    await world.split(SplitImport(IMPORT, 0))
    outcome = await world.split(SplitImport(IMPORT, world.progress.pieces))

    at = [moment for command, moment in world.outbox.sent if isinstance(command, ImportChunk)]
    assert at == [NOW + timedelta(seconds=20 * n) for n in range(len(at))]
    assert max(moment for moment in at if moment) <= NOW + WIDE.horizon
    assert outcome.later is not None
    assert NOW < outcome.later.not_before < NOW + WIDE.horizon
    assert "pace" in outcome.later.why


async def test_a_day_that_is_used_up_goes_on_at_midnight() -> None:
    limit = DayLimit(40, 10_000)
    world = await Files(a_file(100, bad_every=1000), settings=replace(WIDE, per_inviter=limit)).given()

    await world.split(SplitImport(IMPORT, 0))
    outcome = await world.split(SplitImport(IMPORT, 1))

    assert len(world.store.rows) == 40
    assert outcome.later is not None
    assert (outcome.later.not_before - NOW) == timedelta(hours=15)  # NOW is nine in the morning
    assert "daily limit" in outcome.later.why


async def test_a_paused_import_reads_and_invites_nothing_and_says_so_to_nobody() -> None:
    world = await Files(a_file(10)).given()
    await world.read_all()
    world.imports.imports[IMPORT] = replace(
        world.imports.imports[IMPORT],
        record=replace(
            world.imports.imports[IMPORT].record,
            value=replace(world.imports.imports[IMPORT].record.value, state=ImportState.PAUSED),
        ),
    )
    world.directory.calls.clear()

    outcome = await world.chunk(world.chunks[0])

    assert (outcome.then, outcome.later) == ((), None)
    assert world.directory.calls == []


async def test_where_a_guest_turns_out_to_have_an_account_the_intent_to_join_is_written_first() -> None:
    world = await Files(a_file(20, bad_every=1000)).given()
    await world.read_all()
    key = world.store.rows[next(iter(world.store.rows))].value.address.key
    world.directory.invite_says[key] = [Exists(UserId("user-there"))]
    world.directory.members[GROUP].add(UserId("user-there"))
    before = world.store.writes

    await world.chunk(world.chunks[0])

    assert {r.value.state for r in world.store.rows.values()} == {State.MEMBER}
    assert [r.value.address.key for r in world.store.rows.values() if r.value.already_member] == [key]
    assert world.store.writes - before == 3


async def test_guests_whose_delivery_died_before_it_wrote_that_they_joined_are_no_members_of_before() -> None:
    world = await Files(a_file(20, bad_every=1000)).given()
    await world.read_all()
    join = world.directory.join

    async def joined_and_died(*given: Any) -> Any:
        await join(*given)
        raise StorageBusy("it died")

    world.directory.join = joined_and_died  # type: ignore[assignment, method-assign]
    with pytest.raises(StorageBusy):
        await world.chunk(world.chunks[0])
    world.directory.join = join  # type: ignore[method-assign]
    world.clock.time += world.timing.work_lease + timedelta(seconds=1)
    await world.to_its_end(await world.chunk(world.chunks[0]))

    rows = [r.value for r in world.store.rows.values()]
    assert {(r.state, r.already_member, r.already_in_directory) for r in rows} == {(State.MEMBER, False, False)}
    assert len(world.directory.invited) == 20


async def test_a_row_that_changes_while_its_guest_joins_is_read_again_and_written() -> None:
    world = await Files(a_file(20, bad_every=1000)).given()
    await world.read_all()
    join = world.directory.join

    async def beside(*given: Any) -> Any:
        [first, *_] = world.store.rows.values()
        await world.store.save([replace(first, value=replace(first.value, display_name="Ada"))], before=[first.value])
        return await join(*given)

    world.directory.join = beside  # type: ignore[assignment, method-assign]
    await world.chunk(world.chunks[0])

    rows = [r.value for r in world.store.rows.values()]
    assert {r.state for r in rows} == {State.MEMBER}
    assert "Ada" in {r.display_name for r in rows}
    assert world.store.counters[IMPORT, GROUP] == {"member": 20, "final": 20}


async def test_a_chunk_is_invited_and_joined_in_one_breath() -> None:
    world = await Files(a_file(20, bad_every=1000)).given()
    await world.read_all()
    world.clock.advance(timedelta(seconds=3))  # Who may was asked when the file was read.
    before = world.store.writes
    world.directory.calls.clear()

    outcome = await world.chunk(world.chunks[0])

    assert (outcome.then, outcome.later) == ((), None)
    assert {r.value.state for r in world.store.rows.values()} == {State.MEMBER}
    assert world.store.writes - before == 2
    assert world.directory.calls == ["read_group", "find", "invite", "join"]
    assert world.store.marks == {}
    assert world.store.counters[IMPORT, GROUP] == {"member": 20, "final": 20}


async def test_a_chunk_with_messages_is_mailed_in_the_same_delivery_as_far_as_the_lane_goes() -> None:
    lines = "".join(f"g{n}@fabrikam.com,Welcome\n" for n in range(20))
    world = await Files(f"address,message\n{lines}".encode()).given()
    await world.read_all()

    outcome = await world.chunk(world.chunks[0])

    burst = world.mailer.pace.burst
    assert len(world.mailer.sent) == burst
    assert Counter(r.value.state for r in world.store.rows.values()) == {
        State.MAILED: burst,
        State.MEMBER: 20 - burst,
    }
    assert outcome.then == ()
    assert outcome.later is not None
    assert isinstance(outcome.later.command, MailChunk)


async def test_who_the_group_does_not_see_yet_joins_by_a_message_of_its_own() -> None:
    world = await Files(a_file(3, bad_every=1000)).given()
    await world.read_all()
    world.directory.join_says[UserId("user-g2@fabrikam.com")] = [Lagging()]

    outcome = await world.chunk(world.chunks[0])

    assert outcome.later is not None
    assert isinstance(outcome.later.command, JoinChunk)
    assert Counter(r.value.state for r in world.store.rows.values()) == {State.MEMBER: 2, State.JOINING: 1}


async def test_a_throttled_chunk_holds_the_line_and_comes_back() -> None:
    world = await Files(a_file(2, bad_every=1000)).given()
    await world.read_all()
    world.directory.invite_says["g1@fabrikam.com"] = [Busy(timedelta(seconds=30))]

    outcome = await world.chunk(world.chunks[0])

    assert outcome.later is not None
    assert isinstance(outcome.later.command, ImportChunk)
    assert outcome.later.not_before >= NOW + timedelta(seconds=30)
    assert world.store.import_pace is not None
    assert world.store.import_pace.at == NOW + timedelta(seconds=30)


async def test_while_the_quota_is_used_up_no_other_chunk_asks_the_directory() -> None:
    world = await Files(a_file(40, bad_every=1000)).given()
    await world.read_all()
    first, second = world.chunks
    world.directory.invite_says["g1@fabrikam.com"] = [Busy(timedelta(seconds=30))]
    chunk = world.chunk
    await chunk(first)
    asked = list(world.directory.calls)

    held = await world.chunk(second)

    assert world.directory.calls == asked
    assert held.later is not None
    assert isinstance(held.later.command, ImportChunk)
    assert held.later.not_before == NOW + timedelta(seconds=30)
    world.clock.time = held.later.not_before
    outcome = await chunk(held.later.command)
    while outcome.later is not None and len(world.directory.calls) == len(asked):
        world.clock.time = max(world.clock.time, outcome.later.not_before)
        assert isinstance(outcome.later.command, ImportChunk)
        outcome = await chunk(outcome.later.command)
    assert len(world.directory.calls) > len(asked)


async def test_a_throttled_chunk_joins_nobody_before_the_directory_wants_to_be_asked() -> None:
    world = await Files(a_file(2, bad_every=1000)).given()
    await world.read_all()
    world.clock.advance(timedelta(seconds=3))
    world.directory.invite_says["g1@fabrikam.com"] = [Busy(timedelta(seconds=2))]
    world.directory.calls.clear()

    outcome = await world.chunk(world.chunks[0])

    assert world.directory.calls == ["read_group", "find", "invite"]
    await world.to_its_end(outcome)
    assert {r.value.state for r in world.store.rows.values()} == {State.MEMBER}


async def test_a_directory_under_pressure_slows_the_lane_before_the_first_429() -> None:
    world = await Files(a_file(2, bad_every=1000)).given()
    await world.read_all()
    world.directory.pressed = 0.99

    await world.chunk(world.chunks[0])

    assert world.store.import_pace is not None
    assert world.store.import_pace.cut_at == NOW


async def test_the_sweeper_sets_going_what_stands_still_and_closes_what_is_done() -> None:
    world = await Files(a_file(20, bad_every=1000)).given()
    await world.split(SplitImport(IMPORT, 0))
    world.outbox.sent.clear()
    world.clock.advance(timedelta(hours=1))

    await world.sweep()
    assert [type(c) for c, _ in world.outbox.sent] == [ImportChunk]
    for command, _ in list(world.outbox.sent):
        assert isinstance(command, ImportChunk)
        await world.chunk(command)
    world.clock.advance(timedelta(hours=1))
    await world.sweep()

    assert world.imports.imports[IMPORT].record.value.finished_at is not None
    assert IMPORT in world.files.kept, "the file is kept while the import can be undone"
    world.clock.advance(WIDE.undo_window)
    await world.sweep()
    assert IMPORT not in world.files.kept
    assert IMPORT not in world.imports.opened


async def test_duplicates_are_invited_by_the_first_of_their_rows() -> None:
    content = b"address\na@fabrikam.com\nA@fabrikam.com\n" + b"\n".join(
        f"g{n}@fabrikam.com".encode() for n in range(19)
    )
    world = await Files(content + b"\na@fabrikam.com\n").given()

    await world.read_all()

    twins = [r.value for r in world.store.rows.values() if r.value.reason is Reason.DUPLICATE_IN_FILE]
    assert [(t.line, t.detail) for t in twins] == [
        (3, "line 2 has the same address"),
        (23, "line 2 has the same address"),
    ]


async def test_a_group_that_stopped_taking_guests_fails_its_rows_with_the_reason() -> None:
    world = await Files(a_file(2, bad_every=1000)).given()
    world.directory.groups[GROUP] = a_group(group_types=frozenset({"DynamicMembership"}))

    await world.read_all()

    assert {r.value.reason for r in world.store.rows.values()} == {Reason.GROUP_DYNAMIC}
    assert world.store.marks == {}


def undo_step(world: Files, features: Features = ALL) -> UndoImportStep:
    unused = DeleteUnused(world.directory, world.store, FakeSetupStore(), features)
    return UndoImportStep(world.imports, world.store, world.directory, world.clock, world.timing, unused)


async def undoing(world: Files) -> None:
    """The import is at its end, and is being taken back."""
    await world.read_all()
    for command in world.chunks:
        await world.to_its_end(await world.chunk(command))
    stored = world.imports.imports[IMPORT]
    undoing = replace(stored.record.value, state=ImportState.UNDOING)
    await world.imports.save(replace(stored.record, value=undoing))


async def test_who_turned_a_colleague_since_the_import_is_left_alone() -> None:
    world = await Files(b"address\na@fabrikam.com\nb@fabrikam.com\n").given()
    await undoing(world)
    accounts = world.directory.accounts
    accounts["a@fabrikam.com"] = replace(accounts["a@fabrikam.com"], is_guest=False)

    await undo_step(world)(UndoImport(IMPORT, GROUP))

    turned, other = sorted((r.value for r in world.store.rows.values()), key=lambda i: i.address.key)
    assert (turned.state, turned.reason) == (State.MEMBER, Reason.NOT_A_GUEST)
    assert (other.state, set(world.directory.deleted)) == (State.UNDONE, {"b@fabrikam.com"})
    assert world.directory.members[GROUP] == {turned.user_id}


@pytest.mark.parametrize("state", [State.ACCEPTED, State.INVITED, State.JOINING, State.MEMBER])
async def test_an_undo_keeps_the_account_that_another_group_has_invited_meanwhile(state: State) -> None:
    world = await Files(b"address\na@fabrikam.com\nb@fabrikam.com\n").given()
    await undoing(world)
    there = InvitationId(ELSEWHERE, CHUNK, 0)
    await world.store.accept([an_invitation(id=there, address=parse_address("a@fabrikam.com"), state=state)], None)
    await world.store.open_chunks.open((ELSEWHERE, CHUNK), NOW)

    await undo_step(world)(UndoImport(IMPORT, GROUP))

    assert set(world.directory.deleted) == {"b@fabrikam.com"}
    mine = [r.value for r in world.store.rows.values() if r.value.id.group == GROUP]
    [kept] = [i for i in mine if i.address.key == "a@fabrikam.com"]
    assert "another group has invited it" in (kept.detail or "")


async def test_an_undo_that_is_switched_off_under_way_takes_memberships_back_and_keeps_accounts() -> None:
    world = await Files(b"address\na@fabrikam.com\n").given()
    await undoing(world)
    off = Features(ALL.on - {Feature.UNDO})
    undo = undo_step(world, off)

    await undo(UndoImport(IMPORT, GROUP))

    [row] = world.store.rows.values()
    assert row.value.state is State.UNDONE
    assert "deleting accounts is switched off" in (row.value.detail or "")
    assert world.directory.members[GROUP] == set()
    assert world.directory.deleted == {}


async def test_a_piece_that_is_delivered_twice_at_a_time_takes_its_slots_and_its_day_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    once, twice = [await Files(a_file(100, bad_every=1000)).given() for _ in range(2)]
    await once.split(SplitImport(IMPORT, 0))
    accept, seconds = twice.store.accept_import, list[Outcome]()

    async def beside(*given: Any) -> None:
        if not seconds:
            seconds.append(Outcome())  # The other delivery writes chunks, too.
            seconds[0] = await twice.split(SplitImport(IMPORT, 0))
        await accept(*given)

    monkeypatch.setattr(twice.store, "accept_import", beside)
    await twice.split(SplitImport(IMPORT, 0))

    assert twice.store.days == once.store.days
    assert twice.store.days["tenant"].taken == 100
    assert twice.store.import_pace == once.store.import_pace
    assert len(twice.outbox.sent) == len(once.outbox.sent)
    assert twice.rows() == once.rows()
    # What comes too early comes again, in case the first one dies; by then it is an old message.
    assert seconds[0].later is not None
    twice.clock.time = seconds[0].later.not_before
    assert await twice.split(SplitImport(IMPORT, 0)) == Outcome(note="an old message")


async def test_a_piece_whose_delivery_died_is_made_by_another_after_a_lease() -> None:
    world = await Files(a_file(100, bad_every=1000)).given()
    world.store.fail_next = ["take_positions"]
    with pytest.raises(StorageBusy):
        await world.split(SplitImport(IMPORT, 0))

    outcome = await world.split(SplitImport(IMPORT, 0))
    assert outcome.later is not None
    assert outcome.later.not_before == NOW + world.timing.work_lease
    world.clock.time = outcome.later.not_before
    assert isinstance(outcome.later.command, SplitImport)
    await world.split(outcome.later.command)

    assert world.progress.rows == 100


async def test_a_row_whose_guest_an_owner_invited_in_between_is_a_duplicate_still() -> None:
    content = (
        "address\nada@fabrikam.com\n" + "".join(f"g{n}@fabrikam.com\n" for n in range(1000)) + "Ada@fabrikam.com\n"
    )
    pace = Pace(60, timedelta(minutes=1), burst=500)
    world = await Files(content.encode(), settings=replace(WIDE, pace=pace)).given()
    await world.split(SplitImport(IMPORT, 0))
    assert not world.progress.all_read
    for chunk in world.chunks:
        await world.to_its_end(await world.chunk(chunk))
    [first] = [r.value for r in world.store.rows.values() if r.value.address.key == "ada@fabrikam.com"]
    assert first.is_final
    for n in range(2):  # An owner asks for her by hand, twice.
        by_hand = an_invitation(n, address=first.address, state=State.MEMBER)
        await world.store.accept([by_hand], None)
    await world.read_all()

    rows = [r.value for r in world.store.rows.values() if r.value.address.key == "ada@fabrikam.com"]
    [last] = [r for r in rows if r.import_id is not None and r.line == 1003]
    assert (last.reason, last.detail) == (Reason.DUPLICATE_IN_FILE, "line 2 has the same address")


async def test_ten_thousand_addresses_a_day_are_looked_up_for_one_person_in_dry_runs() -> None:
    world = Files(b"")
    authority, rules = Authority(world.access, world.imports, TENANT), Rules(100, sends_own_mail=True)
    preview = PreviewImport(authority, world.directory, world.store, world.clock, WIDE, rules)
    upload = Upload(GROUP, "f.csv", a_file(1000, bad_every=10_000))

    seen = [await preview(upload, a_caller()) for _ in range(11)]

    assert [p.counts["new"] for p in seen] == [1000] * 10 + [0]
    assert seen[-1].counts["notLookedUp"] == 1000
    assert "tomorrow" in seen[-1].first["notLookedUp"][0].what
    assert world.directory.calls.count("find") == 10 * 50
    world.clock.time += timedelta(days=1)
    assert (await preview(upload, a_caller())).counts["new"] == 1000
