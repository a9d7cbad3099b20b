"""Whether the app can do its work: what answers, and which feature lacks which permission."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.features import Feature
from shared.domain.permissions import Permission


class Status(StrEnum):
    """How ready the whole is."""

    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not-ready"


@dataclass(frozen=True, slots=True)
class Readiness:
    """`storage` and `token` are what is wrong with them, in words that a stranger may read; None where they are well.
    `lacks` has every feature that is on, with the permissions that it has not; it is None without a token."""

    at: datetime
    storage: str | None
    token: str | None
    lacks: Mapping[Feature, tuple[Permission, ...]] | None

    @property
    def status(self) -> Status:
        """Without storage, a token or what inviting needs there is nothing that works; else the rest does."""
        if self.storage is not None or self.lacks is None or self.lacks[Feature.INVITING]:
            return Status.NOT_READY
        return Status.DEGRADED if any(self.lacks.values()) else Status.READY
