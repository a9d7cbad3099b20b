"""Who may do what. Guestlist acts on the directory with its own permission, so these few lines are the only
thing between a caller and the directory."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.groups import GroupFacts
from shared.domain.ids import UserId


class AppRole(StrEnum):
    """App roles of Guestlist's API, as they stand in a token's ``roles`` claim."""

    ADMIN = "Admin"
    AUDITOR = "Auditor"
    INVITER = "Inviter"


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated party of a request: a person, or an app that acts for itself."""

    object_id: UserId
    name: str
    roles: frozenset[str]
    is_app: bool

    @property
    def is_admin(self) -> bool:
        return AppRole.ADMIN in self.roles

    @property
    def may_see_everything(self) -> bool:
        return self.is_admin or AppRole.AUDITOR in self.roles


def may_invite(caller: Caller, group: GroupFacts) -> bool:
    """An owner of the group (a person or a service principal), or anybody with the admin app role."""
    return caller.is_admin or caller.object_id in group.owners


def may_see(caller: Caller, group: GroupFacts) -> bool:
    """Who may invite, and auditors."""
    return caller.may_see_everything or caller.object_id in group.owners
