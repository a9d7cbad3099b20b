"""Messages in the mailboxes of users (graph contract "More operations"): drafts, sent items, and their two kinds of
ids. No rules of HTTP here."""

import base64
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .clock import monotonic

Json = dict[str, Any]


@dataclass(slots=True)
class Message:
    """`key` never changes; the regular id does when the message moves to another folder, the immutable one not."""

    key: str
    owner_id: str
    properties: Json
    is_draft: bool = True
    moves: int = 0

    @property
    def regular_id(self) -> str:
        return _id("AAMk", f"{self.key}:{self.moves}")

    @property
    def immutable_id(self) -> str:
        return _id("AAkA", self.key)


@dataclass(slots=True)
class Mailbox:
    """One mailbox with its messages and the marks that limits are counted by."""

    messages: dict[str, Message] = field(default_factory=dict)
    ids: dict[str, Message] = field(default_factory=dict)
    requests: deque[float] = field(default_factory=deque)
    sent: deque[float] = field(default_factory=deque)
    recipients: deque[tuple[float, int]] = field(default_factory=deque)
    under_way: int = 0

    def add(self, message: Message) -> None:
        self.messages[message.key] = message
        self.ids[message.regular_id] = self.ids[message.immutable_id] = message

    def move(self, message: Message) -> None:
        """To another folder: the regular id is a new one, the old one finds nothing."""
        self.ids.pop(message.regular_id, None)
        message.moves += 1
        self.ids[message.regular_id] = message

    def remove(self, message: Message) -> None:
        del self.messages[message.key]
        for id_ in (message.regular_id, message.immutable_id):
            self.ids.pop(id_, None)


def folder_id(owner_id: str, name: str) -> str:
    """The id of a folder by its well-known name."""
    return _id("AQMk", f"{owner_id}:{name}")


def forget_before(marks: deque[float], age_s: float) -> None:
    while marks and marks[0] < monotonic() - age_s:
        marks.popleft()


def _id(prefix: str, text: str) -> str:
    return prefix + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=") + "AAA="
