"""A directory in memory: guests, groups, tickets and mails, with answers put in its mouth where a test wants."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shared.core.addresses import Address
from shared.core.clock import Clock
from shared.core.directory import GroupFacts
from shared.core.errors import Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.core.results import (
    Account,
    Declined,
    FindAnswer,
    Gone,
    GuestLook,
    InviteAnswer,
    Invited,
    JoinAnswer,
    Joined,
    LeaveAnswer,
    Missing,
    NotFound,
    Unknown,
    WriteAnswer,
    Written,
)
from shared.graph.ports import GuestToInvite

_NO_GUEST = Declined(Reason.NOT_A_GUEST, "the account is no guest's")


@dataclass
class FakeDirectory:
    """`find_says`, `invite_says` and `join_says` are answers to give instead, by address key or user id, one a
    call. An `Unknown` in `invite_says` has its effect all the same: what is unknown is the answer.
    `find_fails` are errors that the next look-ups end with, `hidden` are addresses that look-ups do not show yet."""

    groups: dict[GroupId, GroupFacts] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    deleted: dict[str, Account] = field(default_factory=dict)
    members: dict[GroupId, set[UserId]] = field(default_factory=lambda: defaultdict(set))
    roles: set[UserId] = field(default_factory=set)
    """Who holds a directory role."""
    tickets: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    mails: list[str] = field(default_factory=list)
    invited: list[GuestToInvite] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    find_says: dict[str, list[FindAnswer]] = field(default_factory=lambda: defaultdict(list))
    invite_says: dict[str, list[InviteAnswer]] = field(default_factory=lambda: defaultdict(list))
    join_says: dict[UserId, list[JoinAnswer]] = field(default_factory=lambda: defaultdict(list))
    find_fails: list[Exception] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    pressed: float = 0.0
    clock: Clock | None = None
    """Accounts that are made get its time; without one they have none."""

    async def read_group(self, group: GroupId, *, keep: bool = False) -> GroupFacts:
        self.calls.append("read_group")
        if group not in self.groups:
            raise Refused(Reason.GROUP_MISSING)
        return self.groups[group]

    async def find(self, addresses: Sequence[Address]) -> list[FindAnswer]:
        self.calls.append("find")
        if self.find_fails:
            raise self.find_fails.pop(0)
        return [self._find(a.key) for a in addresses]

    def _find(self, key: str) -> FindAnswer:
        if self.find_says[key]:
            return self.find_says[key].pop(0)
        if key in self.hidden:
            return NotFound()
        return self.accounts.get(key, NotFound())

    async def invite(self, guests: Sequence[GuestToInvite]) -> list[InviteAnswer]:
        self.calls.append("invite")
        return [self._invite(guest) for guest in guests]

    def _invite(self, guest: GuestToInvite) -> InviteAnswer:
        key = guest.address.key
        says = self.invite_says[key].pop(0) if self.invite_says[key] else None
        if says is not None and not isinstance(says, Unknown):
            return says
        self.invited.append(guest)
        created = self.clock.now() if self.clock is not None else None
        account = self.accounts.setdefault(key, Account(UserId(f"user-{key}"), True, True, True, created))
        self.tickets[key] += 1
        if guest.mail:
            self.mails.append(key)
        return says or Invited(account.id, f"https://redeem.example/{key}/{self.tickets[key]}")

    @property
    def pressure(self) -> float:
        return self.pressed

    async def are_members(self, group: GroupId, users: Sequence[UserId]) -> list[bool | None]:
        self.calls.append("are_members")
        return [user in self.members[group] for user in users]

    async def leave(self, group: GroupId, users: Sequence[UserId]) -> list[LeaveAnswer]:
        self.calls.append("leave")
        guests = self._guests(users)
        self.members[group] -= guests
        return [Gone() if user in guests else _NO_GUEST for user in users]

    def _guests(self, users: Sequence[UserId]) -> set[UserId]:
        """Those of them who are not known to be anything else."""
        return set(users) - {a.id for a in self.accounts.values() if not a.is_guest}

    async def get_guests(self, users: Sequence[UserId], *, accounts_alone: bool = False) -> list[GuestLook]:
        self.calls.append("get_guests")
        return [self._look(user) for user in users]

    def _look(self, user: UserId) -> GuestLook:
        account = next((a for a in self.accounts.values() if a.id == user), None)
        if account is None:
            return GuestLook(exists=False)
        groups = frozenset(group for group, members in self.members.items() if user in members)
        return GuestLook(
            is_guest=account.is_guest,
            pending=account.pending,
            enabled=account.enabled,
            groups=groups,
            has_role=user in self.roles,
        )

    async def delete_guests(self, users: Sequence[UserId]) -> list[LeaveAnswer]:
        self.calls.append("delete_guests")
        guests = self._guests(users)
        self.deleted |= {key: a for key, a in self.accounts.items() if a.id in guests}
        self.accounts = {key: a for key, a in self.accounts.items() if a.id not in guests}
        return [Gone() if user in guests else _NO_GUEST for user in users]

    async def restore_guests(self, users: Sequence[UserId]) -> list[WriteAnswer]:
        self.calls.append("restore_guests")
        back = {key: a for key, a in self.deleted.items() if a.id in users}
        self.accounts |= back
        self.deleted = {key: a for key, a in self.deleted.items() if key not in back}
        restored = {a.id for a in back.values()}
        return [Written() if user in restored else Missing() for user in users]

    async def enable_guests(self, users: Sequence[UserId], *, enabled: bool) -> list[WriteAnswer]:
        self.calls.append("enable_guests")
        meant = set(users) if enabled else self._guests(users)
        there = {a.id for a in self.accounts.values()}
        self.accounts = {key: replace(a, enabled=enabled) if a.id in meant else a for key, a in self.accounts.items()}
        return [_NO_GUEST if user not in meant else Written() if user in there else Missing() for user in users]

    async def join(self, group: GroupId, users: Sequence[UserId]) -> list[JoinAnswer]:
        self.calls.append("join")
        return [self._join(group, user) for user in users]

    def _join(self, group: GroupId, user: UserId) -> JoinAnswer:
        if self.join_says[user]:
            says = self.join_says[user].pop(0)
            if isinstance(says, Unknown):
                self.members[group].add(user)
            return says
        before = user in self.members[group]
        self.members[group].add(user)
        return Joined(before)
