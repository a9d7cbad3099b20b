"""Tests that share a running product run in one process: each process more is a product more."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import uses_a_stack

TEST = """
import pytest

pytestmark = pytest.mark.xdist_group("product")


@pytest.mark.parametrize("n", range(4))
def test_something(n):
    pass
"""


def test_a_group_stays_in_one_process(tmp_path: Path) -> None:
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-v", "-c", "/dev/null"]

    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=True)

    assert "8 passed" in done.stdout
    assert len(set(re.findall(r"^\[(gw\d)\].* PASSED", done.stdout, re.MULTILINE))) == 1


def test_every_test_that_uses_a_running_product_is_in_a_group(request: pytest.FixtureRequest) -> None:
    users = [item for item in request.session.items if uses_a_stack(item)]

    assert [item.nodeid for item in users if item.get_closest_marker("xdist_group") is None] == []
