"""A process that has loaded everything, and is forked for each process that is asked for: for tests, which kill many.

What is forked is as one that was started: the same command, environment, folder and path, and no thread, no loop and
no handler of logs. But its modules are loaded already, and its parent is the process that forks, which says how it
ended. On Linux alone. Standard library alone: a bare interpreter imports this.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_BYTES, _DESCRIPTORS = 1 << 16, 8
"""Of a request, at most. A socket of this kind keeps requests and answers apart, whoever writes them."""


def channel() -> tuple[socket.socket, socket.socket]:
    """Two ends: one to ask, for as many processes as inherit it, and one for the process that forks."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Forked:
    """A process as whoever asked for it has it: as much of `subprocess.Popen` as the host uses."""

    def __init__(self, asked: int, arguments: Sequence[str], descriptors: Sequence[int]) -> None:
        """Waits until it is there.

        Args:
            asked: descriptor of the end to ask.
            arguments: of the new process; its numbers of the descriptors follow.

        Raises:
            OSError: the process that forks has ended.
        """
        self._report, theirs = channel()
        with theirs, socket.socket(fileno=os.dup(asked)) as end:
            socket.send_fds(end, [json.dumps(arguments).encode()], [theirs.fileno(), *descriptors])
        said = self._report.recv(_BYTES)
        if not said:
            raise ConnectionResetError("The process that forks has ended.")
        self.pid = int(said)
        self.returncode: int | None = None

    def kill(self) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status; negative: the signal. Blocks. Raises TimeoutError."""
        if self.returncode is None:
            self._report.settimeout(timeout)
            self.returncode = self._status(self._report.recv(_BYTES))
        return self.returncode

    async def ended(self) -> int:
        """The same for a loop."""
        if self.returncode is None:
            self._report.setblocking(False)
            said = await asyncio.get_running_loop().sock_recv(self._report, _BYTES)
            self.returncode = self._status(said)
        return self.returncode

    def _status(self, said: bytes) -> int:
        self._report.close()
        # Without a word where the process that forks has ended itself: nobody knows, and it is taken as killed.
        return int(said) if said else -signal.SIGKILL


def become_forked(descriptor: int, modules: Sequence[str]) -> list[str]:
    """Loads the modules, those that there are, and returns in each process that is forked, with its arguments.

    Never returns in the process that forks: that ends when nobody is left who could ask.
    """
    # Ctrl-C reaches the whole group of processes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in modules:
        # What is wrong with one is said by the processes that need it.
        with suppress(Exception):
            importlib.import_module(name)
    if len(list(Path("/proc/self/task").iterdir())) > 1 or logging.getLogger().handlers:
        why = "A loaded module has started a thread or set logging up: this process cannot be forked."
        print(why, file=sys.stderr, flush=True)
        os._exit(1)  # at once: the thread may go on
    gc.freeze()  # no collection touches, and so copies, the pages of what is loaded
    requests = socket.socket(fileno=descriptor)
    running: dict[int, tuple[int, socket.socket]] = {}
    """By descriptor of the process: its id, and who asked for it."""
    while True:
        for ready in select.select([requests.fileno(), *running], [], [])[0]:
            if ready != requests.fileno():
                pid, report = running.pop(ready)
                _say(report, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                report.close()
                os.close(ready)
                continue
            content, descriptors, _, _ = socket.recv_fds(requests, _BYTES, _DESCRIPTORS)
            if not content:
                os._exit(0)
            report, given = socket.socket(fileno=descriptors[0]), descriptors[1:]
            pid = os.fork()
            if pid == 0:
                requests.close()
                for process, (_, other) in running.items():
                    os.close(process)
                    other.close()
                report.close()
                return [*json.loads(content), *map(str, given)]
            for number in given:
                os.close(number)
            running[os.pidfd_open(pid)] = (pid, report)
            _say(report, pid)


def _say(report: socket.socket, number: int) -> None:
    with suppress(OSError):  # whoever asked may have been killed
        report.send(str(number).encode())
