"""What is kept of people, wherever it stands, and the cases of exporting and erasing it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from shared.domain.import_ids import ImportId
from shared.domain.people import Case, CaseId, Page, Person
from shared.ports.store import Versioned


class Holdings(Protocol):
    """One place in which people's data is kept. All methods raise StorageBusy."""

    @property
    def kept(self) -> Mapping[tuple[str, str], str]:
        """What is left of something after an erasure, and why, by `where` and `what` of `Found`."""
        ...

    async def page(self, person: Person, after: str | None, stand_in: str | None) -> Page:
        """Look through the part that follows `after`, whole. With a `stand_in` erase what is found but for what is
        under way: what must be kept for others names the stand-in instead. Safe to repeat; what another writes
        meanwhile is never overwritten."""
        ...


class CaseStore(Protocol):
    """All methods raise StorageBusy."""

    async def read(self, case: CaseId) -> Versioned[Case] | None: ...

    async def save(self, case: Versioned[Case], look_at: datetime | None) -> Versioned[Case]:
        """Insert or replace; `look_at` is when the sweeper looks after it. Raises Conflict."""
        ...

    def list_due(self, before: datetime) -> AsyncIterator[Versioned[Case]]:
        """Cases whose `look_at` has come."""
        ...


class Exports(Protocol):
    """What was found of a person, for a short time. All methods raise StorageBusy."""

    async def write(self, case: CaseId, part: str, content: Any) -> None:
        """A part, as JSON. The same part again takes the place of the one before."""
        ...

    async def read(self, case: CaseId, prefix: str) -> list[Any]:
        """The parts whose names begin so, in the order of their names."""
        ...

    async def delete(self, case: CaseId) -> None:
        """Safe to repeat."""
        ...


class Uploads(Protocol):
    """The files of imports, beyond what imports themselves need of them. All methods raise StorageBusy."""

    async def after(self, import_id: ImportId | None) -> ImportId | None:
        """The file that follows that one in the order of their ids; None behind the last."""
        ...

    async def patch(self, import_id: ImportId, edits: Sequence[tuple[int, bytes]]) -> None:
        """Write bytes over those at each offset, all or nothing. A file that is gone is left alone."""
        ...
