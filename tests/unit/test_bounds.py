"""No handler works for ever: what takes too long is stopped, and says so to whoever can repeat it."""

import asyncio
import json
from datetime import datetime
from types import SimpleNamespace

import azure.functions as func
import pytest

from functions import handlers, http, sweeper
from shared import wiring
from shared.core.errors import TimedOut
from tests.builders import NOW


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "HTTP_S", 0.02)
    monkeypatch.setattr(handlers, "WORK_S", 0.02)


class Stopped:
    """A handler's work: never done, and whether it was stopped."""

    was = False

    async def work(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was = True
            raise


async def test_a_request_that_takes_too_long_is_answered_with_503_and_may_be_repeated() -> None:
    stopped = Stopped()

    @http.endpoint
    async def slow(req: func.HttpRequest) -> func.HttpResponse:
        await stopped.work()
        return func.HttpResponse()

    answer = await slow(func.HttpRequest("GET", "https://guests.example/slow", body=b""))

    said = json.loads(answer.get_body())
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert (said["reason"], said["requestId"]) == ("timed-out", answer.headers["x-request-id"])
    assert int(answer.headers["Retry-After"]) >= 1
    assert stopped.was


async def test_a_message_that_takes_too_long_goes_back_to_its_queue() -> None:
    stopped = Stopped()

    @handlers.background
    async def slow(message: func.QueueMessage) -> None:
        await stopped.work()

    with pytest.raises(TimedOut):
        await slow(func.QueueMessage(body=b"{}"))
    assert stopped.was


async def test_a_timer_that_takes_too_long_fails() -> None:
    @handlers.background
    async def slow(timer: func.TimerRequest) -> None:
        await Stopped().work()

    with pytest.raises(TimedOut):
        await slow(None)


async def test_a_timeout_of_the_work_itself_is_no_timeout_of_the_handler() -> None:
    @http.endpoint
    async def fails(req: func.HttpRequest) -> func.HttpResponse:
        raise TimeoutError("of somebody else")

    answer = await fails(func.HttpRequest("GET", "https://guests.example/fails", body=b""))

    assert json.loads(answer.get_body())["reason"] == "internal"


# The sweeper: each part in a time of its own


class WholeSweeps:
    """Due at each sweep, or never; notes what came to its end."""

    def __init__(self) -> None:
        self.at: datetime | None = NOW
        self.noted: list[datetime] = []

    async def due(self) -> datetime | None:
        return self.at

    async def note(self, begun: datetime) -> None:
        self.noted.append(begun)


@pytest.fixture
def whole() -> WholeSweeps:
    return WholeSweeps()


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch, whole: WholeSweeps) -> list[str]:
    """Of a sweep: one that never ends, one that fails, one that works; gives which came to their end."""
    ended: list[str] = []

    async def _endless(app: wiring.App) -> None:
        await asyncio.Event().wait()

    async def _failing(app: wiring.App) -> None:
        raise RuntimeError("of ada@fabrikam.com")

    async def _working(app: wiring.App) -> None:
        ended.append("working")

    async def app() -> SimpleNamespace:
        return SimpleNamespace(whole_sweeps=whole)

    monkeypatch.setattr(handlers, "WORK_S", 5.0)
    monkeypatch.setattr(sweeper, "SWEEP_PART_S", 0.02)
    monkeypatch.setattr(sweeper, "EVERY_SWEEP", {"endless": _endless})
    monkeypatch.setattr(sweeper, "WHOLE_SWEEP", {"failing": _failing, "working": _working})
    monkeypatch.setattr(wiring, "app", app)
    return ended


async def test_a_part_of_a_sweep_that_fails_or_never_ends_keeps_no_other_from_its_work(
    parts: list[str], whole: WholeSweeps
) -> None:
    # The host writes down what a handler raises: names of parts alone.
    with pytest.raises(sweeper.SweepFailed, match=r"^parts of the sweep failed: endless, failing$"):
        await handlers.background(_sweep)(None)

    assert parts == ["working"]
    assert whole.noted == [], "the next sweep is a whole one, too"


async def _sweep(timer: func.TimerRequest) -> None:
    await sweeper.sweep_all()


async def test_a_sweep_whose_parts_are_fine_is_fine(
    parts: list[str], whole: WholeSweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = {"working": sweeper.WHOLE_SWEEP["working"]}
    monkeypatch.setattr(sweeper, "EVERY_SWEEP", fine)
    monkeypatch.setattr(sweeper, "WHOLE_SWEEP", fine)

    await sweeper.sweep_all()
    assert (parts, whole.noted) == (["working", "working"], [NOW])

    whole.at = None
    await sweeper.sweep_all()
    assert (parts, whole.noted) == (["working"] * 3, [NOW])


async def test_what_waits_for_a_minute_at_most_is_looked_after_in_every_sweep() -> None:
    assert list(sweeper.EVERY_SWEEP) == ["chain", "due", "parked"]
