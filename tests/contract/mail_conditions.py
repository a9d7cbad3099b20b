"""Mailers to be examined, and what their services took."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Protocol

from azure.core.credentials import AzureKeyCredential

from shared.core.results import Busy, Unknown
from shared.graph.session import GraphSession
from shared.mail.acs import AcsEmail
from shared.mail.graph_mailbox import GraphMailbox
from shared.mail.ports import Mail, Mailer
from tests.contract import simulated_tenant as t
from tests.contract.mail_service import KEY, MailService
from tests.contract.simulated_tenant import SimulatedTenant
from tests.fakes.mailer import FakeMailer

MAIL_PERMISSIONS = ("Mail.ReadWrite", "Mail.Send")


def a_mail(number: int = 0, **changes: Any) -> Mail:
    facts: dict[str, Any] = {
        "key": f"mail-{number}",
        "to": f"guest{number}@fabrikam.com",
        "to_name": f"Guest {number}",
        "subject": f"Welcome, number {number}",
        "text": "Welcome!",
        "html": "<p>Welcome!</p>",
    }
    return Mail(**(facts | changes))


class Examined(Protocol):
    """A mailer, what was sent (recipient, subject, text as HTML), and how to trouble its service."""

    @property
    def mailer(self) -> Mailer: ...
    def sent(self) -> list[tuple[str, str, str]]: ...
    def lose_answer_of_prepare(self, mail: Mail) -> None: ...
    def lose_answer_of_dispatch(self, mail: Mail) -> None: ...
    def throttle_one_dispatch(self, mail: Mail, retry_after_s: int) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.mailer = FakeMailer()

    def sent(self) -> list[tuple[str, str, str]]:
        return [(m.to, m.subject, m.html) for m in self.mailer.sent]

    def lose_answer_of_prepare(self, mail: Mail) -> None:
        self.mailer.prepare_says[mail.key] = [Unknown("lost")]

    def lose_answer_of_dispatch(self, mail: Mail) -> None:
        self.mailer.dispatch_says[mail.key] = [Unknown("lost")]

    def throttle_one_dispatch(self, mail: Mail, retry_after_s: int) -> None:
        self.mailer.dispatch_says[mail.key] = [Busy(timedelta(seconds=retry_after_s))]


class InMailbox:
    def __init__(self, session: GraphSession, tenant: SimulatedTenant) -> None:
        self.mailer = GraphMailbox(session, t.OWNER)
        self.tenant = tenant

    def sent(self) -> list[tuple[str, str, str]]:
        return [(m["to"][0], m["subject"], m["body"]) for m in self.tenant.mails()]

    def lose_answer_of_prepare(self, mail: Mail) -> None:
        self.tenant.fault(method="POST", path="/messages$", when="after", cut=True)

    def lose_answer_of_dispatch(self, mail: Mail) -> None:
        self.tenant.fault(method="POST", path="/send$", when="after", cut=True)

    def throttle_one_dispatch(self, mail: Mail, retry_after_s: int) -> None:
        self.tenant.fault(method="POST", path="/send$", status=429, headers={"Retry-After": str(retry_after_s)})


class ByService:
    def __init__(self, mailer: AcsEmail, service: MailService) -> None:
        self.mailer = mailer
        self.service = service

    def sent(self) -> list[tuple[str, str, str]]:
        return [
            (m["recipients"]["to"][0]["address"], m["content"]["subject"], m["content"]["html"])
            for m in self.service.mails
        ]

    def lose_answer_of_prepare(self, mail: Mail) -> None:
        """It asks nothing of the service."""

    def lose_answer_of_dispatch(self, mail: Mail) -> None:
        self.service.faults = ["cut after"]

    def throttle_one_dispatch(self, mail: Mail, retry_after_s: int) -> None:
        self.service.faults = [(429, {"Retry-After": str(retry_after_s)})]


def in_mailbox(session: GraphSession, tenant: SimulatedTenant) -> InMailbox:
    tenant.seed(mailboxes=[t.OWNER])
    tenant.permit(*MAIL_PERMISSIONS)
    return InMailbox(session, tenant)


@asynccontextmanager
async def by_service(*, sends_again: bool = True) -> AsyncIterator[ByService]:
    async with MailService.running(sends_again=sends_again) as service:
        mailer = AcsEmail(endpoint=service.endpoint, sender="app@contoso.com", credential=AzureKeyCredential(KEY))
        try:
            yield ByService(mailer, service)
        finally:
            await mailer.close()
