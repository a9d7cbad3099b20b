"""What each remedy does to the directory or mails to owners, whether it is still needed, and how it is taken back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.records import Done, Finding, FindingFilter, NotNow, Plan, Refusal, RemedyAction, Result
from shared.audits.plan import invited_key, notified_key
from shared.core.addresses import parse_address
from shared.core.audit_rules import RULES, Remedy, Rule
from shared.core.directory import direct_link
from shared.core.errors import Refused
from shared.core.results import (
    Blocked,
    Busy,
    Declined,
    Exists,
    Gone,
    GuestLook,
    Invited,
    Joined,
    Lagging,
    Missing,
    Unknown,
    Written,
)
from shared.core.versions import Versioned
from shared.core.waits import replication_wait
from shared.graph.ports import GuestReader, GuestToInvite
from shared.invitations.invite import LANE as INVITATIONS
from shared.mail.deliver import LANE as MAILS
from shared.mail.deliver import DeliverMail, Outgoing
from shared.mail.ports import Dispatched, Mailer
from shared.membership.model.apps import AppRecord
from shared.pace.pacing import Pace

if TYPE_CHECKING:
    from shared.audits.mail_text import JinjaAuditText


type Actions = list[Versioned[RemedyAction]]

_MAX_LINES = 50
_MEMBER, _NO_MEMBER = "member of the group", "no member of the group"


def need_of(
    action: RemedyAction, look: GuestLook, record: AppRecord, days: Mapping[str, date], now: datetime
) -> str | RemedyAction:
    """The action with what was before; or why it is not done: things have changed, or policy spares the guest."""
    policy, address = record.audits, (action.address or "").lower()
    if not look.exists:
        return "the account is gone"
    if not look.is_guest:
        return "the account is no guest's any more"
    if record.group not in look.groups:
        return "the guest is no member of the group any more"
    if action.rule is Rule.NEVER_REDEEMED and not look.pending:
        return "the guest has accepted meanwhile"
    if action.rule is Rule.EXPIRED and (address not in days or days[address] >= now.date()):
        return "the membership has a later last day now"
    if action.rule is Rule.DOMAIN_BLOCKED and record.policy.takes(address.rpartition("@")[2]):
        return "the domain is allowed again"
    if action.rule is Rule.ACCOUNT_DISABLED and look.enabled:
        return "the account may sign in again"
    if action.remedy is Remedy.RESEND:
        return replace(action, before="the invitation is not accepted")
    if look.has_role and action.remedy in (Remedy.BLOCK, Remedy.DELETE):
        # Whatever the policy says: a directory refuses most apps this as well.
        return "the guest holds a directory role: an administrator has to decide"
    if policy.skip_guests_with_other_access and look.has_more_than(record.group):
        return "the guest has another group, a directory role, or an app of their own"
    if action.remedy is Remedy.BLOCK:
        return replace(action, before="may sign in") if look.enabled else "the account is blocked already"
    return replace(action, before=_MEMBER, expires=days.get(address))


@dataclass(frozen=True, slots=True)
class Effects:
    """`mailer` is None where no sender is set up; `public_url` is where the portal is."""

    tools: AuditDependencies
    mailer: Mailer | None
    text: "JinjaAuditText"
    guest_reader: GuestReader
    public_url: str | None
    tenant_id: str
    invite_pace: Pace

    async def slot(self, remedy: Remedy, count: int, now: datetime) -> datetime | None:
        """When the pace of invitations or mails lets them be sent; None for now."""
        if remedy is Remedy.RESEND and count:
            slot = await self.tools.store.reserve(INVITATIONS, self.invite_pace, count, now)
        elif remedy is Remedy.NOTIFY_OWNER and count and self.mailer is not None:
            slot = await self.tools.store.reserve(MAILS, self.mailer.pace, count, now)
        else:
            return None
        return slot if slot > now + timedelta(seconds=1) else None

    async def do(
        self, plan: Plan, record: AppRecord, actions: Actions, *, again: Collection[str], attempt: int
    ) -> tuple[Actions, list[Result]]:
        """What came of each action of one remedy, with the actions as they are stored by then; `again` names those
        that an earlier delivery may have done. Safe to repeat."""
        if not actions:
            return [], []
        users = [a.value.subject for a in actions]
        match actions[0].value.remedy:
            case Remedy.NOTIFY_OWNER:
                return await self._notify(plan, record, actions, again, attempt)
            case Remedy.RESEND:
                return actions, await self._send_again(plan, record, [a.value for a in actions], again)
            case Remedy.REMOVE:
                answers: Sequence[object] = await self.tools.groups.leave(plan.group, users)
                after = _NO_MEMBER
            case Remedy.BLOCK:
                answers = await self.tools.groups.enable_guests(users, enabled=False)
                after = "may not sign in"
            case _:
                answers = await self.tools.groups.delete_guests(users)
                after = "the account is deleted, and can be restored for 30 days"
        return actions, [self._result(a, after) for a in answers]

    async def _notify(
        self, plan: Plan, record: AppRecord, actions: Actions, again: Collection[str], attempt: int
    ) -> tuple[Actions, list[Result]]:
        if self.mailer is None:
            return actions, [Refusal("no sender for Guestlist's own mail is set up") for _ in actions]
        now, stored = self.tools.clock.now(), {a.value.id: a for a in actions}
        results: dict[str, Result] = {}
        mails: dict[str, Outgoing] = {}
        found, more = await self._lines(plan, record)
        for id_, action in ((a.value.id, a.value) for a in actions):
            try:
                address = await self.guest_reader.mail_address(action.subject)
            except Refused as e:
                results[id_] = Refusal(str(e))
                continue
            if address is None:
                results[id_] = Refusal("the owner has no mail address, or may not sign in")
                continue
            mail = self.text.findings(
                key=f"audit-{plan.audit}-{plan.app}-{action.subject}",
                to=address,
                app=plan.app_name,
                lines=found,
                more=more,
                link=f"{self.public_url}/portal/groups/{plan.group}" if self.public_url else None,
            )
            mails[id_] = Outgoing(mail, action.handle, id_ in again)

        async def keep(handles: Mapping[str, str]) -> dict[str, str]:
            changed = [replace(stored[i], value=replace(stored[i].value, handle=h)) for i, h in handles.items()]
            for saved in await self.tools.remedies.save_actions(plan, changed):
                stored[saved.value.id] = saved
            return {i: handle for i in mails if (handle := stored[i].value.handle)}

        deliver = DeliverMail(self.mailer, self.tools.clock, self.tools.timing)
        for id_, answer in (await deliver(mails, now + self.tools.timing.claim, keep)).items():
            action = stored[id_].value
            if isinstance(answer, Dispatched):
                at = self.tools.clock.now()
                await self.tools.remedies.take_turn(notified_key(plan.app, action.subject), plan.audit, at, None)
                results[id_] = Done("a mail was sent")
            elif (why := deliver.gives_up(answer, action.at or now)) is not None:
                results[id_] = Refusal(why)
            else:
                results[id_] = NotNow(deliver.wait(answer, attempt)[0], happened=True)
        return list(stored.values()), [results[id_] for id_ in stored]

    async def _lines(self, plan: Plan, record: AppRecord) -> tuple[Sequence[str], int]:
        """Some of those that policy wants the owner to hear of, the worst first, and how many there are besides."""
        lines, more = list[str](), 0
        async for finding in self.tools.audits.all_findings(plan.audit, FindingFilter(app=plan.app)):
            if record.audits.remedies.get(finding.rule) is not Remedy.NOTIFY_OWNER:
                continue
            if len(lines) < _MAX_LINES:
                lines.append(_line(finding))
            else:
                more += 1
        return lines, more

    async def undo(self, plan: Plan, actions: Sequence[RemedyAction]) -> list[Result]:
        """Take actions of one remedy back. Safe to repeat."""
        users = [a.subject for a in actions]
        match actions[0].remedy:
            case Remedy.BLOCK:
                answers = await self.tools.groups.enable_guests(users, enabled=True)
                return [self._result(a, "may sign in") for a in answers]
            case Remedy.DELETE:
                restored = await self.tools.groups.restore_guests(users)
                looks = await self.tools.groups.get_guests(users)
                results = [self._restored(a, look) for a, look in zip(restored, looks, strict=True)]
                back = [u for u, r in zip(users, results, strict=True) if isinstance(r, Done)]
                # Their groups come back with them; where one did not, this one does.
                joined = dict(zip(back, await self.tools.groups.join(plan.group, back), strict=True))
                return [
                    self._result(joined[u], _MEMBER) if u in joined and not isinstance(joined[u], Joined) else r
                    for u, r in zip(users, results, strict=True)
                ]
            case _:
                looks = await self.tools.groups.get_guests(users)
                there = [u for u, look in zip(users, looks, strict=True) if look.exists]
                joins = dict(zip(there, await self.tools.groups.join(plan.group, there), strict=True))
                return [self._result(joins.get(u, Missing()), _MEMBER) for u in users]

    async def _send_again(
        self, plan: Plan, record: AppRecord, actions: Sequence[RemedyAction], again: Collection[str]
    ) -> list[Result]:
        """At most once: whoever takes the turn sends, and a turn is not given twice."""
        now = self.tools.clock.now()
        before = now - timedelta(days=record.audits.resend_after_days)
        results: dict[str, Result] = {}
        mine: list[RemedyAction] = []
        for action in actions:
            key = invited_key(plan.group, action.subject)
            if await self.tools.remedies.take_turn(key, plan.audit, now, before):
                mine.append(action)
            elif action.id in again:
                results[action.id] = Done("it may have been sent: it is not known, and not repeated")
            else:
                days = record.audits.resend_after_days
                results[action.id] = Refusal(f"sent less than {days} days ago")
        if mine:
            link = direct_link((await self.tools.groups.read_group(plan.group)).apps, self.tenant_id)
            guests = [
                GuestToInvite(parse_address(a.address or ""), a.name, link, mail=True, language=None) for a in mine
            ]
            for action, answer in zip(mine, await self.tools.groups.invite(guests), strict=True):
                if isinstance(answer, Busy | Blocked):
                    # Nothing was sent: the turn is for another time.
                    await self.tools.remedies.give_back(invited_key(plan.group, action.subject), plan.audit)
                results[action.id] = self._result(answer, "") if isinstance(answer, Busy) else self._sent(answer)
        return [results[a.id] for a in actions]

    @staticmethod
    def _sent(answer: object) -> Result:
        match answer:
            case Invited(request_id=number):
                return Done("the invitation was sent again", number)
            case Exists():
                return Refusal("the directory says that the account needs no invitation")
            case Declined(detail=detail) | Blocked(detail=detail):
                return Refusal(detail)
            case _:
                return Done("it may have been sent: it is not known, and not repeated")

    def _restored(self, answer: object, look: GuestLook) -> Result:
        if isinstance(answer, Missing):
            # Restored before, by this or by somebody else; or gone for good.
            return Done(_MEMBER) if look.exists else Refusal("the account is gone for good")
        return self._result(answer, _MEMBER)

    def _result(self, answer: object, after: str) -> Result:
        now = self.tools.clock.now()
        match answer:
            case Gone(request_id=number) | Written(request_id=number) | Joined(request_id=number):
                return Done(after, number)
            case Missing():
                return Refusal("the account is gone")
            case Declined(detail=detail):
                return Refusal(detail)
            case Busy(retry_after=wait):
                return NotNow(now + (wait or replication_wait(1)))
            case Lagging():
                return NotNow(now + replication_wait(1))
            case Unknown():
                return NotNow(now + replication_wait(1), happened=True)
            case _:
                return Refusal("the directory's answer is not understood")


def _line(finding: Finding) -> str:
    """A finding in one line, for a mail."""
    who = f"{finding.name} ({finding.address})" if finding.address else finding.name
    return f"{RULES[finding.rule].title}: {who}{f', {finding.detail}' if finding.detail else ''}"
