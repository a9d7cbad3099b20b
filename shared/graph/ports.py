"""What Guestlist needs of the directory, in the domain's words.

Calls of `Directory` on several guests answer per guest, in the order given; one guest's failure never hides another's
success. They take at most `CHUNK_SIZE` guests. `Principals` says what holds now of those who ask something of
Guestlist: a token is good for an hour and more, and much of what was asked for happens days later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.core.addresses import Address
from shared.core.directory import GroupFacts
from shared.core.ids import GroupId, UserId
from shared.core.results import FindAnswer, GuestLook, InviteAnswer, JoinAnswer, LeaveAnswer, WriteAnswer


@dataclass(frozen=True, slots=True)
class GuestToInvite:
    """One guest to be. `mail` asks the directory to send its own invitation mail, in `language`."""

    address: Address
    display_name: str | None
    redirect_url: str
    mail: bool
    language: str | None


class Directory(Protocol):
    @property
    def pressure(self) -> float:
        """The share of its limits that the directory last said to be in use: from 0.8 on, above 1 where it
        throttles; 0 where it says nothing."""

    async def read_group(self, group: GroupId, *, keep: bool = False) -> GroupFacts:
        """Facts of a group with all its owners and the apps it opens. Safe to repeat. With `keep`, for work that
        nobody waits for, what was read within ten seconds counts while the directory refuses some reads. Raises
        Refused (`group-missing`, `permission-missing` naming the permission), and DirectoryBusy."""

    async def find(self, addresses: Sequence[Address]) -> list[FindAnswer]:
        """The account whose own each address is: its mail, an identity that signs in, or an alias of a colleague's
        mailbox; `Lookalike` where accounts have it in another way only. Safe to repeat.

        Where it is several accounts' own, a guest who has accepted comes first, then a pending guest, then any other.
        A guest invited within the last minutes may not be shown. Raises Refused `permission-missing`."""

    async def invite(self, guests: Sequence[GuestToInvite]) -> list[InviteAnswer]:
        """Invite each. NOT safe to repeat: a repeat makes a second ticket and may send a second mail."""

    async def are_members(self, group: GroupId, users: Sequence[UserId]) -> list[bool | None]:
        """Who of them is a member of the group; None where it could not be learnt. Safe to repeat."""

    async def leave(self, group: GroupId, users: Sequence[UserId]) -> list[LeaveAnswer]:
        """Make none of them a member of the group any more; `not-a-guest` for an account that is none. Safe to
        repeat."""

    async def get_guests(self, users: Sequence[UserId], *, accounts_alone: bool = False) -> list[GuestLook]:
        """Who of them has accepted, and who has a group or an app besides; with `accounts_alone` nothing is said of
        what they have, and no more than inviting may do is needed. Safe to repeat. Raises Refused
        `permission-missing`, and DirectoryBusy."""

    async def delete_guests(self, users: Sequence[UserId]) -> list[LeaveAnswer]:
        """Delete their accounts (softly: they can be restored for 30 days); `not-a-guest` for one that is none. Safe
        to repeat."""

    async def restore_guests(self, users: Sequence[UserId]) -> list[WriteAnswer]:
        """Bring deleted accounts back, with their groups. Missing for one that is there, or gone for good. Safe to
        repeat."""

    async def enable_guests(self, users: Sequence[UserId], *, enabled: bool) -> list[WriteAnswer]:
        """Let their accounts sign in, or not: then `not-a-guest` for one that is none. Safe to repeat."""

    async def join(self, group: GroupId, users: Sequence[UserId]) -> list[JoinAnswer]:
        """Make each a member of the group. Safe to repeat: who is a member already is answered so."""


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

    async def guests(self, group: GroupId, continuation: str | None, find: str | None = None) -> GuestPage:
        """The guests among the members of a group; with `find` those whose name or address begins with it. What
        was made within the last minutes may not be found. Raises Refused `group-missing` as well, and
        `parameter-invalid`: the continuation was never given out for this group and this search."""

    async def guest(self, group: GroupId, user: UserId) -> GuestFacts | None:
        """A guest of the group; None where it is none, or no member."""

    async def mail_address(self, user: UserId) -> str | None:
        """Where a person reads mail; None for who has no mailbox or is gone."""


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

    async def roles_of(self, id_: UserId) -> frozenset[str]:
        """The values of the app roles of Guestlist's own API that a principal holds, itself or, a person, as a
        direct member of a group: what the principal's next token would carry. Empty for who is gone."""
