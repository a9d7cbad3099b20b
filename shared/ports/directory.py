"""What Guestlist needs of the directory, in the domain's words.

Calls on several guests answer per guest, in the order given; one guest's failure never hides another's
success. They take at most `CHUNK_SIZE` guests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.domain.addresses import Address
from shared.domain.answers import FindAnswer, InviteAnswer, JoinAnswer
from shared.domain.groups import GroupFacts
from shared.domain.ids import GroupId, UserId


@dataclass(frozen=True, slots=True)
class GuestToInvite:
    """One guest to be. `mail` asks the directory to send its own invitation mail, in `language`."""

    address: Address
    display_name: str | None
    redirect_url: str
    mail: bool
    language: str | None


class Directory(Protocol):
    async def read_group(self, group: GroupId) -> GroupFacts:
        """Facts of a group with all its owners and the apps it opens. Safe to repeat.

        Raises:
            Refused: `group-missing`, or `permission-missing` naming the permission.
            DirectoryBusy: nothing could be learnt now.
        """
        ...

    async def find(self, addresses: Sequence[Address]) -> list[FindAnswer]:
        """The account of each address, by mail, other mails or proxy address. Safe to repeat.

        Where several accounts have an address, a guest who has accepted comes first, then a pending guest,
        then any other. A guest invited within the last minutes may not be shown.

        Raises:
            Refused: `permission-missing`.
        """
        ...

    async def invite(self, guests: Sequence[GuestToInvite]) -> list[InviteAnswer]:
        """Invite each. NOT safe to repeat: a repeat makes a second ticket and may send a second mail."""
        ...

    async def join(self, group: GroupId, users: Sequence[UserId]) -> list[JoinAnswer]:
        """Make each a member of the group. Safe to repeat: who is a member already is answered so."""
        ...
