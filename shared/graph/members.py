"""Making guests members of a group."""

from collections.abc import Sequence

from shared.core.directory import refusal
from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.core.results import Declined, JoinAnswer, Joined, Unknown
from shared.graph import batch, errors
from shared.graph.batch import Part
from shared.graph.groups import read_group
from shared.graph.on_graph import OnGraph
from shared.graph.response import Response

_VAGUE = {Reason.PERMISSION_MISSING, Reason.DIRECTORY_REFUSED}
"""What a group that turned dynamic or role-assignable meanwhile is answered with, too."""


class Members(OnGraph):
    async def join(self, group: GroupId, users: Sequence[UserId]) -> list[JoinAnswer]:
        """One PATCH for all; where that is refused, one ``$batch`` with a request for each."""
        distinct = list(dict.fromkeys(users))
        answers = await self._join_all(group, distinct) if len(distinct) > 1 else None
        if answers is None:
            answers = await self._join_each(group, distinct)
        if any(isinstance(a, Declined) and a.reason in _VAGUE for a in answers):
            answers = await self._with_reason(group, answers)
        by_user = dict(zip(distinct, answers, strict=True))
        return [by_user[user] for user in users]

    async def are_members(self, group: GroupId, users: Sequence[UserId]) -> list[bool | None]:
        """One ``$batch``; nested groups count."""
        parts = [Part("POST", f"/users/{user}/checkMemberGroups", {"groupIds": [group]}) for user in users]
        return [_is_in(response, group) for response in await batch.send(self._session, parts)]

    async def _join_all(self, group: GroupId, users: list[UserId]) -> list[JoinAnswer] | None:
        """Answers where the one call decides about all of them, None where each has to be asked for.

        The call is all or nothing: one who is a member already, or whom replication has not brought here, fails
        the rest (graph contract "Groups").
        """
        body = {"members@odata.bind": [self._reference(user) for user in users]}
        response = await self._session.request("PATCH", f"/groups/{group}", body=body)
        if response.status in (200, 204):
            return [Joined(before=False) for _ in users]
        if busy := errors.nothing_happened(response):
            return [busy for _ in users]
        if not errors.may_have_worked(response):
            return None
        if response.status == 0:
            return [Unknown(errors.words(response)) for _ in users]
        # Asking for each finds out, and one whom the directory stumbles over holds up nobody else. Who is found a
        # member may have become one just now: nobody is told to have been one before.
        each = await self._join_each(group, users)
        return [Joined(before=False) if isinstance(answer, Joined) else answer for answer in each]

    async def _join_each(self, group: GroupId, users: list[UserId]) -> list[JoinAnswer]:
        parts = [Part("POST", f"/groups/{group}/members/$ref", {"@odata.id": self._reference(u)}) for u in users]
        return [errors.join_answer(response, group) for response in await batch.send(self._session, parts)]

    def _reference(self, user: UserId) -> str:
        return f"{self._session.base_url}/directoryObjects/{user}"

    async def _with_reason(self, group: GroupId, answers: list[JoinAnswer]) -> list[JoinAnswer]:
        """The answers, with the group's kind for a reason where that is what stands in the way."""
        try:
            reason = refusal(await read_group(self._session, group))
        except Refused as e:
            reason = e.reason if e.reason is Reason.GROUP_MISSING else None
        except DirectoryBusy:
            reason = None
        if reason is None:
            return answers
        return [Declined(reason, a.detail) if isinstance(a, Declined) and a.reason in _VAGUE else a for a in answers]


def _is_in(response: Response, group: GroupId) -> bool | None:
    if response.status != 200 or not isinstance(response.body, dict):
        return None
    return group in [str(id_).lower() for id_ in response.body.get("value") or ()]
