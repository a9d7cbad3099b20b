"""What was sent in a test run and must stand in no line of a log and in nothing that is told: a whole run is read."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

_ADDRESS = re.compile(r"[^\s<>\"'(),;:/\\=]+(?:@|%40)[^\s<>\"'(),;:/\\=]+\.[A-Za-z]{2,}")
_TEXTS = frozenset({"message", "welcomeMessage", "displayName", "note", "name", "body", "subject"})
_LONG_ENOUGH = 8
"""Shorter texts stand in lines by chance."""


class Sent:
    """Collects what tests send: names and messages of people."""

    def __init__(self) -> None:
        self.texts: set[str] = set()

    def look(self, request: httpx.Request) -> None:
        """An event hook of httpx."""
        kind = request.headers.get("content-type", "")
        try:
            content = request.content.decode()
            if kind.startswith("application/json"):
                self._take(json.loads(content), None)
            elif kind.startswith("text/csv"):
                for row in csv.reader(content.splitlines()):
                    self.texts.update(cell for cell in row if " " in cell and len(cell) >= _LONG_ENOUGH)
        except (ValueError, csv.Error, httpx.RequestNotRead):
            return  # wrong on purpose

    def _take(self, value: Any, key: str | None) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                self._take(inner, name)
        elif isinstance(value, list):
            for inner in value:
                self._take(inner, key)
        elif isinstance(value, str) and key in _TEXTS and len(value) >= _LONG_ENOUGH and " " in value:
            self.texts.add(value)

    def found_in(self, *files: Path) -> Iterator[str]:
        """Lines that tell an address, a name or a message."""
        for file in files:
            with file.open(encoding="utf-8", errors="replace") as lines:
                for number, line in enumerate(lines, 1):
                    for text in (*_ADDRESS.findall(line), *(t for t in self.texts if t in line)):
                        yield f"{file.name}:{number}: {text!r} in {line[:300]!r}"
