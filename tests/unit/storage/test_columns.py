"""Records as columns: each row as the version before wrote it, by hand."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.core.csv.dialect import Dialect, Field, Note, NoteKind
from shared.core.csv.records import Cursor
from shared.core.ids import GroupId, ImportId, UserId
from shared.core.reasons import Reason
from shared.imports.model.imports import Import, ImportState, Progress, Target
from shared.imports.rows import IMPORT_COLUMNS, PROGRESS_COLUMNS
from shared.membership.model.apps import Policy
from shared.pace.pacing import Breaker, DayTaken
from shared.storage.records import Columns, UnreadableRow, new_row

AT, TEXT = datetime(2026, 3, 2, 9, tzinfo=UTC), "2026-03-02T09:00:00.000000+00:00"
ID, GROUP, OLIVIA = ImportId("0" * 22), GroupId("11111111-1111-1111-1111-111111111111"), UserId("3" * 36)
DIALECT = Dialect(
    "utf-8",
    ";",
    (Field.ADDRESS, Field.UNKNOWN),
    ("address", ""),
    is_template=False,
    start=Cursor(13, 0, 2, False),
    notes=(Note(NoteKind.COLUMN_UNKNOWN, "Not read"),),
)
RUNNING = Import(ID, GROUP, "f.csv", 9, DIALECT, OLIVIA, "Olivia", False, AT, "d")
RUNNING_ROW = {
    "GroupId": GROUP,
    "FileName": "f.csv",
    "Size": 9,
    "Dialect": '{"encoding":"utf-8","delimiter":";","fields":["address","unknown"],"headings":["address",""],'
    '"isTemplate":false,"start":[13,0,2,0],"notes":[["column-unknown","Not read"]]}',
    "CreatorId": OLIVIA,
    "CreatorName": "Olivia",
    "ForAdmin": False,
    "CreatedAt": TEXT,
    "Digest": "d",
    "State": "running",
}
PAUSED = replace(
    RUNNING, state=ImportState.PAUSED, finished_at=AT, why="w", resumer=UserId("4" * 36), resumer_name="Oscar"
)
PAUSED_ROW = RUNNING_ROW | {
    "State": "paused",
    "FinishedAt": TEXT,
    "PausedFor": "w",
    "ResumerId": "4" * 36,
    "ResumerName": "Oscar",
}
READ = Progress(
    Cursor(13, 0, 2, False), 1, 2, 3, {"x": 1},
    {GROUP: Target("App", "https://a", (Policy(approvers=("a@b.c",)),), Reason.GROUP_MISSING)},
    True, AT, "why", AT,
)  # fmt: skip
READ_ROW = {
    "Cursor": "[13,0,2,0]",
    "Pieces": 1,
    "Windows": 2,
    "Rows": 3,
    "Bad": '{"x":1}',
    "Targets": '{"11111111-1111-1111-1111-111111111111":{"app_name":"App","direct_link":"https://a","policies":'
    '[{"requests":"approval","approvers":["a@b.c"],"allowed_domains":[],"blocked_domains":[]}],'
    '"refused":"group-missing"}}',
    "AllRead": True,
    "WakesAt": TEXT,
    "Why": "why",
    "MadeUntil": TEXT,
}
ROWS: dict[str, tuple[Columns[Any], Any, dict[str, Any], dict[str, Any]]] = {
    "an import that runs": (IMPORT_COLUMNS, RUNNING, RUNNING_ROW, {"id": ID}),
    "an import that was resumed": (IMPORT_COLUMNS, PAUSED, PAUSED_ROW, {"id": ID}),
    "how far a file was read": (PROGRESS_COLUMNS, READ, READ_ROW, {}),
    "a breaker": (Columns(Breaker), Breaker(AT, AT, "x"), {"OpenSince": TEXT, "ProbeAt": TEXT, "Detail": "x"}, {}),
    "a closed breaker": (Columns(Breaker), Breaker(), {}, {}),
    "a day": (
        Columns(DayTaken),
        DayTaken(date(2026, 3, 2), 1, 2),
        {"Day": "2026-03-02", "Taken": 1, "ActiveDays": 2},
        {},
    ),
}


@pytest.mark.parametrize(("columns", "record", "row", "beside"), ROWS.values(), ids=ROWS)
def test_a_row_is_read_and_written_as_it_was(
    columns: Columns[Any], record: Any, row: dict[str, Any], beside: dict[str, Any]
) -> None:
    assert columns.to_columns(record) == row
    assert columns.from_columns(new_row("p", "k", **row), **beside) == record


@dataclass
class Card:
    title: str | None
    text: str
    more: str = ""


def test_an_empty_text_is_kept_unless_it_is_so_by_default_and_what_is_missing_is_none() -> None:
    columns = Columns(Card)

    assert columns.to_columns(Card(None, "")) == {"Text": ""}
    assert columns.from_columns(new_row("p", "k", Text="", Later="unknown to this code")) == Card(None, "")


def test_a_row_of_a_newer_version_is_not_misread() -> None:
    with pytest.raises(UnreadableRow):
        Columns(Breaker).from_columns(new_row("p", "k") | {"SchemaVersion": 2})
