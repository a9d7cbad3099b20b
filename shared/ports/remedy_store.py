"""Where what audits mean to put right is kept: a plan for each audit and app, and its actions."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.applications import AppId
from shared.domain.audits.records import AuditId
from shared.domain.audits.remedies import Action, ActionState, Plan
from shared.ports.store import Versioned


class RemedyStore(Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    async def add_actions(self, audit: AuditId, app: AppId, actions: Sequence[Action]) -> None:
        """Those that are there already stay as they are. Safe to repeat."""
        ...

    async def list_actions(
        self, audit: AuditId, app: AppId, continuation: str | None, limit: int, states: Sequence[ActionState] = ()
    ) -> tuple[list[Versioned[Action]], str | None]:
        """Those in the states, or all; the strongest remedies first. Raises ValueError for a continuation that was
        never given out."""
        ...

    async def save_actions(
        self, audit: AuditId, app: AppId, actions: Sequence[Versioned[Action]]
    ) -> list[Versioned[Action]]:
        """All or none, of up to 100; gives them with their new versions.

        Raises:
            Conflict: one changed since it was read.
        """
        ...

    async def read_plan(self, audit: AuditId, app: AppId) -> Versioned[Plan] | None: ...

    async def list_plans(self, audit: AuditId) -> list[Plan]: ...

    async def save_plan(self, plan: Versioned[Plan]) -> None:
        """Raises Conflict where it changed since it was read, or is there already."""
        ...

    # Plans that are being carried out
    async def open(self, audit: AuditId, app: AppId, look_at: datetime) -> None:
        """Remember a plan before it is carried out; again: look at it at another time. Safe to repeat."""
        ...

    async def close(self, audit: AuditId, app: AppId) -> None:
        """Safe to repeat."""
        ...

    def list_open(self, *, look_before: datetime) -> AsyncIterator[tuple[AuditId, AppId]]: ...

    # What is sent once in a while
    async def last_sent(self, key: str) -> datetime | None:
        """When a mail was last sent under a key."""
        ...

    async def take_turn(self, key: str, audit: AuditId, now: datetime, before: datetime | None) -> bool:
        """Write down that a mail is sent under a key now: true for exactly one caller, unless one was sent since
        `before`. None asks for no more than that this audit has not sent it."""
        ...

    async def give_back(self, key: str, audit: AuditId) -> None:
        """Forget a turn that this audit took: nothing was sent. Safe to repeat."""
        ...
