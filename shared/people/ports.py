"""What is kept of people, wherever it stands."""

from collections.abc import Mapping
from typing import Protocol

from shared.people.model import Page, Person


class PersonalData(Protocol):
    """One place in which people's data is kept. All methods raise StorageBusy."""

    @property
    def kept(self) -> Mapping[tuple[str, str], str]:
        """What is left of something after an erasure, and why, by `where` and `what` of `Found`."""

    async def page(self, person: Person, after: str | None, stand_in: str | None) -> Page:
        """Look through the part that follows `after`, whole. With a `stand_in` erase what is found but for what is
        under way: what must be kept for others names the stand-in instead. Safe to repeat; what another writes
        meanwhile is never overwritten."""
