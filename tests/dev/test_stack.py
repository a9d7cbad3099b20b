"""The local stack as a whole: it serves, recovers from kills, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from build_tools.paths import ROOT
from local.child import StackError
from local.stack import Stack
from local.tenant import SAMPLE_TENANT


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Zombies, which nobody has collected yet, do not count."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def health(stack: Stack) -> int:
    with urllib.request.urlopen(f"{stack.host_url}/api/health", timeout=30) as answer:  # noqa: S310
        return int(answer.status)


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@linux_only
@pytest.mark.xdist_group("stack")
def test_the_stack_serves_survives_kills_and_ends_whole() -> None:
    with Stack(workers=2, extra_settings={"GUESTLIST_MESSAGE_LIMIT": "99"}) as stack:
        assert health(stack) == 200
        values = json.loads(stack.settings_file.read_text(encoding="utf-8"))["Values"]
        assert values["GUESTLIST_MESSAGE_LIMIT"] == "99"
        before = stack.worker_pids()
        assert len(before) == 2
        assert sorted(stack.kill_workers()) == sorted(before)
        assert health(stack) == 200
        host = stack.host_pid
        stack.restart_host()
        assert stack.host_pid != host
        assert health(stack) == 200
        pids = [stack.host_pid, stack.simulator_pid, stack.azurite.pid, *stack.worker_pids()]
    wait_for(lambda: not any(is_running(pid) for pid in pids), "every process has ended")
    stack.stop()


@linux_only
@pytest.mark.xdist_group("stack")
def test_the_parts_die_with_a_killed_parent() -> None:
    command = [sys.executable, "-m", "local", "stack"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            where = json.loads(process.stdout.readline())
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()
            assert len(children) >= 3
        finally:
            process.kill()
    wait_for(lambda: not any(is_running(int(pid)) for pid in children), "the children have ended")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(where["simulator"], timeout=5)  # noqa: S310


def test_a_part_that_does_not_start_is_reported_with_what_it_said(tmp_path: Path) -> None:
    seed = json.loads(SAMPLE_TENANT.read_text(encoding="utf-8")) | {"nonsense": []}
    file = tmp_path / "seed.json"
    file.write_text(json.dumps(seed), encoding="utf-8")
    with pytest.raises(StackError, match="nonsense"), Stack(seed=file, start_host=False):
        pass


def test_traffic_goes_to_a_file_of_its_own_in_the_folder_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUESTLIST_TRAFFIC", f"{tmp_path}{os.sep}")
    files = {Stack().traffic, Stack().traffic}
    assert len(files) == 2
    assert all(file is not None and file.parent == tmp_path for file in files)
    assert Stack(traffic=tmp_path / "x.jsonl").traffic == tmp_path / "x.jsonl"


@linux_only
def test_processes_are_forked_only_where_the_environment_or_the_caller_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GUESTLIST_FORKS", raising=False)
    assert (Stack().forks, Stack(forks=True).forks) == (False, True)
    monkeypatch.setenv("GUESTLIST_FORKS", "1")
    assert (Stack().forks, Stack(forks=False).forks) == (True, False)


@linux_only
@pytest.mark.xdist_group("stack")
def test_ctrl_c_ends_the_stack_in_order() -> None:
    command = [sys.executable, "-m", "local", "stack", "--no-host"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["app"] is None
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
