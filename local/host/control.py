"""What the supervisor and a worker process tell each other, as JSON lines over a socket pair.

From the worker: `indexed`, `serving`, `active`, `worker` (the id of the app's process), `failed`. From the
supervisor: `drain` and `stop`; its end of file means that the supervisor is gone, and is taken as `stop`.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

STOP = "stop"
"""End; running functions have the grace period."""

DRAIN = "drain"
"""Take no more work, and end when what runs has ended."""

EXIT_FAILED = 3
"""Exit status of a worker process that could not serve; it has said why."""

EXIT_ENDED = 4
"""Exit status of a host that ended itself, since the app's process had crashed too often."""


class WorkerEnd:
    """The worker process's end. Blocking and thread-safe: it must work while a loop is stuck."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._lock = threading.Lock()

    def tell(self, event: str, **details: Any) -> None:
        """Sends an event; a supervisor that is gone no longer needs it."""
        line = json.dumps({"event": event, **details}) + "\n"
        with self._lock:
            try:
                self._socket.sendall(line.encode())
            except OSError:
                return

    def on_order(self, *, stop: Callable[[], object], drain: Callable[[], object]) -> None:
        """Calls these from a thread of its own: `stop` once, when the supervisor says so or is gone."""

        def listen() -> None:
            with self._socket.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    given = json.loads(line).get("order")
                    if given == STOP:
                        break
                    if given == DRAIN:
                        drain()
            stop()

        threading.Thread(target=listen, name="control", daemon=True).start()


def order(name: str) -> bytes:
    """The line for an order of the supervisor."""
    return (json.dumps({"order": name}) + "\n").encode()
