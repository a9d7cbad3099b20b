"""The doors: each step names the action, the table of `shared.membership.model.access` decides."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.core.caller import Caller
from shared.core.clock import Clock
from shared.core.directory import GroupFacts
from shared.core.errors import Refused
from shared.core.ids import AppId, GroupId, UserId
from shared.core.reasons import REASONS, Reason
from shared.core.versions import Versioned
from shared.graph.ports import Directory, Principals, Standing
from shared.membership.model.access import (
    RULES,
    Action,
    AppRole,
    InviteTo,
    Role,
    closed,
    group_roles,
    may,
    tenant_roles,
)
from shared.membership.model.apps import AppRecord, RequestPolicy
from shared.membership.ports import AppStore

REMEMBERED = timedelta(seconds=30)
"""How long a group's owners may be remembered for actions that only read. Every other asks the directory."""
_ROOM = 500
_NO_APP = "No app of this id is set up"


@dataclass(frozen=True, slots=True)
class Seen:
    """A group, the apps that were set up with it, and all that the caller is to it."""

    facts: GroupFacts
    apps: tuple[AppRecord, ...]
    roles: frozenset[Role]

    @property
    def app(self) -> AppRecord | None:
        """The app whose policy holds, where there is one."""
        return self.apps[0] if self.apps else None

    @property
    def role(self) -> Role:
        """The first that fits, in the order of `Role`."""
        return next(role for role in Role if role in self.roles)


def require(caller: Caller, action: Action) -> None:
    """The door of what belongs to the tenant. Raises Refused `not-admin`, naming the app roles that open it."""
    if not may(tenant_roles(caller.roles), action):
        rule = RULES[action]
        names = " or ".join(name.value for name in AppRole if rule.roles & tenant_roles([name]))
        raise Refused(Reason.NOT_ADMIN, f"It takes the app role {names} to {rule.does}")


