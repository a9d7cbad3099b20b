"""The outbox on Azure Queue Storage."""

from datetime import UTC, datetime, timedelta
from math import ceil

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from shared.adapters.queues.codec import encode_command
from shared.adapters.queues.names import QUEUES, queue_of
from shared.adapters.storage import failure
from shared.adapters.telemetry import spans
from shared.domain.commands import Command

LONGEST_SLEEP = timedelta(days=7)
"""How long a message can be invisible. Source: Put Message, ``visibilitytimeout``."""
NEVER = -1
"""Time to live of a message: a parked one must not vanish after the default of seven days."""


class QueueOutbox:
    """Sends commands to the queues that the triggers listen on, base64 as the Functions host expects."""

    def __init__(self, service: QueueServiceClient) -> None:
        self._queues: dict[str, QueueClient] = {
            name: service.get_queue_client(name, message_encode_policy=TextBase64EncodePolicy()) for name in QUEUES
        }
        self._service = service

    async def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        """As the port says; a command that may only run in more than seven days wakes then and waits on.

        Raises:
            StorageRefused: a repeat would not help.
        """
        name = queue_of(command)
        queue = self._queues[name]
        with spans.sending(name):
            # The message carries the trace on: whoever takes it works within this span.
            body = encode_command(command, spans.traceparent()).decode()
            try:
                try:
                    await self._put(queue, body, not_before)
                except ResourceNotFoundError:
                    await self._make(queue)
                    await self._put(queue, body, not_before)
            except AzureError as e:
                raise failure(e) from e

    @staticmethod
    async def _put(queue: QueueClient, body: str, not_before: datetime | None) -> None:
        wait = timedelta()
        if not_before is not None:
            wait = min(max(not_before - datetime.now(UTC), timedelta()), LONGEST_SLEEP)
        await queue.send_message(body, visibility_timeout=ceil(wait.total_seconds()), time_to_live=NEVER)

    @staticmethod
    async def _make(queue: QueueClient) -> None:
        try:
            await queue.create_queue()
        except ResourceExistsError:
            return

    async def close(self) -> None:
        await self._service.close()
