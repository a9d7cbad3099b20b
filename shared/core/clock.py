"""Time and chance, so that steps can be replayed by hand."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware and in UTC."""
        ...

    def jitter(self) -> float:
        """A random number from 0 up to 1."""
        ...

    def random_hex(self, digits: int) -> str:
        """That many random hex digits, good enough for ids that must never meet."""
        ...
