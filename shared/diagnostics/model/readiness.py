"""Whether the app can do its work: what answers, which feature lacks which permission, and whether timer and queues
bring work forward."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.core.features import Feature, Permission


class Status(StrEnum):
    """How ready the whole is."""

    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not-ready"


class Beat(StrEnum):
    """Whether something that has to come again and again still comes."""

    OK = "ok"
    LATE = "late"
    STARTING = "starting"
    """It has never come: a fresh installation, until the first sweep; or timer or queues never worked."""
    UNKNOWN = "unknown"
    """Storage, where its time stands, does not answer."""


WORKER_LATE = timedelta(hours=1)
"""It reports each quarter of an hour."""


@dataclass(frozen=True, slots=True)
class SetupWorker:
    """What setup's own worker last said: when, and which permissions its identity held."""

    at: datetime
    holds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chain:
    """What the sweeper and its messages left in storage. `swept_at` is when the timer last came, `returned` when the
    newest message that came back through a queue had been sent; None where there was none yet."""

    swept_at: datetime | None = None
    returned: datetime | None = None
    setup: SetupWorker | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """`storage` and `token` are what is wrong with them, in words that a stranger may read; None where they are well.
    `missing` has every feature that is on, with the permissions that it has not; it is None without a token. `chain`
    is None without storage; what is older in it than `chain_timeout` is late."""

    at: datetime
    storage: str | None
    token: str | None
    missing: Mapping[Feature, tuple[Permission, ...]] | None
    chain: Chain | None
    chain_timeout: timedelta

    @property
    def sweep(self) -> Beat:
        """Whether the timer still comes."""
        return self._beat(self.chain.swept_at if self.chain else None)

    @property
    def round_trip(self) -> Beat:
        """Whether messages still come back."""
        return self._beat(self.chain.returned if self.chain else None)

    def _beat(self, last: datetime | None) -> Beat:
        if self.chain is None:
            return Beat.UNKNOWN
        if last is None:
            return Beat.STARTING
        return Beat.LATE if self.at - last > self.chain_timeout else Beat.OK

    @property
    def status(self) -> Status:
        """Without storage, a token, timer and queues, or what inviting needs there is nothing that works; else the
        rest does."""
        if self.storage is not None or self.missing is None or self.missing[Feature.INVITING]:
            return Status.NOT_READY
        if {self.sweep, self.round_trip} != {Beat.OK}:
            return Status.NOT_READY
        return Status.DEGRADED if any(self.missing.values()) else Status.READY
