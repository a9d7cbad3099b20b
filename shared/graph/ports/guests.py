"""What people look at in the directory: the groups that somebody owns, and the guests of a group."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.core.groups import GroupFacts
from shared.core.ids import GroupId, UserId


@dataclass(frozen=True, slots=True)
class GuestFacts:
    """A guest as the directory shows it. `accepted` is None where it says neither yes nor no.

    `last_sign_in` is None for nobody knows or never: the page says which.
    """

    id: UserId
    name: str
    address: str | None
    accepted: bool | None
    since: datetime | None
    created_at: datetime | None
    enabled: bool
    last_sign_in: datetime | None = None


@dataclass(frozen=True, slots=True)
class GuestPage:
    """Some guests of a group, and where the next page begins (opaque; None at the end). A page may be empty and
    have a next one. `sign_ins_known` is false where permission, licence or
    the setting do not let sign-ins be read."""

    guests: list[GuestFacts]
    continuation: str | None
    sign_ins_known: bool


class GuestReader(Protocol):
    """All methods raise Refused (`permission-missing`, `directory-refused`), DirectoryBusy and StorageBusy."""

    async def owned_groups(self, owner: UserId) -> list[GroupFacts]:
        """The groups of a person, with the names of the apps that they open; empty for somebody the directory
        does not know. `owners` holds this owner alone. Safe to repeat."""
        ...

    async def guests(self, group: GroupId, continuation: str | None, find: str | None = None) -> GuestPage:
        """The guests among the members of a group; with `find` those whose name or address begins with it. What
        was made within the last minutes may not be found.

        Raises:
            Refused: `group-missing` as well; `parameter-invalid` where the continuation was never given out for this
                group and this search.
        """
        ...

    async def guest(self, group: GroupId, user: UserId) -> GuestFacts | None:
        """A guest of the group; None where it is none, or no member."""
        ...

    async def mail_address(self, user: UserId) -> str | None:
        """Where a person reads mail; None for who has no mailbox or is gone."""
        ...
