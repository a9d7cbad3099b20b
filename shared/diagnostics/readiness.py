"""Whether the app can do its work, and what timer, queues and setup's own worker leave in storage to show it.

Each sweep writes down that the timer came and sends a message through a queue, whose function writes down that it
came back. Readiness reads how old both are.
"""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.core.clock import Clock, Timing
from shared.core.errors import GuestlistError
from shared.core.features import Features, lacking
from shared.diagnostics.model import WORKER_LATE, Chain, Readiness
from shared.diagnostics.ports import Heartbeats
from shared.messages.commands import RoundTrip
from shared.messages.outcomes import Outcome
from shared.messages.ports import Outbox

if TYPE_CHECKING:
    from shared.graph.app_directory import GraphAppDirectory


log = logging.getLogger("guestlist")

KEPT = timedelta(seconds=5)
"""How long an answer is given again. An availability test asks every few minutes, from several places."""
_PATIENCE_S = 10.0
"""A cold process loads the SDKs meanwhile. An availability test waits longer."""


@dataclass(slots=True)
class CheckReadiness:
    heartbeats: Heartbeats
    directory: "GraphAppDirectory"
    clock: Clock
    features: Features
    chain_timeout: timedelta
    patience_s: float = _PATIENCE_S
    has_setup_worker: bool = False
    """Setup is done by a worker of its own, under another identity than this process has."""
    _last: Readiness | None = None
    _said: bool = False
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self) -> Readiness:
        """What was found within the last `KEPT`; whoever comes while it is looked at waits for the same answer.
        Never raises for what it looks at, and takes no longer than `patience_s`."""
        async with self._one:
            if self._last is None or self._last.at <= self.clock.now() - KEPT:
                self._last = await self._look()
            return self._last

    async def _look(self) -> Readiness:
        (chain, storage), (held, token) = await asyncio.gather(
            self._asked("storage", self.heartbeats.read()),
            self._asked("a token for Microsoft Graph", self.directory.permissions()),
        )
        of_setup: frozenset[str] | None = None
        if self.has_setup_worker:
            of_setup = holds_of_setup(chain, self.clock.now())
        missing = None if held is None else lacking(held, self.features, of_setup)
        return Readiness(self.clock.now(), storage, token, missing, chain, self.chain_timeout)

    async def _asked[T](self, what: str, call: Awaitable[T]) -> tuple[T | None, str | None]:
        """The answer, or what is wrong: no more of it than anybody may read. The logs have the rest."""
        try:
            async with asyncio.timeout(self.patience_s):
                return await call, None
        except TimeoutError:
            log.warning("readiness: %s did not come within %g s", what, self.patience_s)
            return None, f"no answer within {self.patience_s:g} seconds"
        except GuestlistError as e:
            log.warning("readiness: %s: %s", what, e)
            return None, "refused, or not to be reached: the app's logs have more"

    async def report(self) -> None:
        """Write what each feature lacks into the log, once in a process. To be called within an invocation: the
        Functions host drops every line that is written outside one (azure-functions-host, ``GrpcWorkerChannel``).
        Never raises."""
        if self._said:
            return
        self._said = True
        try:
            found = await self()
        except Exception:
            log.exception("the readiness of this process could not be looked at")
            return
        for what, wrong in (("storage", found.storage), ("a token for Microsoft Graph", found.token)):
            if wrong is not None:
                log.warning("not ready: %s: %s", what, wrong)
        if found.missing is None:
            return
        for feature, missing in found.missing.items():
            if missing:
                said = "; ".join(f"{p.name} (else it cannot {p.purposes[feature]})" for p in missing)
                log.warning("feature '%s' lacks %s", feature.value, said)
        if not any(found.missing.values()):
            log.info("every feature that is on has its permissions (%s)", ", ".join(sorted(found.missing)))


def holds_of_setup(chain: Chain | None, now: datetime) -> frozenset[str]:
    """What setup's own worker holds; nothing where it has not said so for long."""
    worker = chain.setup if chain else None
    return worker.holds if worker and now - worker.at <= WORKER_LATE else frozenset()


@dataclass(frozen=True, slots=True)
class WatchChain:
    """All methods raise StorageBusy, and are safe to repeat."""

    heartbeats: Heartbeats
    outbox: Outbox
    directory: "GraphAppDirectory"
    clock: Clock
    timing: Timing

    async def start_round_trip(self) -> None:
        """The sweeper's part: the timer came, and a message is on its way through a queue."""
        now = self.clock.now()
        await self.heartbeats.note_sweep(now)
        await self.outbox.send(RoundTrip(now))

    async def end_round_trip(self, command: RoundTrip) -> Outcome:
        """The queue's part: the message came back."""
        await self.heartbeats.note_return(command.sent_at, self.clock.now())
        return Outcome()

    async def report_setup_worker(self) -> None:
        """Setup's own worker writes down what its identity holds: no other process sees that identity's token. Raises
        DirectoryBusy as well, where there is no token."""
        await self.heartbeats.note_setup_worker(self.clock.now(), await self.directory.permissions())

    async def due(self) -> datetime | None:
        """The time for `note` where a whole sweep is due now, else None: seldom enough that an app at rest asks
        storage for little. The last time is in storage, as the process of a timer may live for less than the time
        between two runs (Flex Consumption)."""
        now, last = self.clock.now(), await self.heartbeats.read_whole_sweep()
        return now if last is None or now - last >= self.timing.whole_sweep else None

    async def note(self, begun: datetime) -> None:
        """The whole sweep that began then came to its end. Where this fails, the next sweep is a whole one, too."""
        await self.heartbeats.note_whole_sweep(begun)
