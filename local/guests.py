"""The sample guests: Microsoft's bulk-invite template, and where each guest is meant to end."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from local.paths import SAMPLES

GUESTS = SAMPLES / "guests.csv"
EXPECTED = SAMPLES / "expected.json"

_VERSION = "version:v1.0"
_EMAIL, _MESSAGE = "[inviteeEmail]", "[customizedMessageBody]"


class BadTemplate(Exception):
    """The file is not Microsoft's bulk-invite template; the message says where it differs."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest to invite."""

    address: str
    message: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """Where a guest ends: a final state, or `refused` where the request itself is refused."""

    end: str
    reason: str | None = None
    already_in_directory: bool = False


SINGLE = Guest(
    "lena.single@adatum.com",
    message="Good to have you, Lena!\nThe app opens with the link below. Ask me anything.\nOlivia",
    name="Lena Single",
)
"""Invited after those of the file, as a form or a script would do."""


def read_guests(file: Path = GUESTS) -> list[Guest]:
    """The guests of a bulk-invite file. Raises BadTemplate: the version line or a needed column is missing."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.reader(lines))
    if not rows or not rows[0] or rows[0][0].strip() != _VERSION:
        raise BadTemplate(f"{file}: the first line is not '{_VERSION}'")
    headings = rows[1] if len(rows) > 1 else []
    email, message = (_column(file, headings, mark) for mark in (_EMAIL, _MESSAGE))
    return [Guest(row[email].strip(), row[message].strip() or None) for row in rows[2:] if any(row)]


def _column(file: Path, headings: list[str], mark: str) -> int:
    for index, heading in enumerate(headings):
        if mark in heading:
            return index
    raise BadTemplate(f"{file}: no column is headed {mark}")


def read_expected(file: Path = EXPECTED) -> dict[str, End]:
    """Address -> end."""
    return {
        address: End(end["end"], end.get("reason"), end.get("alreadyInDirectory", False))
        for address, end in json.loads(file.read_text(encoding="utf-8")).items()
    }
