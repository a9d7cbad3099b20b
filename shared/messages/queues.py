"""The queues as a whole: how full they are, and how old their oldest messages; and the poison queues, which are
drained with the SDK: a trigger of the Functions host never sees what is not base64."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from shared.messages.outbox import NEVER
from shared.messages.registry import MESSAGES, UNREADABLE, Messages, UnreadableMessage, poison_queue
from shared.storage.accounts import failure, translated
from shared.telemetry import meters

log = logging.getLogger("guestlist")

_BATCH = 16
_AT_ONCE = 8
"""Queues."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What one drain did, in messages."""

    done: int = 0
    unreadable: int = 0
    """No command: moved to where an operator finds them."""
    failed: int = 0
    """Left where they are, for a later drain."""

    def __add__(self, more: Drained) -> Drained:
        return Drained(self.done + more.done, self.unreadable + more.unreadable, self.failed + more.failed)


class StoragePoisonQueues:
    """The poison queues of the outbox's queues. A queue that nobody made yet is empty."""

    def __init__(
        self,
        service: QueueServiceClient,
        messages: Messages = MESSAGES,
        *,
        hidden: timedelta = timedelta(minutes=5),
        run: timedelta = timedelta(minutes=1),
    ) -> None:
        """`hidden`: how long a message stays with one drain, and rests after `work` failed. `run`: a drain begins no
        message after that."""
        self._service = service
        self._queues = [poison_queue(queue) for queue in messages.queues]
        self._hidden_s = int(hidden.total_seconds())
        self._run_s = run.total_seconds()

    async def drain(self, work: Callable[[bytes], Awaitable[None]], among: Collection[str] | None = None) -> Drained:
        """Hand the body of each message to `work`, and delete a message once that has returned. Of the poison queues
        those are asked that `among` names; without it all. A queue that storage does not answer for is left for the
        next drain.

        What stops half-way is done again by a later drain; two at once may do the same message twice.
        """
        until = time.monotonic() + self._run_s
        names = [name for name in self._queues if among is None or name in among]
        return sum(await _of_each(names, lambda name: self._drain(name, work, until)), Drained())

    async def _drain(self, name: str, work: Callable[[bytes], Awaitable[None]], until: float) -> Drained:
        queue = self._service.get_queue_client(name)
        done = Drained()
        try:
            while messages := await self._receive(queue):
                for message in messages:
                    if time.monotonic() > until:
                        return done
                    done += await self._handle(queue, message, work)
        except AzureError as e:
            log.error("the queue %s could not be drained: %s", name, failure(e))
        return done

    async def _receive(self, queue: QueueClient) -> list[QueueMessage]:
        pages = queue.receive_messages(
            messages_per_page=_BATCH, max_messages=_BATCH, visibility_timeout=self._hidden_s
        )
        try:
            return [message async for message in pages]
        except ResourceNotFoundError:
            return []

    async def _handle(
        self, queue: QueueClient, message: QueueMessage, work: Callable[[bytes], Awaitable[None]]
    ) -> Drained:
        try:
            await work(_body(message.content or ""))
        except UnreadableMessage:
            await self._put_aside(queue, message)
            await _delete(queue, message)
            return Drained(unreadable=1)
        except Exception:  # whatever it was: the message rests, and the others are not held up by it
            log.exception("message %s of the queue %s failed; it rests", message.id, queue.queue_name)
            return Drained(failed=1)
        await _delete(queue, message)
        return Drained(done=1)

    async def _put_aside(self, queue: QueueClient, message: QueueMessage) -> None:
        # Not its content: nobody knows what it holds.
        log.error("message %s of the queue %s is unreadable: moved to %s", message.id, queue.queue_name, UNREADABLE)
        aside = self._service.get_queue_client(UNREADABLE)
        with suppress(ResourceExistsError):
            await aside.create_queue()
        await aside.send_message(message.content or "", time_to_live=NEVER)


async def _of_each[T](queues: Sequence[str], work: Callable[[str], Awaitable[T]]) -> list[T]:
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(queue: str) -> T:
        async with free:
            return await work(queue)

    return await asyncio.gather(*map(one, queues))


def _body(content: str) -> bytes:
    """As the host writes messages, or as somebody wrote it who did not know how."""
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except ValueError:
        return content.encode()


async def _delete(queue: QueueClient, message: QueueMessage) -> None:
    try:
        await queue.delete_message(message)
    except ResourceNotFoundError:
        return
    except HttpResponseError as e:
        if e.status_code != 400:  # the receipt is old: another drain has the message, and deletes it
            raise


class QueueGauges:
    """Lengths and ages, which no metric of storage tells within the hour: ``QueueMessageCount`` is refreshed daily,
    for the whole account (Source: Azure Queue Storage metrics). One request to storage for each queue, and one for
    their names: the service lists queues without their lengths (Source: "List Queues", "Get Queue Metadata")."""

    def __init__(self, service: QueueServiceClient, messages: Messages = MESSAGES) -> None:
        self._service = service
        self._ours = frozenset((*messages.queues, *map(poison_queue, messages.queues), UNREADABLE))

    async def __call__(self) -> dict[str, int]:
        """Measure all queues that are there; gives their lengths, about, invisible messages included. Raises
        StorageBusy: storage did not answer; StorageRefused: a role is missing."""
        with translated():
            names = [found.name async for found in self._service.list_queues() if found.name in self._ours]
            lengths = await _of_each(names, self._measure)
        return dict(zip(names, lengths, strict=True))

    async def _measure(self, name: str) -> int:
        queue = self._service.get_queue_client(name)
        try:
            count = (await queue.get_queue_properties()).approximate_message_count or 0
            peeked = await queue.peek_messages(1) if count else []
        except ResourceNotFoundError:
            return 0
        oldest = None
        if peeked and peeked[0].inserted_on is not None:
            oldest = max(datetime.now(UTC) - peeked[0].inserted_on, timedelta())
        meters.queue(name, count, oldest)
        return count
