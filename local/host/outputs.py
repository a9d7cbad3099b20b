"""Output bindings: what a handler gave is sent when it has returned, never before."""

from __future__ import annotations

from contextlib import suppress

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from local.host import messages
from local.host.engine import Result
from local.host.functions import Function
from local.host.storage import Storage


class Outputs:
    """Sends `Out[...]` parameters and `$return` to their queues."""

    def __init__(self, storage: Storage, *, base64_encoded: bool) -> None:
        self._storage = storage
        self._base64_encoded = base64_encoded

    async def send(self, function: Function, result: Result) -> None:
        """Sends everything a successful handler gave, one after the other.

        Raises:
            azure.core.exceptions.AzureError: storage refused; what came before it stays sent.
        """
        values = dict(result.outputs)
        if result.returned is not None:
            values["$return"] = result.returned
        for output in function.outputs:
            if (datum := values.get(output.name)) is None:
                continue
            queue = await self._storage.queue(output.connection, output.queue)
            for body in messages.bodies(datum):
                await put(queue, messages.encode(body, base64_encoded=self._base64_encoded))


async def put(queue: QueueClient, content: str) -> None:
    """Sends one message as it is, and makes the queue where there is none. Lives for seven days."""
    try:
        await queue.send_message(content)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # another process was as quick
            await queue.create_queue()
        await queue.send_message(content)
