"""What a step returns: what comes next, now or later. Exceptions are for what nobody foresaw."""

from dataclasses import dataclass
from datetime import datetime

from shared.core.clock import Clock
from shared.core.errors import Unavailable
from shared.core.waits import busy_wait
from shared.messages.commands import Command


@dataclass(frozen=True, slots=True)
class Later:
    """Do `command` not before a time. A new message: its dequeue count starts afresh."""

    command: Command
    not_before: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """`then` runs at once, `later` at its time; both may stand, as part of a chunk goes on and part waits.
    `note` says why nothing was done, or that it ended early: for the log, so no text that somebody chose."""

    then: tuple[Command, ...] = ()
    later: Later | None = None
    note: str | None = None


def later(command: Command, at: datetime, why: str) -> Outcome:
    """The next attempt, at a time."""
    return Outcome(later=Later(command.again(), at, why))


def later_when_free(command: Command, error: Unavailable, clock: Clock) -> Outcome:
    """The next attempt, when what was asked may answer again."""
    return later(command, clock.now() + busy_wait(command.attempt, error.retry_after, clock.jitter()), str(error))
