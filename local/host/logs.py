"""The lines the host and the app print: one format for both, times in UTC."""

from __future__ import annotations

import logging
import sys
import time

LOG = logging.getLogger("host")
"""The host's own lines, of category `Host`."""

INFORMATION, WARNING, ERROR = 2, 3, 4
"""Of `RpcLog.Level`. What is below Information is printed of nobody: no `logging.logLevel` of host.json."""


class _Formatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("[%(asctime)s.%(msecs)03dZ] %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime


def set_up() -> None:
    """Sends every logger of this process to standard output.

    The SDKs' request logs start at WARNING: what the host polls with would drown everything else.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("azure.core", "azure.storage", "azure.identity", "msal"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


APP = logging.getLogger("app")
"""The app's lines, and the host's about its functions."""


def print_line(level: int, text: str) -> None:
    """Prints a line of a level of `RpcLog.Level`: a tenth of Python's, with one more at each end."""
    APP.log(10 * max(1, min(level, 5)), "%s", text)
