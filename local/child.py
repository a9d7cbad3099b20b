"""A program of the local stack that runs beside this process and never outlives it."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from build_tools.paths import ROOT

_PR_SET_PDEATHSIG = 1
"""linux/prctl.h: the signal a process gets when the thread that started it ends."""

_TAIL_LINES = 40


class StackError(Exception):
    """A part of the local stack did not start or has died; the message ends with what it printed last."""


class Child:
    """One ``python -m MODULE`` with a log file, which says through a ready file that it serves."""

    def __init__(
        self, module: str, arguments: Sequence[str], *, ready: Path, log: Path, env: Mapping[str, str]
    ) -> None:
        self.name = module
        self._ready = ready
        self._log = log
        ready.unlink(missing_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  (our own modules)
                [sys.executable, "-m", module, *arguments, "--ready-file", str(ready)],
                cwd=ROOT,
                env={**env, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent(),
                start_new_session=True,  # Ctrl-C in the terminal ends the stack in order, not all parts at once
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """The content of the ready file once it is there. Raises StackError: the program ended or took too long."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if (content := self.ready()) is not None:
                return content
            if (status := self._process.poll()) is not None:
                raise StackError(f"{self.name} ended with status {status} before it served.\n{self.tail()}")
            time.sleep(0.02)
        raise StackError(f"{self.name} did not serve within {timeout_s:g} s.\n{self.tail()}")

    def ready(self) -> dict[str, Any] | None:
        """What the ready file says now; None while there is none."""
        try:
            content: dict[str, Any] = json.loads(self._ready.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return content

    def check(self) -> None:
        """Raises StackError if the program has ended by itself."""
        if (status := self._process.poll()) is not None:
            raise StackError(f"{self.name} ended with status {status}.\n{self.tail()}")

    def tail(self) -> str:
        """The end of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join([f"The end of {self._log}:", *lines])

    def stop(self, grace_s: float = 20.0) -> None:
        """End it, gently at first; a second call does nothing."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._ready.unlink(missing_ok=True)


def _die_with_parent() -> Callable[[], None] | None:
    """What to run in the new process before the program: Linux then ends it when its parent dies, however."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded here: between fork and exec as little as possible
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return ask
