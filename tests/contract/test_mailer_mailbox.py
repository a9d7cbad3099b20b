"""Guestlist's own mail by way of a draft in a mailbox: what the tenant allows, limits and weather."""

import asyncio
import socket
from datetime import timedelta

import pytest

from shared.core.reasons import Reason
from shared.core.results import Busy, Declined, Unknown
from shared.graph.session import GraphSession
from shared.identity.credentials import app_credential
from shared.mail.graph_mailbox import GraphMailbox
from shared.mail.ports import Dispatched, Prepared
from tests.contract import simulated_tenant as t
from tests.contract.mail_conditions import a_mail, in_mailbox
from tests.contract.simulated_tenant import SimulatedTenant

CREATE = "POST /users/{user}/messages"


@pytest.fixture
def mailbox(session: GraphSession, tenant: SimulatedTenant) -> GraphMailbox:
    return in_mailbox(session, tenant).mailer


async def draft(mailbox: GraphMailbox) -> str:
    [answer] = await mailbox.prepare([a_mail()], again=False)
    assert isinstance(answer, Prepared)
    return answer.handle


def assert_names_permissions(answer: object) -> None:
    assert isinstance(answer, Declined)
    assert answer.reason is Reason.MAIL_NOT_SENT
    assert "Mail.ReadWrite and Mail.Send" in answer.detail
    assert t.OWNER in answer.detail


@pytest.mark.parametrize("again", [False, True])
async def test_where_no_draft_may_be_written_the_missing_permission_is_named(
    mailbox: GraphMailbox, tenant: SimulatedTenant, again: bool
) -> None:
    tenant.permit("Mail.Send")

    [answer] = await mailbox.prepare([a_mail()], again=again)

    assert_names_permissions(answer)


async def test_where_nothing_may_be_sent_the_missing_permission_is_named(
    mailbox: GraphMailbox, tenant: SimulatedTenant
) -> None:
    tenant.permit("Mail.ReadWrite")
    handle = await draft(mailbox)

    [answer] = await mailbox.dispatch([(handle, a_mail())], again=False)

    assert_names_permissions(answer)
    assert tenant.mails() == []


async def test_a_mailbox_that_the_app_may_not_use_is_declined(mailbox: GraphMailbox, tenant: SimulatedTenant) -> None:
    tenant.settings(mail={"allowedMailboxes": ["somebody@contoso.com"]})

    [answer] = await mailbox.prepare([a_mail()], again=False)

    assert isinstance(answer, Declined)
    assert t.OWNER in answer.detail


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("name", ["nobody@contoso.com", t.COLLEAGUE], ids=["no user", "no mailbox"])
async def test_a_mailbox_that_is_not_there_is_declined_with_its_setting(
    session: GraphSession, mailbox: GraphMailbox, name: str, again: bool
) -> None:
    [answer] = await GraphMailbox(session, name).prepare([a_mail()], again=again)

    assert isinstance(answer, Declined)
    assert f"'{name}' (GUESTLIST_MAIL_MAILBOX)" in answer.detail


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(("status", "wait_s"), [(429, 17), (503, 3)])
async def test_a_busy_mailbox_says_when_to_come_back(
    mailbox: GraphMailbox, tenant: SimulatedTenant, status: int, wait_s: int, again: bool
) -> None:
    handle = await draft(mailbox)
    tenant.fault(path="/messages", times=0, status=status, headers={"Retry-After": str(wait_s)})

    made = await mailbox.prepare([a_mail(1)], again=again)
    sent = await mailbox.dispatch([(handle, a_mail())], again=again)

    assert made == sent == [Busy(timedelta(seconds=wait_s))]
    assert tenant.mails() == []


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_an_answer_that_may_follow_the_work_leaves_it_open(
    mailbox: GraphMailbox, tenant: SimulatedTenant, status: int
) -> None:
    handle = await draft(mailbox)
    tenant.fault(path="/messages", times=0, status=status)

    [made] = await mailbox.prepare([a_mail(1)], again=False)
    [sent] = await mailbox.dispatch([(handle, a_mail())], again=False)

    assert isinstance(made, Unknown)
    assert isinstance(sent, Unknown)


async def test_a_directory_that_cannot_be_reached_is_busy(mailbox: GraphMailbox, tenant: SimulatedTenant) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with app_credential(None) as credential:
        session = GraphSession(base_url=f"http://127.0.0.1:{port}/v1.0", credential=credential)
        answers = await GraphMailbox(session, t.OWNER).prepare([a_mail()], again=False)
        await session.close()

    assert answers == [Busy(None)]


async def test_a_lost_draft_is_found_by_its_key_and_no_second_one_is_made(
    mailbox: GraphMailbox, tenant: SimulatedTenant
) -> None:
    handle = await draft(mailbox)
    made = tenant.calls(CREATE)

    again = await mailbox.prepare([a_mail()], again=True)

    assert again == [Prepared(handle)]
    assert tenant.calls(CREATE) == made > 0


@pytest.mark.parametrize("send_again", ["refuse", "send"])
async def test_a_sent_message_is_not_sent_again_whatever_the_mailbox_would_do(
    mailbox: GraphMailbox, tenant: SimulatedTenant, send_again: str
) -> None:
    tenant.settings(mail={"sendAgain": send_again})
    handle = await draft(mailbox)

    for again in (False, True, True):
        assert await mailbox.dispatch([(handle, a_mail())], again=again) == [Dispatched()]

    assert len(tenant.mails()) == 1


async def test_a_sent_message_that_is_not_shown_yet_is_open_and_not_sent_again(
    mailbox: GraphMailbox, tenant: SimulatedTenant
) -> None:
    tenant.settings(mail={"sentCopyAfter": {"calls": 1}})
    handle = await draft(mailbox)
    await mailbox.dispatch([(handle, a_mail())], again=False)

    [hidden] = await mailbox.dispatch([(handle, a_mail())], again=True)
    [shown] = await mailbox.dispatch([(handle, a_mail())], again=True)

    assert isinstance(hidden, Unknown)
    assert shown == Dispatched()
    assert len(tenant.mails()) == 1


async def test_two_chunks_at_once_keep_to_the_mailbox_limit_of_requests(
    mailbox: GraphMailbox, tenant: SimulatedTenant
) -> None:
    tenant.settings(mail={"enforceLimits": True})
    tenant.fault(path="/messages", times=0, delayMs=50)

    chunks = await asyncio.gather(
        *(mailbox.prepare([a_mail(n) for n in range(first, first + 8)], again=False) for first in (0, 8))
    )

    assert [type(answer) for chunk in chunks for answer in chunk] == [Prepared] * 16


async def test_past_the_message_rate_the_mailbox_is_busy_and_the_rest_goes_later(
    mailbox: GraphMailbox, tenant: SimulatedTenant
) -> None:
    tenant.settings(mail={"enforceLimits": True, "messagesPerMinute": 2})
    made = await mailbox.prepare([a_mail(n) for n in range(3)], again=False)
    sends = [(a.handle, a_mail(n)) for n, a in enumerate(made) if isinstance(a, Prepared)]

    answers = await mailbox.dispatch(sends, again=False)

    assert sorted(type(a).__name__ for a in answers) == ["Busy", "Dispatched", "Dispatched"]
    assert all(a.retry_after for a in answers if isinstance(a, Busy))
