"""A mail service in memory, and a text that is short."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shared.core.results import Unknown
from shared.invitations.model.invitations import Invitation
from shared.mail.ports import DispatchAnswer, Dispatched, Mail, PrepareAnswer, Prepared
from shared.pace.pacing import Pace


class FakeMailText:
    def welcome(self, invitation: Invitation) -> Mail:
        message = invitation.message or ""
        link = invitation.redeem_url or invitation.direct_link
        return Mail(str(invitation.id), invitation.address.wire, None, "Welcome", f"{message}\n{link}", message)


@dataclass
class FakeMailer:
    """`prepare_says` and `dispatch_says` are answers to give instead, by key, one a call. An `Unknown` has its
    effect all the same."""

    pace: Pace = field(default_factory=lambda: Pace(30, timedelta(minutes=1), burst=10))
    drafts: dict[str, Mail] = field(default_factory=dict)
    sent: list[Mail] = field(default_factory=list)
    prepare_says: dict[str, list[PrepareAnswer]] = field(default_factory=lambda: defaultdict(list))
    dispatch_says: dict[str, list[DispatchAnswer]] = field(default_factory=lambda: defaultdict(list))

    async def prepare(self, mails: Sequence[Mail], *, again: bool) -> list[PrepareAnswer]:
        return [self._prepare(mail, again=again) for mail in mails]

    def _prepare(self, mail: Mail, *, again: bool) -> PrepareAnswer:
        says = self.prepare_says[mail.key].pop(0) if self.prepare_says[mail.key] else None
        if says is not None and not isinstance(says, Unknown):
            return says
        if again:
            known = next((h for h, m in self.drafts.items() if m.key == mail.key), None)
            if known is not None:
                return Prepared(known)
        handle = f"draft-{len(self.drafts)}"
        self.drafts[handle] = mail
        return says or Prepared(handle)

    async def dispatch(self, sends: Sequence[tuple[str, Mail]], *, again: bool) -> list[DispatchAnswer]:
        return [self._dispatch(handle, mail) for handle, mail in sends]

    def _dispatch(self, handle: str, mail: Mail) -> DispatchAnswer:
        says = self.dispatch_says[mail.key].pop(0) if self.dispatch_says[mail.key] else None
        if says is not None and not isinstance(says, Unknown):
            return says
        if self.drafts[handle] not in self.sent:
            self.sent.append(self.drafts[handle])
        return says or Dispatched()
