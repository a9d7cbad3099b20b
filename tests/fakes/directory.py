"""A directory in memory: guests, groups, tickets and mails, with answers put in its mouth where a test wants."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.domain.addresses import Address
from shared.domain.answers import (
    Account,
    FindAnswer,
    InviteAnswer,
    Invited,
    JoinAnswer,
    Joined,
    NotFound,
    Unknown,
)
from shared.domain.errors import Refused
from shared.domain.groups import GroupFacts
from shared.domain.ids import GroupId, UserId
from shared.domain.reasons import Reason
from shared.ports.directory import GuestToInvite


@dataclass
class FakeDirectory:
    """`find_says`, `invite_says` and `join_says` are answers to give instead, by address key or user id, one a
    call. An `Unknown` in `invite_says` has its effect all the same: what is unknown is the answer.
    `find_fails` are errors that the next look-ups end with, `hidden` are addresses that look-ups do not show yet."""

    groups: dict[GroupId, GroupFacts] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    members: dict[GroupId, set[UserId]] = field(default_factory=lambda: defaultdict(set))
    tickets: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    mails: list[str] = field(default_factory=list)
    invited: list[GuestToInvite] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    find_says: dict[str, list[FindAnswer]] = field(default_factory=lambda: defaultdict(list))
    invite_says: dict[str, list[InviteAnswer]] = field(default_factory=lambda: defaultdict(list))
    join_says: dict[UserId, list[JoinAnswer]] = field(default_factory=lambda: defaultdict(list))
    find_fails: list[Exception] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def read_group(self, group: GroupId) -> GroupFacts:
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
        account = self.accounts.setdefault(key, Account(UserId(f"user-{key}"), True, True, True))
        self.tickets[key] += 1
        if guest.mail:
            self.mails.append(key)
        return says or Invited(account.id, f"https://redeem.example/{key}/{self.tickets[key]}")

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
