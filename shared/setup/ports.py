"""Where Guestlist keeps setups. Every write that follows a read is guarded."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.core.checks import Confirmation
from shared.core.ids import SetupId
from shared.membership.ports.apps import AppStore
from shared.setup.model.records import Setup, StepRecord
from shared.storage.ports.open_work import OpenWork


@dataclass(frozen=True, slots=True)
class StoredSetup:
    """A setup as read, with the version of each of its records; "" names the plan's."""

    setup: Setup
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that may be made only once in the directory, and by whom it is being made.

    `since` is when it was first attempted. `again` says that an earlier attempt may have had its effect;
    `result` is the id of what came of one.
    """

    key: str
    since: datetime
    again: bool
    result: str | None
    version: str


class SetupStore(OpenWork[SetupId], AppStore, Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    # Setups
    async def create(self, setup: Setup) -> None:
        """Write a new setup with all its steps. Raises Conflict where there is one of this id."""
        ...

    async def read(self, setup_id: SetupId) -> StoredSetup | None: ...

    def list_all(self) -> AsyncIterator[Setup]:
        """All setups, in no order."""
        ...

    async def save(self, stored: StoredSetup, steps: Sequence[StepRecord], *, plan: bool = False) -> StoredSetup:
        """Write steps as they now are, and with `plan` the setup's plan, all or nothing; gives the new versions.

        Raises:
            Conflict: one of them changed since it was read.
        """
        ...

    # What people have confirmed, by the key of the manual task
    async def read_confirmation(self, key: str) -> Confirmation | None: ...

    async def write_confirmation(self, key: str, confirmation: Confirmation) -> None:
        """The latest one stands. Safe to repeat."""
        ...

    # What may be made only once
    async def read_intent(self, key: str) -> Intent | None: ...

    async def take_intent(self, key: str, *, now: datetime, claim: timedelta, anew: bool = False) -> Intent | None:
        """Claim the right to make something. None while somebody else's claim lasts. With `anew` what came of
        earlier attempts is known to be gone, and the attempt counts as the first."""
        ...

    async def finish_intent(self, intent: Intent, result: str) -> None:
        """What came of it. Safe to repeat; a claim that was lost meanwhile is left alone."""
        ...

    async def release_intent(self, intent: Intent) -> None:
        """Nothing was made: the next attempt is a first one. A claim that was lost meanwhile is left alone."""
        ...
