"""Every kind of message: its name, its command, its queue, the step that works on it, and what is done when it failed
in every delivery. A new one is a class in `commands.py` and a line here: bytes, function, poison queue and
tests follow.

A message holds ids, a schema version and the trace; never a guest's data. Once written it is read for ever: a change
of meaning is a new version, and old samples stay in the tests.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

import msgspec

from shared.core.errors import GuestlistError
from shared.messages import commands as c
from shared.messages.commands import Command
from shared.messages.outcomes import Outcome

log = logging.getLogger("guestlist")

VERSION = 1
STORED_AS = {"redrives": "revived"}
"""Fields of commands that have another name by now than in messages, where they keep the old one."""
UNREADABLE = "unreadable-poison"
"""Takes what lay on a poison queue and is no command: for an operator to look at and delete."""

_NAMED = {stored: name for name, stored in STORED_AS.items()}
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class UnreadableMessage(GuestlistError):
    """A message that is none of ours, or of a version this code does not know."""


class _Head(msgspec.Struct):
    """What a message of any version begins with."""

    v: int
    kind: Any = None
    traceparent: str | None = None


_head = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Route[C: Command]:
    """The way of one kind of command.

    `kind` is its name in messages, which stays when the class is renamed. `run` is the step that works on it, and
    `on_poison` what is done with one that failed in every delivery; both are found in the app, which needs the routes
    itself, so that a test and not its type says that they take the command.
    """

    kind: str
    command: type[C]
    queue: str
    run: Callable[[Any], Callable[[C], Awaitable[Outcome]]]
    on_poison: Callable[[Any], Callable[[C], Awaitable[object]]]
    per: str | None = None
    """A field of the command, each of whose values has a queue of its own."""
    function: str | None = None
    """Its name, where that is neither the kind nor, with `per`, the queue."""
    of_setup: bool = False
    """It needs setup's own identity, where there is one."""
    is_held: bool = True
    """Noted down for as long as an instance works on it, so that it is soon sent again where the instance died."""
    while_stopped: bool = False
    """It neither sends nor changes anything, and goes on while an operator has stopped everything."""

    @property
    def queues(self) -> Mapping[str, str]:
        """The function of each queue."""
        if self.per is None:
            return {self.queue: self.function or self.kind.replace("-", "_")}
        names = [f"{self.queue}-{value}" for value in get_type_hints(self.command)[self.per]]
        return {name: name.replace("-", "_") for name in names}


class Messages:
    """All kinds of them."""

    def __init__(self, routes: Iterable[Route[Any]]) -> None:
        self.routes = tuple(routes)
        self.queues = tuple(queue for route in self.routes for queue in route.queues)
        self._by_kind = {route.kind: route for route in self.routes}
        self._by_command = {route.command: route for route in self.routes}

    def route_of[C: Command](self, command: C) -> Route[C]:
        return self._by_command[type(command)]

    def queue_of(self, command: Command) -> str:
        """The queue that a command goes to."""
        route = self.route_of(command)
        return route.queue if route.per is None else f"{route.queue}-{getattr(command, route.per)}"

    def encode(self, command: Command, traceparent: str | None) -> bytes:
        """A command as JSON in UTF-8."""
        message: dict[str, Any] = {"v": VERSION, "kind": self.route_of(command).kind}
        for field in fields(command):
            if (value := getattr(command, field.name)) != field.default:
                message[STORED_AS.get(field.name, field.name)] = value
        if traceparent is not None:
            message["traceparent"] = traceparent
        return msgspec.json.encode(message)

    def decode(self, body: bytes) -> Command:
        """Read a command. Raises UnreadableMessage: where it is none."""
        try:
            head = _head.decode(body)
            if head.v != VERSION:
                raise UnreadableMessage(f"a message of version {head.v}; this code reads version {VERSION}")
            route = self._by_kind.get(head.kind) if isinstance(head.kind, str) else None
            if route is None:
                raise UnreadableMessage(f"a message of the kind {head.kind!r}, which this code does not know")
            stored = msgspec.json.decode(body)
            found = {_NAMED.get(name, name): value for name, value in stored.items()}
            command: Command = msgspec.convert(found, route.command)
            return command
        except _BROKEN as e:
            raise UnreadableMessage(str(e)) from e


def read_traceparent(body: bytes) -> str | None:
    """The trace a message belongs to, of whatever version; None where it has none or cannot be read."""
    try:
        return _head.decode(body).traceparent
    except _BROKEN:
        return None


def poison_queue(queue: str) -> str:
    """Where the host moves what failed in every delivery."""
    return f"{queue}-poison"


def left_to_the_sweeper(app: Any) -> Callable[[c.Command], Awaitable[None]]:
    """What the command is about stays as it is; the sweeper sends it again."""

    async def say(command: c.Command) -> None:
        log.error("stopped with an error in every delivery, and is left to the sweeper: %s", command)

    return say


MESSAGES = Messages([
    Route("invite-chunk", c.InviteChunk, "invitations", lambda app: app.invite_chunk, lambda app: app.give_up),
    Route("join-chunk", c.JoinChunk, "memberships", lambda app: app.join_chunk, lambda app: app.give_up),
    Route("mail-chunk", c.MailChunk, "mails", lambda app: app.mail_chunk, lambda app: app.give_up),
    Route("split-import", c.SplitImport, "import-files", lambda app: app.imports.split, left_to_the_sweeper),
    Route("import-chunk", c.ImportChunk, "import-chunks", lambda app: app.imports.chunk, lambda app: app.give_up),
    Route("undo-import", c.UndoImport, "import-undos", lambda app: app.imports.undo, left_to_the_sweeper,
          function="undo_import_chunks"),
    Route("setup-step", c.RunSetupStep, "setup", lambda app: app.setups.run_step, lambda app: app.setups.give_up,
          per="step", of_setup=True),
    Route("take-apart", c.RemoveApp, "setup-removal", lambda app: app.setups.apps.remove_app, left_to_the_sweeper,
          function="setup_removal", of_setup=True),
    Route("fulfil-request", c.FulfilRequest, "requests", lambda app: app.requests.fulfil, left_to_the_sweeper),
    Route("mail-request", c.MailRequest, "request-mails", lambda app: app.requests.mail, left_to_the_sweeper),
    Route("mail-digest", c.MailDigest, "request-digests", lambda app: app.requests.tell, left_to_the_sweeper),
    Route("audit-task", c.RunAudit, "audits", lambda app: app.audits.run, lambda app: app.audits.give_up,
          function="run_audit", while_stopped=True),
    Route("put-right", c.ApplyRemedies, "remedies", lambda app: app.audits.apply_remedies, left_to_the_sweeper),
    Route("search-person", c.SearchPersonalData, "people", lambda app: app.people, left_to_the_sweeper),
    Route("round-trip", c.RoundTrip, "health", lambda app: app.end_round_trip, left_to_the_sweeper,
          # If one is lost, the next sweep sends another.
          function="end_round_trip", is_held=False, while_stopped=True),
])  # fmt: skip
