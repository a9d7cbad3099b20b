"""The log behind delta queries: what changed, in order. What a tenant begins with is no change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """`other` is the member or owner where `what` is a change of a relation."""

    kind: str
    id: str
    what: str
    other: str = ""


class ChangeLog:
    """Append-only; a position in it is what a delta token holds."""

    def __init__(self) -> None:
        self._entries: list[Change] = []

    @property
    def position(self) -> int:
        return len(self._entries)

    def record(self, kind: str, id_: str, what: str, other: str = "") -> None:
        self._entries.append(Change(kind, id_.lower(), what, other.lower()))

    def between(self, start: int, end: int, kind: str) -> list[Change]:
        return [change for change in self._entries[start:end] if change.kind == kind]
