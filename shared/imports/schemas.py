"""Imports and their previews."""

from datetime import datetime

import msgspec
from msgspec import field

from shared.http.schemas import Answer, Person
from shared.imports.commands import Seen
from shared.imports.start import Preview
from shared.invitations.model.invitations import State


class PreviewCounts(Answer):
    """How many guests of each outcome."""

    new: int
    in_directory: int
    member: int
    duplicate: int
    invalid: int
    blocked: int
    not_looked_up: int


class PreviewRow(Answer):
    """A row of an outcome."""

    line: int
    address: str
    what: str


class Pace(Answer):
    """How fast an import would go, and how long it would take."""

    per_minute: float = field(name="guestsPerMinute")
    today: int = field(name="guestsToday")
    per_day: int = field(name="guestsPerDay")
    seconds: int = field(name="estimatedSeconds")
    said: str


class ImportPreview(Answer):
    """What an import would do. `first` has the first rows of each outcome that occurs."""

    rows: int
    counts: PreviewCounts
    first: dict[str, list[PreviewRow]]
    notes: list[str]
    pace: Pace


class Import(Answer):
    """An import and how far it is. `rows` are those read so far; `counts` are by state of the invitations, with
    `invalid` for rows that cannot be used; `reasons` counts what was refused, failed or parked. `waitsFor`
    says as well why Guestlist paused it; whoever is `resumedBy` answers for what is done from then on."""

    id: str
    group: str = field(name="groupId")
    file_name: str
    state: str
    rows: int
    all_read: bool
    counts: dict[str, int]
    reasons: dict[str, int]
    done: int
    guests_per_second: float | None
    seconds_left: int | None
    waits_for: str | None
    created_at: datetime
    created_by: Person
    resumed_by: Person | None
    started_at: datetime
    finished_at: datetime | None
    undo_until: datetime
    notes: list[str]


class Imports(Answer):
    """The imports of a group, the newest first."""

    value: list[Import]


class ImportUndo(Answer):
    """What an undo would do: memberships removed, guests deleted, guests kept because they came or have more."""

    memberships: int
    guests: int
    kept: int
    until: datetime


def preview(found: Preview) -> ImportPreview:
    names = [f.encode_name for f in msgspec.structs.fields(PreviewCounts)]
    return ImportPreview.of(
        found,
        counts={name: found.counts[name] for name in names},
        notes=[note.text for note in found.notes],
        pace=Pace.of(found, per_minute=round(found.per_minute, 1)),
    )


def one(found: Seen) -> Import:
    """An import and how far it is."""
    record, progress = found.record, found.progress
    bad = sum(progress.bad.values())
    reasons = {key.removeprefix("reason:"): n for key, n in found.counts.items() if key.startswith("reason:")}
    for reason, n in progress.bad.items():
        reasons[reason] = reasons.get(reason, 0) + n
    rate = found.per_second
    return Import.of(
        record,
        state=found.state,
        rows=progress.rows,
        all_read=progress.all_read,
        counts={state.value: found.counts.get(state.value, 0) for state in State} | {"invalid": bad},
        reasons=dict(sorted(reasons.items())),
        done=found.done,
        guests_per_second=round(rate, 3) if rate is not None else None,
        seconds_left=found.seconds_left,
        waits_for=_waits_for(found),
        created_by=Person(record.creator, record.creator_name),
        resumed_by=Person(record.resumer, record.resumer_name) if record.resumer else None,
        started_at=record.created_at,
        finished_at=found.finished_at,
        undo_until=found.undo_until,
        notes=[note.text for note in record.dialect.notes],
    )


def _waits_for(found: Seen) -> str | None:
    if found.state == "paused":
        return found.record.why
    return found.progress.why if found.state == "running" and not found.progress.all_read else None
