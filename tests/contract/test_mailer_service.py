"""Guestlist's own mail through Azure Communication Services Email, by its REST contract."""

import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import ManagedIdentityCredential

from shared.core.reasons import Reason
from shared.core.results import Busy, Declined, Unknown
from shared.mail.acs import AcsEmail
from shared.mail.ports import DispatchAnswer, Dispatched, Prepared
from tests.contract.mail_conditions import ByService, a_mail, by_service
from tests.contract.mail_service import KEY

HANDLE = "5d8b2a0e-3a53-4e0f-9a3c-0a4f3a3a6f10"


@pytest.fixture
async def examined() -> AsyncIterator[ByService]:
    async with by_service() as running:
        yield running


async def dispatch(mailer: AcsEmail, *, again: bool = False) -> DispatchAnswer:
    [answer] = await mailer.dispatch([(HANDLE, a_mail())], again=again)
    return answer


async def test_a_handle_is_the_same_for_ever_and_costs_no_request(examined: ByService) -> None:
    first = await examined.mailer.prepare([a_mail()], again=False)
    second = await examined.mailer.prepare([a_mail()], again=True)

    assert first == second
    assert isinstance(first[0], Prepared)
    assert examined.service.requests == []


async def test_a_mail_is_sent_with_both_bodies_and_without_tracking(examined: ByService) -> None:
    await dispatch(examined.mailer)

    wanted: dict[str, Any] = {
        "senderAddress": "app@contoso.com",
        "recipients": {"to": [{"address": "guest0@fabrikam.com", "displayName": "Guest 0"}]},
        "content": {"subject": "Welcome, number 0", "plainText": "Welcome!", "html": "<p>Welcome!</p>"},
        "userEngagementTrackingDisabled": True,
    }
    assert examined.service.mails == [wanted]


@pytest.mark.parametrize("state", ["NotStarted", "Running", "Succeeded"])
async def test_a_mail_on_its_way_is_not_sent_again(examined: ByService, state: str) -> None:
    examined.service.ends_as = state
    await dispatch(examined.mailer)

    assert await dispatch(examined.mailer, again=True) == Dispatched()

    assert len(examined.service.mails) == 1


async def test_a_mail_that_the_service_could_not_send_is_declined_with_its_words(examined: ByService) -> None:
    examined.service.ends_as = "Failed"
    await dispatch(examined.mailer)

    answer = await dispatch(examined.mailer, again=True)

    assert isinstance(answer, Declined)
    assert "the recipient is suppressed" in answer.detail
    assert len(examined.service.mails) == 1


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(("status", "wait_s"), [(429, 17), (503, 4)])
async def test_a_busy_service_says_when_to_come_back_and_is_asked_once(
    examined: ByService, status: int, wait_s: int, again: bool
) -> None:
    examined.service.faults = [(status, {"Retry-After": str(wait_s)})] * 5

    assert await dispatch(examined.mailer, again=again) == Busy(timedelta(seconds=wait_s))

    assert len(examined.service.requests) == 1


@pytest.mark.parametrize("status", [408, 500, 504])
async def test_an_answer_that_may_follow_the_work_leaves_it_open(examined: ByService, status: int) -> None:
    examined.service.faults = [(status, {})]

    assert isinstance(await dispatch(examined.mailer), Unknown)

    assert len(examined.service.requests) == 1


async def test_a_connection_cut_before_the_work_leaves_it_open_and_the_repeat_sends(examined: ByService) -> None:
    examined.service.faults = ["cut before"]
    first = await dispatch(examined.mailer)

    assert isinstance(first, Unknown)
    assert await dispatch(examined.mailer, again=True) == Dispatched()
    assert len(examined.service.mails) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_an_identity_that_may_not_send_is_declined_with_its_setting(examined: ByService, status: int) -> None:
    examined.service.faults = [(status, {})]

    answer = await dispatch(examined.mailer)

    assert isinstance(answer, Declined)
    assert answer.reason is Reason.MAIL_NOT_SENT
    assert "GUESTLIST_ACS_ENDPOINT" in answer.detail


async def test_a_refused_mail_is_declined_with_the_words_of_the_service(examined: ByService) -> None:
    examined.service.faults = [(400, {})]

    answer = await dispatch(examined.mailer)

    assert isinstance(answer, Declined)
    assert "told to fail (400 Told)" in answer.detail


def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("trouble", ["no service", "no token"])
async def test_what_never_left_is_busy(monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    host = nowhere()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://{host}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "examination")
    credential: AsyncTokenCredential | AzureKeyCredential = AzureKeyCredential(KEY)
    if trouble == "no token":
        credential = ManagedIdentityCredential(retry_total=0)
    scheme = "https" if trouble == "no token" else "http"
    mailer = AcsEmail(endpoint=f"{scheme}://{host}", sender="app@contoso.com", credential=credential)

    answer = await dispatch(mailer)

    await mailer.close()
    if isinstance(credential, ManagedIdentityCredential):
        await credential.close()
    assert answer == Busy(None)
