"""A person at a terminal: the command runs in a pseudo-terminal, is read, and is typed at."""

import contextlib
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """What the command has printed so far, without colours, and keys to press."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self.text = ""

    def read_until(self, words: str, timeout_s: float = 30) -> None:
        """Wait until the words have been printed; what was read before does not count."""
        start, deadline = len(self.text), time.monotonic() + timeout_s
        while words not in self.text[start:]:
            assert time.monotonic() < deadline, f"'{words}' is not in {self.text[start:]!r}"
            if not self._read(0.1):
                assert words in self.text[start:], f"ended without '{words}': {self.text[start:]!r}"

    def read_question(self, words: str, timeout_s: float = 30) -> None:
        """Wait until the command has asked, and sleeps until it is answered.

        Python's ``input`` prints its prompt a moment before it reads, and a Ctrl-C in between is only seen after the
        next line: who types as fast as a test would have to press it twice.
        """
        self.read_until(f"{words}: ")
        deadline = time.monotonic() + timeout_s
        while self._state() != "S":
            assert time.monotonic() < deadline, "does not wait for an answer"
            time.sleep(0.01)

    def _state(self) -> str:
        """R for running, S for sleeping: as Linux says it, or where it has no such file, ``ps``."""
        try:
            return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            command = ["ps", "-o", "stat=", "-p", str(self._process.pid)]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()[:1]

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def end(self, timeout_s: float = 30) -> int:
        """Read to the end; the exit code."""
        deadline = time.monotonic() + timeout_s
        while self._read(0.1):
            assert time.monotonic() < deadline, f"does not end: {self.text!r}"
        return self._process.wait(timeout_s)

    def _read(self, wait_s: float) -> bool:
        """False once the command has closed the terminal."""
        if not select.select([self._descriptor], [], [], wait_s)[0]:
            return True
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # Linux' way to say that the other end is closed
            return False
        self.text += _CONTROL.sub("", data.decode(errors="replace")).replace("\r", "")
        return bool(data)


@contextmanager
def terminal(environment: dict[str, str], *arguments: str) -> Iterator[Terminal]:
    """Run the command in a terminal of its own, which is also where Ctrl-C comes from."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_take_the_terminal,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait(10)
        os.close(ours)


def _take_the_terminal() -> None:
    """Make standard input the controlling terminal, so that its keys become signals."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
