"""The app has a step for every kind of message, and each takes the command that its route brings."""

import inspect
from typing import Any, get_type_hints

import pytest

from local.azurite import Azurite
from shared.messages.registry import MESSAGES
from shared.settings import read_settings
from shared.storage.accounts import CONNECTION
from shared.wiring.capabilities import App


def taken(step: Any) -> type:
    """The type of what a step is called with."""
    call = step if inspect.isroutine(step) else type(step).__call__
    [command] = [hint for name, hint in get_type_hints(call).items() if name != "return"]
    assert isinstance(command, type)
    return command


async def test_each_step_takes_the_command_of_its_route(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONNECTION, azurite.connection_string)
    app = App(read_settings({"GUESTLIST_TENANT_ID": "t", "GUESTLIST_API_AUDIENCE": "a"}))

    for route in MESSAGES.routes:
        assert taken(route.run(app)) is route.command
        assert issubclass(route.command, taken(route.on_poison(app)))
