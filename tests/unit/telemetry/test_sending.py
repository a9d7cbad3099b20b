"""Telemetry is sent when work ends: at once where nothing was sent of late, and otherwise soon, without waiting."""

import asyncio
import threading
from collections.abc import Callable

from shared.telemetry.provider import Sender


class Exporter:
    def __init__(self) -> None:
        self.sent = 0
        self.may_go = threading.Event()
        self.may_go.set()

    def __call__(self) -> None:
        self.may_go.wait(10)
        self.sent += 1


async def until(there: Callable[[], bool]) -> None:
    while not there():  # noqa: ASYNC110 - threads count, and wake no event of the loop
        await asyncio.sleep(0.005)


async def test_who_ends_work_returns_when_it_is_sent() -> None:
    exporter = Exporter()

    await Sender(exporter, every_s=60)()

    assert exporter.sent == 1


async def test_a_busy_process_sends_once_in_a_while_and_what_ended_in_between_is_sent_then() -> None:
    exporter = Exporter()
    send = Sender(exporter, every_s=0.05)

    async with asyncio.timeout(10):
        await send()
        for _ in range(500):
            await send()
        assert exporter.sent == 1
        await until(lambda: exporter.sent == 2)
        # Nobody asked since: it is quiet again, and the next is sent at once.
        await until(lambda: send._sending is None)
        assert exporter.sent == 2
        await send()
    assert exporter.sent == 3


async def test_an_endpoint_that_does_not_answer_holds_nobody_for_long() -> None:
    exporter = Exporter()
    exporter.may_go.clear()
    send = Sender(exporter, every_s=0.01, patience_s=0.02)

    async with asyncio.timeout(5):
        await send()
        await send()
        assert exporter.sent == 0
        exporter.may_go.set()
        await until(lambda: exporter.sent == 2)
