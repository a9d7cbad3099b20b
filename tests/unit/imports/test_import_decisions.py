"""Bulk import's pure decisions: windows and ids, counters, days, rows."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.csv.dialect import detect
from shared.core.csv.rows import RowReader
from shared.core.ids import KINDS, GroupId, ImportId, chunk_id, chunks_of
from shared.core.reasons import Reason
from shared.imports.model.imports import GuestRow, Import, Rules, by_group, read_row
from shared.imports.read_rows import read_piece
from shared.imports.start import seconds_left
from shared.invitations.model.invitations import Invitation, State, added, count, difference
from shared.pace.pacing import DayLimit, DayTaken, of_today
from tests.builders import GROUP, NOW, OWNER, an_invitation
from tests.fakes.import_store import FakeFiles

IMPORT = ImportId("fe62a1b2c3d40123456789")
MINUTE = timedelta(minutes=1)


def group_number(n: int) -> GroupId:
    return GroupId(f"22222222-2222-4222-8222-{n:012d}")


@given(st.lists(st.tuples(st.integers(0, 16**5 - 1), st.integers(0, KINDS - 1)), min_size=2, unique=True))
def test_ids_of_chunks_sort_as_the_rows_of_the_file_do(places: list[tuple[int, int]]) -> None:
    ids = [chunk_id(IMPORT, *place) for place in places]

    assert sorted(ids) == [chunk_id(IMPORT, *place) for place in sorted(places)]
    assert all(len(i) == 22 and i.startswith(chunks_of(IMPORT)) for i in ids)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=120))
def test_windows_keep_all_rows_in_order_and_stay_small(groups: list[int]) -> None:
    lines = [f"g{n}@fabrikam.com,{group_number(group)}" for n, group in enumerate(groups, 2)]
    content = "\n".join(["email,group", *lines]).encode()
    dialect = detect(content)
    record = Import(IMPORT, GROUP, "x.csv", len(content), dialect, OWNER, "Ada", True, NOW, "digest")
    rules = Rules(message_limit=500, sends_own_mail=False)

    piece = asyncio.run(read_piece(FakeFiles({IMPORT: content}), record, dialect.start, 200, rules))

    found = [(row.address.text, row.group) for window in piece.windows for row in window]
    assert found == [(f"g{n}@fabrikam.com", group_number(group)) for n, group in enumerate(groups, 2)]
    assert piece.ended
    assert not piece.bad
    assert all(len(window) <= 20 and len(by_group(window)) <= KINDS for window in piece.windows)


@given(st.data())
def test_counters_are_never_another_number_than_a_recount(data: st.DataObject) -> None:
    states = [s for s in State if s is not State.UNDONE]
    rows: list[Invitation] = [an_invitation(n) for n in range(6)]
    counters: dict[str, int] = dict(count(rows))
    for _ in range(data.draw(st.integers(0, 8))):
        picked = data.draw(st.lists(st.sampled_from(range(6)), unique=True))
        before = [rows[n] for n in picked]
        for n in picked:
            state = data.draw(st.sampled_from(states))
            reason = Reason.DOMAIN_BLOCKED if state is State.FAILED else None
            rows[n] = replace(rows[n], state=state, reason=reason)
        counters = added(counters, difference(before, [rows[n] for n in picked]))

    assert counters == dict(count(rows))


@pytest.mark.parametrize(("days", "limit"), [(0, 500), (1, 1000), (2, 2000), (3, 4000), (4, 5000), (400, 5000)])
def test_a_days_limit_doubles_with_each_active_day(days: int, limit: int) -> None:
    assert DayLimit(500, 5000).on_day(days) == limit


def test_a_new_day_begins_with_nothing_taken_and_counts_the_active_ones() -> None:
    monday = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
    known = DayTaken(monday.date(), taken=7, active_days=2)

    assert of_today(known, monday) == known
    assert of_today(known, monday + 2 * MINUTE) == DayTaken((monday + 2 * MINUTE).date(), 0, 3)
    idle = DayTaken(monday.date(), taken=0, active_days=2)
    assert of_today(idle, monday + 2 * MINUTE).active_days == 2


@pytest.mark.parametrize(
    ("guests", "today", "seconds"),
    [(100, 500, 100), (500, 500, 500), (600, 500, 86_400 + 100), (1600, 500, 2 * 86_400 + 100)],
)
def test_the_time_left_knows_the_days(guests: int, today: int, seconds: int) -> None:
    assert seconds_left(guests, timedelta(seconds=1), today, 1000) == seconds


OTHER = "33333333-3333-4333-8333-333333333333"


@pytest.mark.parametrize(
    ("row", "for_admin", "reason"),
    [
        ("a@fabrikam.com,,,,", False, None),
        (f"a@fabrikam.com,,,,{OTHER}", True, None),
        (f"a@fabrikam.com,,,,{OTHER}", False, Reason.NOT_ADMIN),
        (f"a@fabrikam.com,,,,{GROUP}", False, None),
        ("a@fabrikam.com,,,,guests", True, Reason.ROW_INVALID),
        ("a+b@fabrikam.com,,,,", False, Reason.ADDRESS_UNSUPPORTED),
        ("nobody,,,,", False, Reason.ADDRESS_INVALID),
        (f"a@fabrikam.com,{'n' * 300},,,", False, Reason.ROW_INVALID),
        (f"a@fabrikam.com,,{'m' * 101},,", False, Reason.MESSAGE_TOO_LONG),
        ("a@fabrikam.com,,,german please,", False, Reason.ROW_INVALID),
        (",,,de,", False, Reason.ROW_INVALID),
    ],
)
def test_what_can_be_told_of_a_row(row: str, for_admin: bool, reason: Reason | None) -> None:
    content = f"address,name,message,language,group\n{row}\n".encode()
    dialect = detect(content)
    [read] = RowReader(dialect, dialect.start).feed(content[dialect.start.offset :], last=True)

    record = Import(IMPORT, GROUP, "x.csv", len(content), dialect, OWNER, "Ada", for_admin, NOW, "digest")
    found = read_row(read, record, Rules(100, sends_own_mail=True))

    assert (found[0] if isinstance(found, tuple) and not isinstance(found, GuestRow) else None) is reason


def test_a_message_needs_a_sender() -> None:
    content = b"address,message\na@fabrikam.com,hello\n"
    dialect = detect(content)
    [read] = RowReader(dialect, dialect.start).feed(content[dialect.start.offset :], last=True)

    record = Import(IMPORT, GROUP, "x.csv", len(content), dialect, OWNER, "Ada", False, NOW, "digest")
    found = read_row(read, record, Rules(100, sends_own_mail=False))

    assert isinstance(found, tuple)
    assert found[0] is Reason.NO_MAIL_SENDER
