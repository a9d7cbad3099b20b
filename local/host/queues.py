"""Queue triggers: polls one queue for one function, and settles each message by how its run ended.

Source: `QueueListener` and `QueueProcessor` of the Storage extension of the WebJobs SDK.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.host.configuration import QueueSettings
from local.host.engine import Data
from local.host.functions import Function, QueueTrigger
from local.host.invocations import Invocations
from local.host.logs import LOG
from local.host.storage import put

SHORTEST_POLL = timedelta(milliseconds=100)
"""Pause after the first empty poll."""


class Backoff:
    """Pauses between polls of an empty queue: the shortest at first, then what is added to it doubles, changed by
    chance by up to a fifth; once that reaches the longest, the longest exactly.

    Source: `RandomizedExponentialBackoffStrategy` of the WebJobs SDK.
    """

    def __init__(self, longest: timedelta) -> None:
        self._longest_s = max(longest, SHORTEST_POLL).total_seconds()
        self.reset()

    def reset(self) -> None:
        """Messages came: start over."""
        self._step = 0
        self._pause_s = 0.0

    def pause_s(self) -> float:
        """The next pause, in seconds."""
        if self._pause_s < self._longest_s:
            shortest = SHORTEST_POLL.total_seconds()
            more = shortest * 2 ** (self._step - 1) * random.uniform(0.8, 1.2) if self._step else 0.0  # noqa: S311  (jitter)
            self._pause_s = min(shortest + more, self._longest_s)
            self._step += 1
        return self._pause_s


@dataclass(slots=True)
class _Held:
    """A message this process has: the pop receipt changes with every renewal."""

    message: QueueMessage
    receipt: str


class QueueListener:
    """Takes messages of one queue for one function, and gives those that fail too often to the queue `poison`."""

    def __init__(
        self,
        function: Function,
        trigger: QueueTrigger,
        queue: QueueClient,
        poison: QueueClient,
        invocations: Invocations,
        settings: QueueSettings,
        *,
        lease: timedelta,
        longest_poll: timedelta,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._queue = queue
        self._poison = poison
        self._invocations = invocations
        self._settings = settings
        # The service counts whole seconds and takes none below one.
        self._lease_s = max(1, round(lease.total_seconds()))
        self._backoff = Backoff(min(longest_poll, settings.max_polling_interval))
        self._closing = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._exists = False

    async def start(self) -> None:
        """Begins to poll."""
        self._poller = asyncio.create_task(self._poll(), name=f"poll {self._trigger.queue}")

    async def stop_taking(self) -> None:
        """Polls no more; a poll that is under way still hands over what it gets."""
        self._closing.set()

    async def finished(self) -> None:
        """Returns when every message taken is settled."""
        if self._poller:
            await self._poller
        while self._running:
            await asyncio.wait(self._running)

    async def _poll(self) -> None:
        while not self._closing.is_set():
            found = 0
            try:
                found = await self._receive()
            except AzureError as error:
                self._exists = False
                if not isinstance(error, ResourceNotFoundError):
                    LOG.warning("Polling queue '%s' failed: %s", self._trigger.queue, _first_line(error))
            if found:
                self._backoff.reset()
                await self._wait_for_threshold()
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), self._backoff.pause_s())

    async def _receive(self) -> int:
        if not self._exists:
            # The host never makes the queue it listens to: it waits for it, without a word.
            await self._queue.get_queue_properties()
            self._exists = True
        found = 0
        pages = self._queue.receive_messages(
            messages_per_page=self._settings.batch_size,
            max_messages=self._settings.batch_size,
            visibility_timeout=self._lease_s,
        )
        async for message in pages:
            found += 1
            task = asyncio.create_task(self._process(message), name=f"message {message.id}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return found

    async def _wait_for_threshold(self) -> None:
        closing = asyncio.create_task(self._closing.wait())
        while len(self._running) > self._settings.new_batch_threshold and not closing.done():
            await asyncio.wait({*self._running, closing}, return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()

    async def _process(self, message: QueueMessage) -> None:
        held = _Held(message, str(message.pop_receipt))
        try:
            if (message.dequeue_count or 0) > self._settings.max_dequeue_count:
                await self._to_poison(held, self._too_often)
                return
            try:
                body = base64.b64decode("".join(str(message.content or "").split()), validate=True)
            except ValueError as error:
                await self._to_poison(held, f"Message cannot be decoded ({error}).")
                return
            try:
                inputs = {self._trigger.parameter: {"string": body.decode()}}
            except UnicodeDecodeError as error:
                LOG.error("Message %s of queue '%s': %s", message.id, self._trigger.queue, error)
                await self._settle(held, succeeded=False)
                return
            await self._settle(held, succeeded=await self._run(held, inputs, body))
        except AzureError as error:
            # The message comes back when its lease ends; until then nothing more can be done.
            LOG.error("Message %s of queue '%s': %s", message.id, self._trigger.queue, _first_line(error))

    async def _run(self, held: _Held, inputs: Mapping[str, Data], body: bytes) -> bool:
        over = asyncio.Event()
        renewal = asyncio.create_task(self._renew(held, over))
        try:
            result = await self._invocations.run(self._function, inputs, _metadata(held.message, body))
        finally:
            # Never cancelled half-way: the service may have changed the receipt already.
            over.set()
            await renewal
        return result.succeeded

    async def _renew(self, held: _Held, over: asyncio.Event) -> None:
        """Keeps the message invisible: at half of the lease each time, sooner after a failure."""
        pause_s = self._lease_s / 2
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), pause_s)
            if over.is_set():
                return
            try:
                renewed = await self._queue.update_message(
                    held.message.id, held.receipt, visibility_timeout=self._lease_s
                )
                held.receipt = str(renewed.pop_receipt)
                pause_s = self._lease_s / 2
            except ResourceNotFoundError:
                LOG.warning("Message %s is no longer ours: its lease cannot be renewed.", held.message.id)
                return
            except AzureError as error:
                LOG.warning("Renewing message %s failed: %s", held.message.id, _first_line(error))
                pause_s = max(pause_s / 2, 0.1)

    async def _settle(self, held: _Held, *, succeeded: bool) -> None:
        if succeeded:
            await self._delete(held)
        elif (held.message.dequeue_count or 0) >= self._settings.max_dequeue_count:
            await self._to_poison(held, self._too_often)
        else:
            with suppress(ResourceNotFoundError):
                await self._queue.update_message(
                    held.message.id,
                    held.receipt,
                    visibility_timeout=int(self._settings.visibility_timeout.total_seconds()),
                )

    async def _delete(self, held: _Held) -> None:
        try:
            await self._queue.delete_message(held.message.id, held.receipt)
        except HttpResponseError as error:
            if error.status_code not in (400, 404):  # 400: PopReceiptMismatch
                raise
            # Someone else has it, with a receipt of their own: theirs to delete.
            LOG.warning("Unable to delete queue message '%s': it is gone or was taken over.", held.message.id)

    @property
    def _too_often(self) -> str:
        return f"Message has reached MaxDequeueCount of {self._settings.max_dequeue_count}."

    async def _to_poison(self, held: _Held, why: str) -> None:
        LOG.warning("%s Moving message to queue '%s'.", why, self._poison.queue_name)
        await put(self._poison, str(held.message.content or ""))
        await self._delete(held)


def _metadata(message: QueueMessage, body: bytes) -> dict[str, Data]:
    def moment(value: datetime | None) -> Data:
        return {"json": json.dumps((value or datetime.now(UTC)).astimezone(UTC).isoformat())}

    return {
        "QueueTrigger": {"string": body.decode(errors="replace")},
        "Id": {"string": message.id},
        "DequeueCount": {"json": str(message.dequeue_count or 0)},
        "PopReceipt": {"string": message.pop_receipt},
        "InsertionTime": moment(message.inserted_on),
        "ExpirationTime": moment(message.expires_on),
        "NextVisibleTime": moment(message.next_visible_on),
    }


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [repr(error)])[0]
