"""What the simulator keeps for whoever watches it: mails, loud log entries, counters of calls, recorded traffic."""

import logging
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from .clock import stamp

logger = logging.getLogger("local.simulator")
_MAX_BATCH = 20


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


class Traffic:
    """A record of every exchange under /v1.0, one JSON line each: ``{method, path, status, request, response}``.

    The form is that of the conformance check against Microsoft's published types. Not recorded: cut connections, and
    answers whose body was written by hand for a fault (they are no claim about Graph).

    Appends whole lines with one write each, so that several processes may share a file.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._encode = msgspec.json.Encoder().encode

    def record(self, *, method: str, path: str, status: int, request: Any, response: Any) -> None:
        """`path` as it came on the wire, with version and query."""
        if path.split("?")[0].endswith("$batch") and not _was_opened(status, request):
            request = None
        line = {"method": method, "path": path, "status": status, "request": request, "response": response}
        os.write(self._descriptor, self._encode(line) + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)


def _was_opened(status: int, request: Any) -> bool:
    """Whether a $batch was looked into. One answered as a whole (401, 429, 5xx) has no answers for its items;
    one refused for having too many is recorded with them, since that is the client's breach."""
    items = request.get("requests") if isinstance(request, dict) else None
    return status == 200 or (isinstance(items, list) and len(items) > _MAX_BATCH)