@dataclass(slots=True)
class Access:
    """The doors of what belongs to a group; and, for what is done later than it was asked for, whether who asked
    still may: as the directory says at that time. With `guests_count` guests may be owners and approvers."""

    directory: Directory
    setups: AppStore
    clock: Clock
    principals: Principals
    invite_to: InviteTo = InviteTo.SET_UP
    guests_count: bool = False
    _groups: dict[GroupId, tuple[datetime, GroupFacts]] = field(default_factory=dict)

    async def require(self, group_id: GroupId, caller: Caller, action: Action) -> Seen:
        """The group as the caller sees it. Raises Refused `group-missing`; `not-owner` where the table does not give
        the action to the caller."""
        read = self._read if RULES[action].reads else self.directory.read_group
        facts, found = await asyncio.gather(read(group_id), self.setups.list_apps(group_id))
        apps = tuple(found)
        roles = group_roles(caller.object_id, caller.roles, facts, apps)
        others = roles - {Role.APPROVER}
        # An approver was looked at when the app was set up; the account may have become another since.
        if may(roles, action) and not may(others, action) and not await self._counts(caller.object_id):
            roles = others
        if not may(roles, action):
            raise Refused(Reason.NOT_OWNER)
        return Seen(facts, apps, roles)

    async def read(self, group_id: GroupId, *, keep: bool = False) -> Seen:
        """The group and its apps as they are now, whoever asks. Raises Refused `group-missing`."""
        facts = self.directory.read_group(group_id, keep=keep)
        found, apps = await asyncio.gather(facts, self.setups.list_apps(group_id))
        return Seen(found, tuple(apps), frozenset())

    async def may(self, group_id: GroupId, caller: Caller, action: Action) -> bool:
        """Whether the table gives the action to the caller; False as well where there is no such group."""
        try:
            await self.require(group_id, caller, action)
        except Refused as e:
            if e.reason not in (Reason.NOT_OWNER, Reason.GROUP_MISSING):
                raise
            return False
        return True

    async def require_app(self, app_id: AppId, caller: Caller, action: Action) -> Versioned[AppRecord]:
        """Raises Refused `app-missing`, both where there is none and where the table does not give the action to the
        caller."""
        stored = await read_app(self.setups, app_id)
        if not await self.may(stored.value.group, caller, action):
            raise Refused(Reason.APP_MISSING, _NO_APP)
        return stored

    async def require_still(self, group_id: GroupId, who: UserId, *actions: Action) -> Seen:
        """The door before an effect that was asked for earlier: whether the table gives one of the actions to `who`
        at this time. Two requests, or three with their app roles where the group alone does not do. Raises Refused
        `authority-lost`, with an explanation; `group-missing`, `permission-missing`; DirectoryBusy: nothing could be
        learnt now."""
        seen = await self.read(group_id, keep=True)
        await self._require_account(who)
        roles = group_roles(who, (), seen.facts, seen.apps)
        if not any(may(roles, action) for action in actions):
            roles = group_roles(who, await self.principals.roles_of(who), seen.facts, seen.apps)
        if not any(may(roles, action) for action in actions):
            raise _lost(f"who asked for it may no longer {RULES[actions[0]].does}: group '{seen.facts.name}'")
        return replace(seen, roles=roles)

    async def require_role_still(self, who: UserId, action: Action) -> None:
        """The same for what belongs to the tenant. Raises as `require_still`, but for `group-missing`."""
        await self._require_account(who)
        if not may(tenant_roles(await self.principals.roles_of(who)), action):
            raise _lost(f"who asked for it may no longer {RULES[action].does}")

    async def require_admitted(self, group_id: GroupId, who: UserId) -> Seen:
        """The group, if it still takes guests that `who` has let in: by an invitation, by a decision about a request,
        or as the app whose policy lets everybody in. Raises Refused: as `require_still`, and why the group takes no
        guests; DirectoryBusy: nothing could be learnt now."""
        apps = tuple(await self.setups.list_apps(group_id))
        if any(who == UserId(app.service_principal) and app.policy.lets_in is RequestPolicy.OPEN for app in apps):
            seen = Seen(await self.directory.read_group(group_id, keep=True), apps, frozenset())
        else:
            seen = await self.require_still(group_id, who, Action.INVITE, Action.DECIDE_REQUESTS)
        self.require_open(seen)
        return seen

    def require_open(self, seen: Seen) -> None:
        """Raises Refused where nobody is invited into the group, whoever asks."""
        if (reason := self.closed(seen)) is not None:
            raise Refused(reason, f"'{seen.facts.name}': {REASONS[reason].title.lower()}")

    def closed(self, seen: Seen) -> Reason | None:
        """Why nobody is invited into the group."""
        return closed(seen.facts, seen.apps, self.invite_to)

    async def _require_account(self, who: UserId) -> None:
        standing = await self._standing(who, keep=True)
        if standing is None:
            raise _lost("the account of who asked for it is not in the directory any more")
        if not standing.enabled:
            raise _lost("the account of who asked for it is blocked from signing in")
        if standing.is_guest and not self.guests_count:
            raise _lost("the account of who asked for it is a guest's")

    async def _counts(self, who: UserId) -> bool:
        standing = await self._standing(who, keep=False)
        return standing is not None and standing.enabled and (self.guests_count or not standing.is_guest)

    async def _standing(self, who: UserId, *, keep: bool) -> Standing | None:
        return (await self.principals.standing([who], keep=keep)).get(who)

    async def _read(self, group_id: GroupId) -> GroupFacts:
        """As it was within the last `REMEMBERED`. Raises Refused `group-missing`."""
        now = self.clock.now()
        known = self._groups.get(group_id)
        if known is not None and known[0] > now - REMEMBERED:
            return known[1]
        group = await self.directory.read_group(group_id)
        if len(self._groups) >= _ROOM:
            self._groups.clear()
        self._groups[group_id] = (now, group)
        return group


async def read_app(setups: AppStore, app_id: AppId) -> Versioned[AppRecord]:
    """Raises Refused `app-missing`."""
    stored = await setups.read_app(app_id)
    if stored is None:
        raise Refused(Reason.APP_MISSING, _NO_APP)
    return stored


def _lost(why: str) -> Refused:
    return Refused(Reason.AUTHORITY_LOST, why)
