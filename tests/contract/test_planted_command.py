"""A command joins by its class and a line of the registry: bytes, queue, function, poison queue, samples follow."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Annotated, Any

import azure.functions as func
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient
from msgspec import Meta

from functions import queues as triggers
from shared import wiring
from shared.messages.commands import Command
from shared.messages.outbox import QueueOutbox
from shared.messages.outcomes import Later, Outcome
from shared.messages.queues import Drained, QueueGauges, StoragePoisonQueues
from shared.messages.registry import MESSAGES, Messages, Route, UnreadableMessage, poison_queue
from shared.storage.reminders import TableReminders
from tests.builders import NOW
from tests.contract.test_codec import comes_back, without_sample


@dataclass(frozen=True, slots=True)
class Dance(Command):
    """Some figures of a dance."""

    figure: Annotated[str, Meta(pattern="^[a-z]{1,8}$")]
    left: Annotated[int, Meta(ge=0)] = 0


DANCE: Route[Any] = Route("dance", Dance, "dances", lambda app: app.dance, lambda app: app.sit_down)
PLANTED = Messages([*MESSAGES.routes, DANCE])


class Floor:
    """The step, and what it does with what failed too often."""

    def __init__(self) -> None:
        self.danced: list[Command] = []
        self.sat_down: list[Command] = []

    async def dance(self, command: Dance) -> Outcome:
        self.danced.append(command)
        if command.left == 0:
            return Outcome(note="the band is tired")
        following = Dance(command.figure, command.left - 1)
        return Outcome((following,), Later(Dance("waltz"), NOW, "the band rests"))

    async def sit_down(self, command: Dance) -> None:
        self.sat_down.append(command)


@pytest.fixture
async def floor(queues: QueueServiceClient, tables: TableServiceClient, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """An app with that step, on real queues."""
    for name in ("dances", poison_queue("dances")):
        with suppress(ResourceNotFoundError):
            await queues.delete_queue(name)
    floor = Floor()

    @asynccontextmanager
    async def in_hand(function: str, message: str) -> AsyncIterator[None]:
        assert (function, PLANTED.decode(message.encode())) == ("dance", floor_app.now)
        yield

    async def parks(command: Command) -> bool:
        return False

    floor_app = SimpleNamespace(
        dance=floor.dance,
        sit_down=floor.sit_down,
        in_hand=in_hand,
        stop=SimpleNamespace(parks=parks),
        outbox=QueueOutbox(queues, TableReminders(tables), PLANTED),
        now=None,
    )

    async def app() -> Any:
        return floor_app

    monkeypatch.setattr(wiring, "app", app)
    floor.app = floor_app  # type: ignore[attr-defined]
    return floor


def test_it_is_read_as_it_was_written() -> None:
    comes_back(PLANTED, DANCE)
    with pytest.raises(UnreadableMessage, match="figure"):
        PLANTED.decode(b'{"v": 1, "kind": "dance", "figure": "?"}')
    with pytest.raises(UnreadableMessage, match="dance"):
        MESSAGES.decode(PLANTED.encode(Dance("waltz"), None))


def test_it_is_missed_among_the_samples_with_every_field() -> None:
    assert without_sample(PLANTED) == {("dance", "figure"), ("dance", "left"), ("dance", "attempt")}


def test_it_has_its_function() -> None:
    app = func.FunctionApp()
    app.register_functions(triggers.blueprint([DANCE], PLANTED))
    [function] = app.get_functions()
    trigger: Any = function.get_trigger()

    assert (function.get_function_name(), trigger.queue_name) == ("dance", "dances")


async def test_it_goes_its_way_through_its_queue(
    floor: Any, queues: QueueServiceClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "guestlist")
    app = func.FunctionApp()
    app.register_functions(triggers.blueprint([DANCE], PLANTED))
    function = app.get_functions()[0].get_user_function()

    await floor.app.outbox.send(Dance("tango", 1))
    seen = []
    for _ in range(3):
        message = await queues.get_queue_client("dances").receive_message()
        assert message is not None
        body = base64.b64decode(message.content)
        floor.app.now = PLANTED.decode(body)
        await function(func.QueueMessage(body=body))
        await queues.get_queue_client("dances").delete_message(message)
        seen.append(floor.danced[-1])

    assert seen[0] == Dance("tango", 1)
    assert set(seen[1:]) == {Dance("tango"), Dance("waltz")}
    assert [m for m in caplog.messages if m.startswith("ended: ")] == 2 * ["ended: the band is tired"]


async def test_what_is_not_its_own_is_not_worked_on(floor: Floor) -> None:
    with pytest.raises(UnreadableMessage, match="a Dance where a InviteChunk belongs"):
        await triggers.work(PLANTED.routes[0], "invite_chunk", PLANTED.encode(Dance("tango"), None), PLANTED)
    assert floor.danced == []


async def test_it_is_given_up_from_its_poison_queue(floor: Floor, queues: QueueServiceClient) -> None:
    name = poison_queue("dances")
    await queues.create_queue(name)
    await queues.get_queue_client(name).send_message(PLANTED.encode(Dance("tango", 2), None).decode())

    lengths = await QueueGauges(queues, PLANTED)()
    filled = [queue for queue, length in lengths.items() if length]
    drain = StoragePoisonQueues(queues, PLANTED, hidden=timedelta(seconds=1)).drain
    assert name in filled
    assert await drain(partial(triggers.give_up, messages=PLANTED), [name]) == Drained(done=1)
    assert floor.sat_down == [Dance("tango", 2)]
