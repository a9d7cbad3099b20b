"""Access keys of HTTP functions, from a local file.

The file is JSON: ``{"master": "…", "host": {"default": "…"}, "functions": {"name": {"default": "…"}}}``,
every part optional. In Azure they are in the host's secret store. Without a file nobody has a key, and what asks for
one answers 401.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.host.errors import StartError


@dataclass(frozen=True, slots=True)
class Keys:
    """Says who may call what."""

    master: str | None = None
    host: frozenset[str] = frozenset()
    of_function: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Keys:
        """Reads the file.

        Raises:
            StartError: it is missing or not of that form.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8-sig"))
            master = document.get("master")
            functions = {name: _values(keys) for name, keys in document.get("functions", {}).items()}
            return cls(master, _values(document.get("host", {})), functions)
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise StartError(f"Unable to read the keys file '{path}': {error}") from error

    def allow(self, level: str, function: str, presented: str | None) -> bool:
        """Whether a key (from `x-functions-key` or `?code=`) opens a function of that level."""
        if level == "anonymous":
            return True
        accepted = [self.master] if self.master else []
        if level == "function":
            accepted += [*self.host, *self.of_function.get(function, ())]
        return _is_one_of(presented, accepted)


def _values(keys: dict[str, Any]) -> frozenset[str]:
    return frozenset(str(value) for value in keys.values() if value)


def _is_one_of(presented: str | None, accepted: Iterable[str]) -> bool:
    if presented is None:
        return False
    return any(hmac.compare_digest(presented.encode(), key.encode()) for key in accepted)
