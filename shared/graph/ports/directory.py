"""What Guestlist needs of the directory, in the domain's words.

Calls on several guests answer per guest, in the order given; one guest's failure never hides another's
success. They take at most `CHUNK_SIZE` guests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.core.addresses import Address
from shared.core.groups import GroupFacts
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
        ...

    async def read_group(self, group: GroupId, *, keep: bool = False) -> GroupFacts:
        """Facts of a group with all its owners and the apps it opens. Safe to repeat. With `keep`, for work that
        nobody waits for, what was read within ten seconds counts while the directory refuses some reads.

        Raises:
            Refused: `group-missing`, or `permission-missing` naming the permission.
            DirectoryBusy: nothing could be learnt now.
        """
        ...

    async def find(self, addresses: Sequence[Address]) -> list[FindAnswer]:
        """The account whose own each address is: its mail, an identity that signs in, or an alias of a colleague's
        mailbox; `Lookalike` where accounts have it in another way only. Safe to repeat.

        Where it is several accounts' own, a guest who has accepted comes first, then a pending guest, then any other.
        A guest invited within the last minutes may not be shown. Raises Refused `permission-missing`."""
        ...

    async def invite(self, guests: Sequence[GuestToInvite]) -> list[InviteAnswer]:
        """Invite each. NOT safe to repeat: a repeat makes a second ticket and may send a second mail."""
        ...

    async def are_members(self, group: GroupId, users: Sequence[UserId]) -> list[bool | None]:
        """Who of them is a member of the group; None where it could not be learnt. Safe to repeat."""
        ...

    async def leave(self, group: GroupId, users: Sequence[UserId]) -> list[LeaveAnswer]:
        """Make none of them a member of the group any more; `not-a-guest` for an account that is none. Safe to
        repeat."""
        ...

    async def get_guests(self, users: Sequence[UserId], *, accounts_alone: bool = False) -> list[GuestLook]:
        """Who of them has accepted, and who has a group or an app besides; with `accounts_alone` nothing is said of
        what they have, and no more than inviting may do is needed. Safe to repeat.

        Raises:
            Refused: `permission-missing`.
            DirectoryBusy: nothing could be learnt now.
        """
        ...

    async def delete_guests(self, users: Sequence[UserId]) -> list[LeaveAnswer]:
        """Delete their accounts (softly: they can be restored for 30 days); `not-a-guest` for one that is none. Safe
        to repeat."""
        ...

    async def restore_guests(self, users: Sequence[UserId]) -> list[WriteAnswer]:
        """Bring deleted accounts back, with their groups. Missing for one that is there, or gone for good. Safe to
        repeat."""
        ...

    async def enable_guests(self, users: Sequence[UserId], *, enabled: bool) -> list[WriteAnswer]:
        """Let their accounts sign in, or not: then `not-a-guest` for one that is none. Safe to repeat."""
        ...

    async def join(self, group: GroupId, users: Sequence[UserId]) -> list[JoinAnswer]:
        """Make each a member of the group. Safe to repeat: who is a member already is answered so."""
        ...
