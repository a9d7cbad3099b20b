"""What every test can rely on, however the tests were started."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_INTEGRATION = Path(__file__).parent / "integration"
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Whatever the order, the tests that share one running product run in one process, one after the other: each
    process more is a product more, and it can end when they have. They begin, with the tests that may take longest:
    so that no process works on long after the others have ended."""
    for item in filter(shares_the_product, items):
        item.add_marker(pytest.mark.xdist_group("stack"))
    yield
    items.sort(key=lambda item: (not shares_the_product(item), -_time_limit(item)))


def shares_the_product(item: pytest.Item) -> bool:
    """It uses the fixture `stack` of tests/integration, and not one of its own, which has a group of its own."""
    group = item.get_closest_marker("xdist_group")
    return uses_a_stack(item) and (group is None or group.args == ("stack",))


def _time_limit(item: pytest.Item) -> float:
    own = item.get_closest_marker("timeout")
    return float(own.args[0]) if own else 0.0


def uses_a_stack(item: pytest.Item) -> bool:
    return _INTEGRATION in item.path.parents and "stack" in getattr(item, "fixturenames", ())


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_works() -> Iterator[None]:
    """A shell starts what runs in its background with Ctrl-C ignored, and the programs of these tests inherit it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
