"""The directory port on Microsoft Graph. Each call is one request, or one ``$batch``, for a whole chunk."""

from collections.abc import Sequence

from shared.core.addresses import Address
from shared.core.groups import GroupFacts
from shared.core.ids import GroupId, UserId
from shared.core.results import FindAnswer, GuestLook, InviteAnswer, JoinAnswer, LeaveAnswer, WriteAnswer
from shared.graph import accounts, groups, invitations, leaving, members
from shared.graph.ports.directory import Directory, GuestToInvite
from shared.graph.session import GraphSession


class GraphDirectory(Directory):
    """Speaks through a session that others may use as well; closing it is for the one who made it. `known` tells
    which apps a group was set up with."""

    def __init__(self, session: GraphSession, known: groups.Known = groups.nothing_known) -> None:
        self._session = session
        self._known = known

    @property
    def pressure(self) -> float:
        return self._session.pressure

    async def read_group(self, group: GroupId, *, keep: bool = False) -> GroupFacts:
        return await groups.read_group(self._session, group, self._known, keep=keep)

    async def find(self, addresses: Sequence[Address]) -> list[FindAnswer]:
        return await accounts.find(self._session, addresses)

    async def invite(self, guests: Sequence[GuestToInvite]) -> list[InviteAnswer]:
        return await invitations.invite(self._session, guests)

    async def are_members(self, group: GroupId, users: Sequence[UserId]) -> list[bool | None]:
        return await members.are_members(self._session, group, users)

    async def leave(self, group: GroupId, users: Sequence[UserId]) -> list[LeaveAnswer]:
        return await leaving.leave(self._session, group, users)

    async def get_guests(self, users: Sequence[UserId], *, accounts_alone: bool = False) -> list[GuestLook]:
        look = leaving.read_accounts if accounts_alone else leaving.get_guests
        return await look(self._session, users)

    async def delete_guests(self, users: Sequence[UserId]) -> list[LeaveAnswer]:
        return await leaving.delete_guests(self._session, users)

    async def restore_guests(self, users: Sequence[UserId]) -> list[WriteAnswer]:
        return await leaving.restore_guests(self._session, users)

    async def enable_guests(self, users: Sequence[UserId], *, enabled: bool) -> list[WriteAnswer]:
        return await leaving.enable_guests(self._session, users, enabled=enabled)

    async def join(self, group: GroupId, users: Sequence[UserId]) -> list[JoinAnswer]:
        return await members.join(self._session, group, users)
