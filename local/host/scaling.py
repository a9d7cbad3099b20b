"""How many instances a group of functions needs: the decisions of a scale controller, without I/O.

Flex Consumption scales all HTTP functions together, and every queue and timer function by itself. Source: Microsoft,
"Event-driven scaling", per-function scaling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from local.host.errors import StartError

HTTP = "http"
"""The group of all HTTP functions; every other group is `function:NAME`. The names are those of `alwaysReady`."""

LEAD = timedelta(seconds=3)
"""So long before its time a timer's instance is started. UNVERIFIED: how early the platform is."""


@dataclass(frozen=True, slots=True)
class Group:
    """Functions that scale together, and what gives them work. An instance names all groups when it has indexed."""

    name: str
    queue: str = ""
    connection: str = ""
    """Of the queue."""
    schedule: str = ""
    monitored: bool = False
    """The timer's next run is kept in a blob."""

    @property
    def function(self) -> str:
        """The name of its one function; empty for HTTP."""
        return self.name.removeprefix("function:") if self.name != HTTP else ""


@dataclass(frozen=True, slots=True)
class Scaling:
    """How instances come and go."""

    idle_s: float = 30.0
    """An instance that had nothing to do for so long is stopped. UNVERIFIED: the least of Flex Consumption."""
    every_s: float = 1.0
    """Pause between two looks at queues and schedules. Microsoft names ten seconds, fixed, for the plans Consumption
    and Premium (Microsoft Learn, "Azure Storage provider for Durable Functions", queue polling). UNVERIFIED: the same
    on Flex Consumption. It is shorter here, so that tests need not wait."""
    always_ready: frozenset[str] = frozenset()
    """Groups of which one instance always runs."""
    most: int = 1
    """Instances of one group."""
    batch_size: int = 16
    """Messages that an instance is expected to work on at a time. Source: Microsoft, "Target-based scaling"."""

    def check(self, groups: Sequence[Group]) -> None:
        """Raises StartError where `always_ready` names a group that the app does not have."""
        if unknown := self.always_ready - {group.name for group in groups}:
            raise StartError(f"--always-ready names {', '.join(sorted(unknown))}, which the app does not have.")

    def for_length(self, length: int) -> int:
        """Instances for a queue of that length. Source: azure-sdk-for-net, `QueueTargetScaler`."""
        return min(self.most, ceil(length / self.batch_size))

    def for_timer(self, due: datetime, now: datetime) -> int:
        """Instances for a timer: one when it is due or nearly."""
        return int(due - LEAD <= now)

    def decide(self, group: str, wanted: int, idle: Sequence[float]) -> tuple[int, list[int]]:
        """What follows for a group.

        Args:
            wanted: instances that its work asks for.
            idle: for each instance that runs, the seconds for which it had nothing to do.

        Returns:
            How many instances to start, and the positions of those to stop: the longest idle first, and only as many
            as are not wanted.
        """
        wanted = max(wanted, int(group in self.always_ready))
        spare = len(idle) - wanted
        if spare <= 0:
            return -spare, []
        over = [position for position, seconds in enumerate(idle) if seconds >= self.idle_s]
        return 0, sorted(over, key=lambda position: -idle[position])[:spare]
