"""What the directory says at this moment of those who ask something of Guestlist: a token is good for an hour and
more, and much of what was asked for happens days later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.core.ids import UserId


@dataclass(frozen=True, slots=True)
class Standing:
    """An account, or an app's own (`is_app`). `enabled` is false for one that may not sign in."""

    enabled: bool
    is_guest: bool
    is_app: bool


class Principals(Protocol):
    """All methods are safe to repeat, and raise Refused (`permission-missing`, `directory-refused`) and
    DirectoryBusy."""

    async def standing(self, ids: Sequence[UserId], *, keep: bool = False) -> Mapping[UserId, Standing]:
        """Those of them that the directory knows; who was deleted is absent. `keep` as in `Directory.read_group`."""
        ...

    async def roles_of(self, id_: UserId) -> frozenset[str]:
        """The values of the app roles of Guestlist's own API that a principal holds, itself or, a person, as a
        direct member of a group: what the principal's next token would carry. Empty for who is gone."""
        ...
