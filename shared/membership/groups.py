"""The groups that a person has to do with, the apps that they open; and their guests, as an owner manages them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.core.caller import Caller
from shared.core.clock import Clock
from shared.core.directory import GroupApp, GroupFacts
from shared.core.errors import Refused
from shared.core.ids import AuditId, GroupId, UserId
from shared.core.reasons import Reason
from shared.core.records import ChangeLogEntry
from shared.core.results import Declined, require_gone
from shared.graph.ports import Directory, GuestFacts, GuestPage, GuestReader
from shared.membership.access import Access, Seen, require
from shared.membership.model.access import Action, Role, group_roles
from shared.membership.model.accounts import ExpectedMembership
from shared.membership.model.apps import AppRecord
from shared.membership.ports import AppStore, LastDays, OwnAction, OwnActions
from shared.membership.stop import StopSwitch
from shared.storage.ports import ChangeLog


@dataclass(frozen=True, slots=True)
class ShowGroups:
    access: Access
    guest_reader: GuestReader
    setups: AppStore

    async def one(self, group: GroupId, caller: Caller) -> Seen:
        """Raises Refused `group-missing`, `not-owner`."""
        return await self.access.require(group, caller, Action.SEE_GROUP)

    async def of_caller(self, caller: Caller, *, with_all: bool) -> list[Seen]:
        """The groups that the caller owns or decides for; `with_all` adds those of all apps that are set up. By name.
        Raises Refused `not-admin`, where `with_all` is not the caller's to ask."""
        if with_all:
            require(caller, Action.LIST_ALL_GROUPS)
        owned, apps = await asyncio.gather(self._owned(caller), self.setups.list_apps())
        by_group: dict[GroupId, list[AppRecord]] = {}
        for app in apps:
            by_group.setdefault(app.group, []).append(app)
        found = {g.id: self._seen(caller, g, by_group.get(g.id, ())) for g in owned}
        for group, records in by_group.items():
            # An app that calls for itself owns what its record says: the directory lists people's groups alone.
            seen = self._seen(caller, _facts(records), records)
            mine = {Role.APPROVER, Role.INVITER} | ({Role.OWNER} if caller.is_app else set())
            if group not in found and seen.roles and (with_all or seen.roles & mine):
                found[group] = seen
        return sorted(found.values(), key=lambda s: (s.facts.name.casefold(), s.facts.id))

    def _seen(self, caller: Caller, facts: GroupFacts, records: Sequence[AppRecord]) -> Seen:
        return Seen(facts, tuple(records), group_roles(caller.object_id, caller.roles, facts, records))

    async def _owned(self, caller: Caller) -> Sequence[GroupFacts]:
        return () if caller.is_app else await self.guest_reader.owned_groups(caller.object_id)


def _facts(records: Sequence[AppRecord]) -> GroupFacts:
    """A group as it was when its app was set up: what kind it is by now, the page of the group tells."""
    first = records[0]
    return GroupFacts(
        id=first.group,
        name=first.group_name,
        owners=frozenset(p.id for p in first.owners),
        apps=tuple(GroupApp(record.name, record.app_id) for record in records),
    )


@dataclass(frozen=True, slots=True)
class GuestCommands:
    access: Access
    directory: Directory
    guest_reader: GuestReader
    last_days: LastDays
    own_actions: OwnActions
    change_log: ChangeLog
    clock: Clock
    stop: StopSwitch

    async def list(
        self, group: GroupId, caller: Caller, continuation: str | None, find: str | None = None
    ) -> tuple[GuestPage, Mapping[UserId, date]]:
        """A page of guests, and the last days of those who have one. Raises Refused `not-owner`, `group-missing`,
        `parameter-invalid` for a continuation never given out."""
        await self.access.require(group, caller, Action.READ_GUESTS)
        page = await self.guest_reader.guests(group, continuation, find)
        keys = {guest.id: guest.address.lower() for guest in page.guests if guest.address}
        expires = await self.last_days.read_expiries(group, sorted(set(keys.values())))
        return page, {user: expires[key] for user, key in keys.items() if key in expires}

    async def remove(self, group: GroupId, user: UserId, caller: Caller) -> None:
        """Make the guest no member any more; the account stays. Safe to repeat. Raises Refused `not-owner`,
        `group-missing`, `stopped`, `guest-missing`, or the directory's refusal; DirectoryBusy: a repeat goes on."""
        await self.access.require(group, caller, Action.CHANGE_GUESTS)
        await self.stop.require_running()
        guest, now = await self._guest(group, user), self.clock.now()
        # Known before it is so: an audit does not wonder who took the membership away.
        await self._record_action(OwnAction(user, group, ExpectedMembership(False, now)))
        [answer] = await self.directory.leave(group, [user])
        if isinstance(answer, Declined):
            await self._record_action(OwnAction(user, group, ExpectedMembership(True, self.clock.now())))
        number = require_gone(answer).request_id
        await self.change_log.add([self._entry(guest, group, caller, now, number)])
        if guest.address:
            await self.last_days.write_expiry(group, guest.address.lower(), None)

    async def _record_action(self, own_action: OwnAction) -> None:
        await self.own_actions.record_actions(AuditId(""), [own_action])

    def _entry(
        self, guest: GuestFacts, group: GroupId, caller: Caller, at: datetime, request_id: str | None
    ) -> ChangeLogEntry:
        return ChangeLogEntry(
            key=f"{self.clock.random_hex(12)}-removed",
            at=at,
            who=f"{caller.name} ({caller.object_id})",
            what="remove",
            subject=guest.id,
            name=guest.name,
            group=group,
            app=None,
            before="member of the group",
            after="no member of the group",
            request_id=request_id,
        )

    async def set_expiry(self, group: GroupId, user: UserId, expires: date | None, caller: Caller) -> None:
        """Set, renew or clear the last day of a guest's membership. Safe to repeat. Raises Refused `not-owner`,
        `group-missing`, `guest-missing`, `body-invalid` for a day that is over."""
        await self.access.require(group, caller, Action.CHANGE_GUESTS)
        if expires is not None and expires < self.clock.now().date():
            raise Refused(Reason.BODY_INVALID, f"{expires} is over already", field="expires")
        guest = await self._guest(group, user)
        if not guest.address:
            raise Refused(Reason.GUEST_MISSING, "The account has no mail address to keep the day by")
        await self.last_days.write_expiry(group, guest.address.lower(), expires)

    async def _guest(self, group: GroupId, user: UserId) -> GuestFacts:
        guest = await self.guest_reader.guest(group, user)
        if guest is None:
            raise Refused(Reason.GUEST_MISSING)
        return guest
