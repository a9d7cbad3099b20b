"""What can go wrong for a person at the command line, each with words, a remedy and an exit code."""

from __future__ import annotations

from typing import Any

DONE, SOME_FAILED, USAGE, WAITS_FOR_A_PERSON, INTERRUPTED = 0, 1, 2, 3, 130
"""The exit codes. 130 is what shells use for a program ended by Ctrl-C."""


class Failure(Exception):
    """A command cannot go on. `document` is what ``--json`` prints, in the members of RFC 9457."""

    exit_code = SOME_FAILED

    def __init__(self, title: str, detail: str | None = None, remedy: str | None = None, **more: Any) -> None:
        super().__init__(title)
        self.document: dict[str, Any] = {"title": title, "detail": detail, "remedy": remedy} | more

    @property
    def reason(self) -> str | None:
        """The identifier that programs decide by."""
        return self.document.get("reason")


class Misuse(Failure):
    """What was given on the command line or in the environment cannot be meant so."""

    exit_code = USAGE


class Unreachable(Failure):
    """The API did not answer, or did not answer as Guestlist does."""


class SignInFailed(Failure):
    """No token could be had."""


class Problem(Failure):
    """The API refused: its own problem document."""

    def __init__(self, status: int, document: dict[str, Any], request_id: str | None) -> None:
        super().__init__(str(document.get("title") or f"The API answered {status}"))
        self.status = status
        self.document |= document
        self.document.setdefault("status", status)
        if request_id:
            self.document.setdefault("requestId", request_id)


def lines_of(document: dict[str, Any]) -> list[str]:
    """A problem as a person reads it: title, detail, remedy, request id."""
    title, detail = document.get("title"), document.get("detail")
    field = f" ({document['field']})" if document.get("field") else ""
    lines = [f"{title}{field}"]
    if detail and detail != title:
        lines.append(str(detail))
    if document.get("remedy"):
        lines.append(f"→ {document['remedy']}")
    if document.get("requestId"):
        lines.append(f"Request id: {document['requestId']}")
    return lines
