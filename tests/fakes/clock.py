"""A clock that goes when told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.builders import NOW


@dataclass
class FakeClock:
    time: datetime = NOW
    count: int = 0

    def now(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by

    def jitter(self) -> float:
        return 0.5

    def random_hex(self, digits: int) -> str:
        self.count += 1
        return f"{self.count:0{digits}x}"
