"""One examination for every mailer: in memory, by draft in a mailbox on the simulator, by a mail service."""

from collections.abc import AsyncIterator

import pytest

from shared.core.results import Busy, Unknown
from shared.mail.ports import Dispatched, Mail, Mailer, Prepared
from tests.contract.mail_conditions import Examined, InMemory, a_mail, by_service, in_mailbox

CONDITIONS = [
    "memory",
    "mailbox",
    "mailbox that filters no marker",
    "service_sends_again",
    "service_knows_operations",
]


@pytest.fixture
async def service_sends_again() -> AsyncIterator[Examined]:
    async with by_service(sends_again=True) as examined:
        yield examined


@pytest.fixture
async def service_knows_operations() -> AsyncIterator[Examined]:
    async with by_service(sends_again=False) as examined:
        yield examined


@pytest.fixture(params=CONDITIONS)
def examined(request: pytest.FixtureRequest) -> Examined:
    if request.param == "memory":
        return InMemory()
    if request.param.startswith("mailbox"):
        found = in_mailbox(request.getfixturevalue("session"), request.getfixturevalue("tenant"))
        found.tenant.settings(mail={"markerFilter": request.param == "mailbox", "sendAgain": "send"})
        return found
    service: Examined = request.getfixturevalue(request.param)
    return service


async def prepared(mailer: Mailer, *mails: Mail, again: bool = False) -> list[tuple[str, Mail]]:
    answers = await mailer.prepare(mails, again=again)
    return [(a.handle, m) for a, m in zip(answers, mails, strict=True) if isinstance(a, Prepared)]


async def test_a_prepared_mail_is_not_sent(examined: Examined) -> None:
    assert len(await prepared(examined.mailer, a_mail(0), a_mail(1))) == 2

    assert examined.sent() == []


async def test_a_dispatched_mail_arrives_as_it_was_written(examined: Examined) -> None:
    mail = a_mail(subject="Grüße, 'ok' <b>", html="<p>Grüße &amp; <br>more</p>")
    sends = await prepared(examined.mailer, mail)

    assert await examined.mailer.dispatch(sends, again=False) == [Dispatched()]

    assert examined.sent() == [(mail.to, mail.subject, mail.html)]


async def test_nothing_is_prepared_or_dispatched_where_nothing_is_asked_for(examined: Examined) -> None:
    assert await examined.mailer.prepare([], again=False) == []
    assert await examined.mailer.dispatch([], again=True) == []


async def test_a_full_burst_is_answered_in_its_order(examined: Examined) -> None:
    mails = [a_mail(n) for n in range(examined.mailer.pace.burst)]

    sends = await prepared(examined.mailer, *mails)
    await examined.mailer.dispatch(sends[3:4], again=False)

    assert len({handle for handle, _ in sends}) == len(mails)
    assert [to for to, _, _ in examined.sent()] == [mails[3].to]


async def test_a_mail_prepared_twice_under_one_key_is_one_mail(examined: Examined) -> None:
    await prepared(examined.mailer, a_mail())
    sends = await prepared(examined.mailer, a_mail(), again=True)

    await examined.mailer.dispatch(sends, again=True)

    assert len(examined.sent()) == 1


async def test_a_mail_of_another_key_is_not_taken_for_one_prepared_before(examined: Examined) -> None:
    [(first, _)] = await prepared(examined.mailer, a_mail(0))

    [(second, _)] = await prepared(examined.mailer, a_mail(1), again=True)

    assert first != second


async def test_a_mail_dispatched_twice_arrives_once(examined: Examined) -> None:
    sends = await prepared(examined.mailer, a_mail())
    await examined.mailer.dispatch(sends, again=False)

    assert await examined.mailer.dispatch(sends, again=True) == [Dispatched()]

    assert len(examined.sent()) == 1


async def test_after_a_preparation_whose_answer_was_lost_the_mail_arrives_once(examined: Examined) -> None:
    examined.lose_answer_of_prepare(a_mail())
    [lost] = await examined.mailer.prepare([a_mail()], again=False)

    sends = await prepared(examined.mailer, a_mail(), again=True)
    await examined.mailer.dispatch(sends, again=True)

    assert isinstance(lost, Unknown | Prepared)
    assert len(examined.sent()) == 1


async def test_after_a_dispatch_whose_answer_was_lost_the_mail_arrives_once(examined: Examined) -> None:
    sends = await prepared(examined.mailer, a_mail())
    examined.lose_answer_of_dispatch(a_mail())
    [lost] = await examined.mailer.dispatch(sends, again=False)

    assert await examined.mailer.dispatch(sends, again=True) == [Dispatched()]

    assert isinstance(lost, Unknown)
    assert len(examined.sent()) == 1


async def test_a_crash_between_preparing_and_dispatching_sends_once(examined: Examined) -> None:
    sends = await prepared(examined.mailer, a_mail())

    assert await examined.mailer.dispatch(sends, again=True) == [Dispatched()]

    assert len(examined.sent()) == 1


async def test_of_mails_partly_throttled_what_was_sent_stays_sent(examined: Examined) -> None:
    sends = await prepared(examined.mailer, *(a_mail(n) for n in range(3)))
    examined.throttle_one_dispatch(a_mail(0), 17)

    answers = await examined.mailer.dispatch(sends, again=False)
    left = [send for send, answer in zip(sends, answers, strict=True) if isinstance(answer, Busy)]
    after = await examined.mailer.dispatch(left, again=True)

    waits = [a.retry_after.total_seconds() for a in answers if isinstance(a, Busy) and a.retry_after]
    assert waits == [17]
    assert after == [Dispatched()]
    assert sorted(to for to, _, _ in examined.sent()) == [a_mail(n).to for n in range(3)]
