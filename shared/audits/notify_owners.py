"""Mails to owners: what audits found in their app."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.findings import Finding, FindingFilter
from shared.audits.model.remedies import Done, NotNow, Plan, Refusal, RemedyAction, Result
from shared.audits.plan import notified_key
from shared.core.audit_rules import RULES, Remedy
from shared.core.errors import Refused
from shared.core.versions import Versioned
from shared.graph.ports import GuestReader
from shared.mail.deliver import DeliverMail, Outgoing
from shared.mail.ports import Dispatched, Mailer
from shared.membership.model.apps import AppRecord
from shared.pace.pacing import Pace

if TYPE_CHECKING:
    from shared.audits.mail_text import JinjaAuditText

_MAX_LINES = 50

type Actions = list[Versioned[RemedyAction]]


@dataclass(frozen=True, slots=True)
class NotifyOwners:
    """`mailer` is None where no sender is set up; `public_url` is where the portal is."""

    tools: AuditDependencies
    mailer: Mailer | None
    text: "JinjaAuditText"
    guest_reader: GuestReader
    public_url: str | None

    @property
    def pace(self) -> Pace | None:
        return self.mailer.pace if self.mailer is not None else None

    async def __call__(
        self, plan: Plan, record: AppRecord, actions: Actions, *, again: Collection[str], attempt: int
    ) -> tuple[Actions, list[Result]]:
        """What came of each action, with the actions as they are stored by then; `again` names those that an earlier
        delivery may have done. Safe to repeat."""
        if self.mailer is None:
            return actions, [Refusal("no sender for Guestlist's own mail is set up") for _ in actions]
        now, stored = self.tools.clock.now(), {a.value.id: a for a in actions}
        results: dict[str, Result] = {}
        mails: dict[str, Outgoing] = {}
        found, more = await self._findings(plan, record)
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
                to_name=None,
                app=plan.app_name,
                lines=found,
                more=more,
                link=f"{self.public_url}/portal/groups/{plan.group}" if self.public_url else None,
            )
            mails[id_] = Outgoing(mail, action.handle, id_ in again)

        async def keep(handles: Mapping[str, str]) -> dict[str, str]:
            changed = [replace(stored[i], value=replace(stored[i].value, handle=h)) for i, h in handles.items()]
            for saved in await self.tools.remedies.save_actions(plan.audit, plan.app, changed):
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

    async def _findings(self, plan: Plan, record: AppRecord) -> tuple[Sequence[str], int]:
        """Some of those that policy wants the owner to hear of, the worst first, and how many there are besides."""
        lines: list[str] = []
        count, after = 0, None
        while True:
            page = await self.tools.audits.list_findings(plan.audit, FindingFilter(app=plan.app), after, 500)
            for finding in page.findings:
                if record.audits.remedies.get(finding.rule) is Remedy.NOTIFY_OWNER:
                    count += 1
                    if len(lines) < _MAX_LINES:
                        lines.append(line_of(finding))
            after = page.continuation
            if after is None:
                return lines, count - len(lines)


def line_of(finding: Finding) -> str:
    """A finding in one line, for a mail."""
    who = f"{finding.name} ({finding.address})" if finding.address else finding.name
    return f"{RULES[finding.rule].title}: {who}{f', {finding.detail}' if finding.detail else ''}"
