"""One Azurite for all of them; each test gets accounts that nobody has used."""

from collections.abc import Callable, Iterator

import pytest

from local.azurite import Azurite
from tests.operate.accounts import connection_of, with_accounts


@pytest.fixture(scope="session")
def _empty() -> Iterator[Iterator[str]]:
    with with_accounts() as names, Azurite.start() as azurite:
        yield (connection_of(azurite, name) for name in names)


@pytest.fixture
def empty_account(_empty: Iterator[str]) -> Callable[[], str]:
    """Gives the connection string of an empty account, another with each call."""
    return lambda: next(_empty)
