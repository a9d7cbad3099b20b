"""Telemetry is sent when work ends: an instance without work may be gone soon, without a word.

Exporters send by themselves every few seconds. That is enough where the process lives on, and this adds what it was
told in the moments before its last work ended.
"""

import asyncio
from collections.abc import Callable

EVERY_S = 5.0
PATIENCE_S = 2.0


class Sender:
    """Sends at most once in `every_s`, whoever asks: a busy process sends no more often than an exporter does by
    itself. Who asks in between does not wait, and is sent for when that time is over."""

    def __init__(self, send: Callable[[], None], every_s: float = EVERY_S, patience_s: float = PATIENCE_S) -> None:
        """`send` blocks and does not raise; it runs in a thread."""
        self._send = send
        self._every_s = every_s
        self._patience_s = patience_s
        self._sending: asyncio.Task[None] | None = None
        """What is being sent, or was within `every_s`."""
        self._asked_again = False

    async def __call__(self) -> None:
        """Returns when everything is sent, or after `patience_s`, or at once where it was sent a moment ago."""
        if self._sending is not None:
            self._asked_again = True
            return
        await asyncio.wait({self._begin()}, timeout=self._patience_s)

    def _begin(self) -> asyncio.Task[None]:
        loop = asyncio.get_running_loop()
        self._asked_again = False
        self._sending = loop.create_task(asyncio.to_thread(self._send))
        self._sending.add_done_callback(lambda _: loop.call_later(self._every_s, self._end))
        return self._sending

    def _end(self) -> None:
        self._sending = None
        if self._asked_again:
            self._begin()
