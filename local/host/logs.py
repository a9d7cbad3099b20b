"""The lines the host and the app print: one format for both, times in UTC."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping

LOG = logging.getLogger("host")
"""The host's own lines, of category `Host`."""

_LEVELS = {
    "trace": 0,
    "debug": 1,
    "information": 2,
    "warning": 3,
    "error": 4,
    "critical": 5,
    "none": 6,
}
"""host.json's names in ``logging.logLevel``, and their numbers in `RpcLog.Level`."""

WARNING = _LEVELS["warning"]

_OF_PYTHON = (logging.DEBUG, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
_OFF = logging.CRITICAL + 1


class Levels:
    """``logging.logLevel`` of host.json: the longest category that a line's category begins with decides.

    Every line that an app writes in Python is of category `Function.<name>.User`, whichever logger wrote it.
    Source: `LoggerRuleSelector` of Microsoft.Extensions.Logging; `FunctionInvokerBase` of azure-functions-host.
    """

    def __init__(self, rules: Mapping[str, str]) -> None:
        self._rules = {
            name.lower(): _LEVELS.get(level.lower(), _LEVELS["information"]) for name, level in rules.items()
        }
        self._default = self._rules.pop("default", _LEVELS["information"])

    def least(self, category: str) -> int:
        """Of a category's lines, the least level that is printed."""
        fitting = [name for name in self._rules if category.lower().startswith(name)]
        return self._rules[max(fitting, key=len)] if fitting else self._default

    def allow(self, category: str, level: int) -> bool:
        """Whether a line is printed."""
        return self.least(category) <= level < _LEVELS["none"]


class _Formatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("[%(asctime)s.%(msecs)03dZ] %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime


def set_up(levels: Levels | None = None) -> None:
    """Sends every logger of this process to standard output.

    The SDKs' request logs start at WARNING: what the host polls with would drown everything else.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    least = levels.least("Host") if levels else _LEVELS["information"]
    LOG.setLevel(_OF_PYTHON[least] if least < len(_OF_PYTHON) else _OFF)
    APP.setLevel(logging.DEBUG)
    for noisy in ("azure.core", "azure.storage", "azure.identity", "msal"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


APP = logging.getLogger("app")
"""The app's lines, and the host's about its functions: filtered by `Levels` before they come here."""


def print_line(level: int, text: str) -> None:
    """Prints a line of a level of `RpcLog.Level`."""
    APP.log(_OF_PYTHON[min(level, len(_OF_PYTHON) - 1)], "%s", text)
