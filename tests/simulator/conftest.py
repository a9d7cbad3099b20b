"""The simulator over plain HTTP."""

from collections.abc import AsyncIterator

import pytest

from tests.simulator.simulated_graph import Graph, serving


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with serving() as found:
        yield found
