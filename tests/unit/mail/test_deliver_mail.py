"""The one way in which mail is delivered: what is written down before what, and what becomes of a mail in doubt."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from shared.core.clock import Timing
from shared.core.errors import Conflict
from shared.core.reasons import Reason
from shared.core.results import Busy, Declined, Unknown
from shared.mail.deliver import DeliverMail, NotSent, Outgoing
from shared.mail.ports import DispatchAnswer, Dispatched, Mail, PrepareAnswer, Prepared
from tests.builders import NOW
from tests.fakes.clock import FakeClock
from tests.fakes.mailer import FakeMailer

LEASE = timedelta(seconds=30)


def a_mail(key: str) -> Mail:
    return Mail(key, f"{key}@fabrikam.com", None, "Subject", "text", "html")


class Watched(FakeMailer):
    """Says in which order it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, bool, list[str]]] = []

    async def prepare(self, mails: Sequence[Mail], *, again: bool) -> list[PrepareAnswer]:
        self.asked.append(("prepare", again, [m.key for m in mails]))
        return await super().prepare(mails, again=again)

    async def dispatch(self, sends: Sequence[tuple[str, Mail]], *, again: bool) -> list[DispatchAnswer]:
        self.asked.append(("dispatch", again, [m.key for _, m in sends]))
        return await super().dispatch(sends, again=again)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def mailer() -> Watched:
    return Watched()


@pytest.fixture
def deliver(mailer: Watched, clock: FakeClock) -> DeliverMail:
    return DeliverMail(mailer, clock, Timing())


async def test_handles_are_written_down_between_prepare_and_dispatch(mailer: Watched, deliver: DeliverMail) -> None:
    known = await mailer.prepare([a_mail("c")], again=False)
    mailer.asked.clear()
    assert isinstance(known[0], Prepared)
    mails = {
        "a": Outgoing(a_mail("a"), None, again=False),
        "b": Outgoing(a_mail("b"), None, again=True),
        "c": Outgoing(a_mail("c"), known[0].handle, again=True),
    }

    async def keep(handles: Mapping[str, str]) -> dict[str, str]:
        mailer.asked.append(("keep", False, sorted(handles)))
        return {**handles, "c": mails["c"].handle or ""}

    answers = await deliver(mails, NOW + LEASE, keep)

    assert answers == dict.fromkeys("abc", Dispatched())
    assert mailer.asked == [
        ("prepare", False, ["a"]),
        ("prepare", True, ["b"]),
        ("keep", False, ["a", "b"]),
        ("dispatch", False, ["a"]),
        ("dispatch", True, ["b", "c"]),
    ]


async def test_nothing_is_sent_whose_handle_could_not_be_written_down(mailer: Watched, deliver: DeliverMail) -> None:
    async def keep(_handles: Mapping[str, str]) -> dict[str, str]:
        raise Conflict("another delivery wrote first")

    with pytest.raises(Conflict):
        await deliver({"a": Outgoing(a_mail("a"), None, again=False)}, NOW + LEASE, keep)

    assert not mailer.sent


async def test_what_another_delivery_took_over_is_left_to_it(mailer: Watched, deliver: DeliverMail) -> None:
    async def keep(handles: Mapping[str, str]) -> dict[str, str]:
        return {key: handle for key, handle in handles.items() if key == "b"}

    answers = await deliver({k: Outgoing(a_mail(k), None, again=False) for k in "ab"}, NOW + LEASE, keep)

    assert answers == {"b": Dispatched()}
    assert [mail.key for mail in mailer.sent] == ["b"]


async def test_one_mail_that_fails_leaves_the_others_alone(mailer: Watched, deliver: DeliverMail) -> None:
    mailer.prepare_says["a"].append(Declined(Reason.MAIL_NOT_SENT, "no such address"))
    mailer.dispatch_says["b"].append(Busy(None))

    async def keep(handles: Mapping[str, str]) -> Mapping[str, str]:
        return handles

    answers = await deliver({k: Outgoing(a_mail(k), None, again=False) for k in "abc"}, NOW + LEASE, keep)

    assert answers == {
        "a": Declined(Reason.MAIL_NOT_SENT, "no such address"),
        "b": Busy(None),
        "c": Dispatched(),
    }


@pytest.mark.parametrize(
    ("answer", "late", "why"),
    [
        (Declined(Reason.MAIL_NOT_SENT, "no such address"), False, "no such address"),
        (Unknown("no answer"), False, None),
        (Unknown("no answer"), True, "no answer"),
        (Busy(None), True, None),
    ],
)
def test_only_a_refusal_or_a_long_doubt_ends_it(
    deliver: DeliverMail, clock: FakeClock, answer: NotSent, late: bool, why: str | None
) -> None:
    clock.time += deliver.timing.join_window + timedelta(seconds=1 if late else 0)

    assert deliver.gives_up(answer, NOW) == why
