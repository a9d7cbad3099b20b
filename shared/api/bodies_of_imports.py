"""Bodies of imports and of their previews."""

from collections.abc import Sequence
from typing import Any

from shared.domain.invitations import State
from shared.steps.imports.preview import Preview
from shared.steps.imports.tend import Seen
from shared.steps.imports.undo import UndoPlan


def preview(found: Preview) -> dict[str, Any]:
    """What an import would do."""
    outcomes = ("new", "inDirectory", "member", "duplicate", "invalid", "blocked", "notLookedUp")
    return {
        "rows": found.rows,
        "counts": {outcome: found.counts[outcome] for outcome in outcomes},
        "first": {
            outcome: [{"line": e.line, "address": e.address, "what": e.what} for e in examples]
            for outcome, examples in found.first.items()
        },
        "notes": [note.text for note in found.notes],
        "pace": {
            "guestsPerMinute": round(found.per_minute, 1),
            "guestsToday": found.today,
            "guestsPerDay": found.per_day,
            "estimatedSeconds": found.seconds,
            "said": found.said,
        },
    }


def one(found: Seen) -> dict[str, Any]:
    """An import and how far it is. `rows` are those read so far."""
    record, progress = found.record, found.progress
    bad = sum(progress.bad.values())
    reasons = {key.removeprefix("reason:"): n for key, n in found.counts.items() if key.startswith("reason:")}
    for reason, n in progress.bad.items():
        reasons[reason] = reasons.get(reason, 0) + n
    rate = found.per_second
    return {
        "id": record.id,
        "groupId": record.group,
        "fileName": record.file_name,
        "state": found.state,
        "rows": progress.rows,
        "allRead": progress.all_read,
        "counts": {state.value: found.counts.get(state.value, 0) for state in State} | {"invalid": bad},
        "reasons": dict(sorted(reasons.items())),
        "done": found.done,
        "guestsPerSecond": round(rate, 3) if rate is not None else None,
        "secondsLeft": found.seconds_left,
        "waitsFor": progress.why if found.state == "running" and not progress.all_read else None,
        "createdAt": record.created_at,
        "createdBy": {"id": record.creator, "name": record.creator_name},
        "startedAt": record.created_at,
        "finishedAt": found.finished_at,
        "undoUntil": found.undo_until,
        "notes": [note.text for note in record.dialect.notes],
    }


def several(found: Sequence[Seen]) -> dict[str, Any]:
    """The imports of a group, the newest first."""
    return {"value": [one(each) for each in found]}


def undo_plan(plan: UndoPlan, seen: Seen) -> dict[str, Any]:
    """What an undo would do."""
    return {
        "memberships": plan.memberships,
        "guests": plan.guests,
        "kept": plan.kept,
        "until": seen.undo_until,
    }
