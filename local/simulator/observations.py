"""What the simulator keeps for whoever watches it: mails, loud log entries, counters of calls."""

import logging
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from .clock import stamp

logger = logging.getLogger("local.simulator")


class Mail(msgspec.Struct, rename="camel", omit_defaults=True):
    """A mail as its recipients would have got it, and as ``GET /_sim/mails`` shows it. `kind`: Microsoft's own
    invitation, or a mailbox's message."""

    kind: str
    sender: str = msgspec.field(name="from")
    to: list[str]
    subject: str
    body: str
    content_type: str
    sent: str = msgspec.field(name="sentDateTime")
    invitation_id: str | None = None
    redeem_url: str | None = None
    message_id: str | None = None


@dataclass(slots=True)
class Observations:
    mails: list[Mail] = field(default_factory=list)
    calls: Counter[tuple[str, int]] = field(default_factory=Counter)
    """(method and path template, status) -> how often; items of a $batch count as calls of their own."""
    log: list[dict[str, str]] = field(default_factory=list)

    def shout(self, what: str, **facts: str) -> None:
        """Note something nobody should rely on: an unimplemented path, a handler that broke."""
        logger.warning("%s %s", what, " ".join(f"{key}={value}" for key, value in facts.items()))
        self.log.append({"time": stamp(), "what": what, **facts})
