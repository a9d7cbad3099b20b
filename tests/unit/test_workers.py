"""Which functions each worker has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = """
import json, function_app
found = [(f.get_function_name(), f.get_trigger().type) for f in function_app.app.get_functions()]
print(json.dumps(found))
"""


def functions_of(worker: str) -> dict[str, str]:
    """Type of trigger by name, in a process of its own: they are registered when the app is imported."""
    env = {**os.environ, "GUESTLIST_WORKER": worker, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", LIST], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_setup_s_worker_has_no_route_and_the_public_one_nothing_of_setup_s() -> None:
    every, public, setup = (functions_of(worker) for worker in ("all", "public", "setup"))

    assert set(setup.values()) == {"queueTrigger", "timerTrigger"}
    assert [name for name, type_ in setup.items() if type_ == "timerTrigger"] == ["report_setup_worker"]
    assert set(public) & set(setup) == set()
    assert set(public) | set(setup) - {"report_setup_worker"} == set(every)


@pytest.mark.parametrize("worker", ["Setup ", ""])
def test_a_worker_is_known_whatever_is_around_its_name(worker: str) -> None:
    assert functions_of(worker)


def test_an_unknown_worker_does_not_start_with_more_than_was_meant() -> None:
    with pytest.raises(AssertionError, match="GUESTLIST_WORKER must be all, public or setup"):
        functions_of("pubic")
