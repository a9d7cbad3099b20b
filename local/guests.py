"""The sample guests: Microsoft's bulk-invite template, where each guest is meant to end, and what became of each."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.tenant import SAMPLES

GUESTS = SAMPLES / "guests.csv"
EXPECTED = SAMPLES / "expected.json"

_TAG = re.compile(r"<[^>]*>")
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


@dataclass(slots=True)
class Outcome:
    """One guest on the way: the states seen so far and what the API said last."""

    guest: Guest
    expected: End
    invitation: str | None = None
    problem: dict[str, Any] | None = None
    said: dict[str, Any] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)

    def note(self, said: dict[str, Any]) -> bool:
        """Take what the API says of the invitation; true if the state is another than before."""
        self.said = said
        if self.states and self.states[-1] == said["state"]:
            return False
        self.states.append(said["state"])
        return True

    @property
    def is_final(self) -> bool:
        return self.problem is not None or bool(self.said.get("isFinal"))

    @property
    def end(self) -> str:
        """The state, or `refused` for a request that was."""
        return "refused" if self.problem is not None else self.states[-1] if self.states else "…"

    @property
    def reason(self) -> str | None:
        return (self.problem or self.said).get("reason")

    @property
    def explanation(self) -> str:
        """What is wrong and what can be done, or what is special about a success."""
        source = self.problem or self.said
        if self.reason:
            return (
                f"{self.reason}: {source.get('detail') or source.get('title') or ''}\n→ {source.get('remedy') or ''}"
            )
        if source.get("alreadyMember"):
            return "was a member already"
        if source.get("alreadyInDirectory"):
            return "was in the directory already: no second invitation mail"
        return ""

    @property
    def direct_link(self) -> str:
        """The link to the app, for those who can use it."""
        return str(self.said.get("directLink") or "") if self.end in ("member", "mailed") else ""

    @property
    def is_as_meant(self) -> bool:
        already = bool(self.said.get("alreadyInDirectory"))
        seen = End(self.end, self.reason, already)
        return (
            self.is_final and seen == self.expected and (self.end in ("failed", "refused") or bool(self.direct_link))
        )


def text_of(mail: dict[str, Any]) -> str:
    """A mail's body as a reader sees it, roughly: without markup, one line a paragraph."""
    body = str(mail["body"])
    if str(mail.get("contentType", "")).lower() == "html":
        body = re.sub(r"(?is)<(style|head|title)\b.*?</\1>", "", body)
        body = re.sub(r"""(?is)<a\b[^>]*?\bhref=["']([^"']*)["'][^>]*>(.*?)</a>""", r"\2: \1", body)
        body = re.sub(r"(?i)<br\s*/?>|</(p|div|h\d|tr|li)>", "\n", body)
        body = html.unescape(_TAG.sub("", body))
    lines = [" ".join(line.split()) for line in body.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def mails_to(mails: Sequence[dict[str, Any]], address: str, kind: str) -> list[dict[str, Any]]:
    """Mails of a kind (`invitation`, `message`) to an address, however its domain is written."""
    wanted = _ascii(address)
    return [m for m in mails if m["kind"] == kind and wanted in [_ascii(to) for to in m["to"]]]


def mail_faults(outcome: Outcome, mails: Sequence[dict[str, Any]]) -> list[str]:
    """What is wrong with the mails a guest got: Microsoft's invitation, or Guestlist's own message, once."""
    address = outcome.guest.address
    invited = len(mails_to(mails, address, "invitation"))
    messages = mails_to(mails, address, "message")
    mailed = outcome.expected.end == "mailed"
    joined = outcome.expected.end == "member" and not outcome.expected.already_in_directory
    faults = []
    if invited != (1 if joined else 0):
        faults.append(f"{address}: {invited} invitation mails")
    if len(messages) != (1 if mailed else 0):
        faults.append(f"{address}: {len(messages)} mails with the welcome message")
    wanted = " ".join((outcome.guest.message or "").split())
    faults += [
        f"{address}: the mail lacks the message" for m in messages if wanted not in " ".join(text_of(m).split())
    ]
    return faults


def _ascii(address: str) -> str:
    local, _, domain = address.lower().rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address.lower()
