"""A mail to an owner: what audits found in their app."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.domain.answers import Busy, Declined, Unknown
from shared.domain.audits.findings import Finding, FindingFilter
from shared.domain.audits.remedies import Action, Plan
from shared.domain.audits.results import Done, NotNow, Refusal, Result
from shared.domain.audits.rules import RULES, Remedy
from shared.domain.errors import Refused
from shared.domain.pacing import Pace
from shared.domain.setup.records import AppRecord
from shared.domain.waits import busy_wait
from shared.ports.mailer import DispatchAnswer, Dispatched, Mailer, PrepareAnswer, Prepared
from shared.ports.rosters import Rosters
from shared.steps.audits.plan import told_key
from shared.steps.audits.tools import AuditTools

if TYPE_CHECKING:
    from shared.adapters.mail.request_text import JinjaAuditText

_MOST_LINES = 50


@dataclass(frozen=True, slots=True)
class TellOwners:
    """`mailer` is None where no sender is set up; `public_url` is where the portal is."""

    tools: AuditTools
    mailer: Mailer | None
    text: "JinjaAuditText"
    rosters: Rosters
    public_url: str | None

    @property
    def pace(self) -> Pace | None:
        return self.mailer.pace if self.mailer is not None else None

    async def __call__(self, plan: Plan, record: AppRecord, action: Action, *, again: bool) -> Result:
        """Safe to repeat: a mail has one key, and its service sends it once."""
        if self.mailer is None:
            return Refusal("no sender for Guestlist's own mail is set up")
        try:
            address = await self.rosters.mail_address(action.subject)
        except Refused as e:
            return Refusal(str(e))
        if address is None:
            return Refusal("the owner has no mail address, or may not sign in")
        found, more = await self._findings(plan, record)
        mail = self.text.findings(
            key=f"audit-{plan.audit}-{plan.app}-{action.subject}",
            to=address,
            to_name=None,
            app=plan.app_name,
            lines=found,
            more=more,
            link=f"{self.public_url}/portal/groups/{plan.group}" if self.public_url else None,
        )
        handle = action.handle
        if handle is None:
            [prepared] = await self.mailer.prepare([mail], again=again)
            if not isinstance(prepared, Prepared):
                return self._not_sent(prepared, None)
            handle = prepared.handle
        [sent] = await self.mailer.dispatch([(handle, mail)], again=again)
        if not isinstance(sent, Dispatched):
            return self._not_sent(sent, handle)
        now = self.tools.clock.now()
        await self.tools.remedies.take_turn(told_key(plan.app, action.subject), plan.audit, now, None)
        return Done("a mail was sent")

    async def _findings(self, plan: Plan, record: AppRecord) -> tuple[Sequence[str], int]:
        """Some of those that policy wants the owner to hear of, the worst first, and how many there are besides."""
        lines: list[str] = []
        count, after = 0, None
        while True:
            page = await self.tools.audits.list_findings(plan.audit, FindingFilter(app=plan.app), after, 500)
            for finding in page.findings:
                if record.audits.remedies.get(finding.rule) is Remedy.TELL_OWNER:
                    count += 1
                    if len(lines) < _MOST_LINES:
                        lines.append(line_of(finding))
            after = page.continuation
            if after is None:
                return lines, count - len(lines)

    def _not_sent(self, answer: PrepareAnswer | DispatchAnswer, handle: str | None) -> Result:
        now = self.tools.clock.now()
        match answer:
            case Declined(detail=detail):
                return Refusal(detail)
            case Busy(retry_after=wait):
                return NotNow(now + busy_wait(0, wait, self.tools.clock.jitter()), happened=True, handle=handle)
            case Unknown():
                return NotNow(now + timedelta(seconds=5), happened=True, handle=handle)
            case _:
                return Refusal("the mail service's answer is not understood")


def line_of(finding: Finding) -> str:
    """A finding in one line, for a mail."""
    who = f"{finding.name} ({finding.address})" if finding.address else finding.name
    return f"{RULES[finding.rule].title}: {who}{f', {finding.detail}' if finding.detail else ''}"
