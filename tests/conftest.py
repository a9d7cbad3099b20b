"""What every test can rely on, however the tests were started."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

_INTEGRATION = Path(__file__).parent / "integration"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever the order, the tests that share one running product stand together: it can end when they have."""
    items.sort(key=lambda item: not shares_the_product(item))


def shares_the_product(item: pytest.Item) -> bool:
    """It uses the fixture `stack` of tests/integration."""
    return _INTEGRATION in item.path.parents and "stack" in getattr(item, "fixturenames", ())


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_works() -> Iterator[None]:
    """A shell starts what runs in its background with Ctrl-C ignored, and the programs of these tests inherit it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
