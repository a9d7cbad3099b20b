"""The directory port on Microsoft Graph. Each call is one request, or one ``$batch``, for a whole chunk."""

from collections.abc import Sequence

from shared.core.directory import GroupFacts
from shared.core.ids import GroupId
from shared.core.results import InviteAnswer
from shared.graph import groups, invitations
from shared.graph.accounts import Accounts
from shared.graph.leaving import Leaving
from shared.graph.members import Members
from shared.graph.ports import Directory, GuestToInvite
from shared.graph.session import GraphSession


class GraphDirectory(Accounts, Members, Leaving, Directory):
    """`known` tells which apps a group was set up with."""

    def __init__(self, session: GraphSession, known: groups.Known = groups.nothing_known) -> None:
        super().__init__(session)
        self._known = known

    @property
    def pressure(self) -> float:
        return self._session.pressure

    async def read_group(self, group: GroupId, *, keep: bool = False) -> GroupFacts:
        return await groups.read_group(self._session, group, self._known, keep=keep)

    async def invite(self, guests: Sequence[GuestToInvite]) -> list[InviteAnswer]:
        return await invitations.invite(self._session, guests)
