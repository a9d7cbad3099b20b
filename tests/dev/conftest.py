"""`dev.py` is no package's module: it is loaded by its path, as people start it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[2] / "dev.py"


@pytest.fixture(scope="session")
def dev() -> ModuleType:
    spec = importlib.util.spec_from_file_location("guestlist_dev", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
