"""Unit tests touch nothing outside the process."""

import pytest
from pytest_socket import disable_socket

from tests.unit.world import World


@pytest.fixture(autouse=True)
def _sockets_closed() -> None:
    # The event loop of an asynchronous test wakes itself through a pair of Unix sockets.
    disable_socket(allow_unix_socket=True)


@pytest.fixture
def world() -> World:
    return World()
