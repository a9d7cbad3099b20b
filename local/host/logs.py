"""The lines the host and the app print: one format for both, times in UTC."""

from __future__ import annotations

import logging
import sys
import time

LOG = logging.getLogger("host")
"""The host's own lines."""

_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
"""host.json's names in ``logging.logLevel``."""


class _Formatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("[%(asctime)s.%(msecs)03dZ] %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime


def set_up(default_level: str = "information") -> None:
    """Sends every logger of this process to standard output.

    The worker library's own `azure.functions` logger and the SDKs' request logs start at WARNING: the
    host polls with the same SDK as the app, and its requests would drown the app's own lines.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS.get(default_level.lower(), logging.INFO))
    LOG.setLevel(logging.INFO)
    for noisy in ("azure.functions", "azure.core", "azure.storage", "azure.identity", "msal"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
