"""Faults a test asks for: answers of other weather, before the call or after its effect, cut and held connections."""

import asyncio
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from .errors import TOO_MANY_INNER, Answer, GraphError
from .tables import TABLES

When = Literal["before", "after"]

_WORDS: dict[str, tuple[str, str]] = TABLES["faults"]
"""What Graph says with a status when the one who set the fault gave no words."""


class FaultOrder(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The body of ``POST /_sim/faults``.

    `times` 0 means for ever; the first `skip` matching calls go by. `cut` closes the connection without an
    answer, `hang` holds the call until the fault is deleted; without status, body, cut or hang the fault only
    waits `delay_ms`. `path` is searched as a regular expression in the decoded path after the version.
    """

    method: str | None = None
    path: str | None = None
    times: int = 1
    skip: int = 0
    when: When = "before"
    status: int | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    code: str | None = None
    message: str | None = None
    body: Any = None
    cut: bool = False
    hang: bool = False
    delay_ms: float = 0


class Cut(Exception):
    """The connection is to be closed without an answer."""


@dataclass(slots=True)
class Fault:
    id: str
    order: FaultOrder
    pattern: re.Pattern[str] | None
    to_skip: int
    hits: int = 0
    holding: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, method: str, path: str, when: When) -> bool:
        order = self.order
        return (
            order.when == when
            and not self.released.is_set()
            and (order.times == 0 or self.hits < order.times)
            and (order.method is None or order.method.upper() == method)
            and (self.pattern is None or self.pattern.search(path) is not None)
        )

    async def strike(self) -> Answer | None:
        """Wait, hold or cut as ordered; the answer that replaces the real one, if any.

        Raises:
            Cut: the connection is to be closed.
            GraphError: the ordered error, in Graph's envelope.
        """
        order = self.order
        if order.delay_ms:
            await asyncio.sleep(order.delay_ms / 1000)
        if order.hang:
            self.holding += 1
            try:
                await self.released.wait()
            finally:
                self.holding -= 1
        if order.cut:
            raise Cut
        if order.body is not None:
            text = order.body if isinstance(order.body, str) else None
            body = None if text is not None else order.body
            return Answer(order.status or 200, body, text, dict(order.headers), by_hand=True)
        if order.status is None:
            return None
        if order.status < 400:
            return Answer(order.status, headers=dict(order.headers))
        code, message = _WORDS.get(str(order.status), ("UnknownError", ""))
        raise GraphError(
            order.status,
            order.code or code,
            order.message or message,
            headers=dict(order.headers),
            inner=dict(TOO_MANY_INNER) if order.status == 429 else {},
        )

    def shown(self) -> dict[str, Any]:
        return {"id": self.id, "hits": self.hits, "holding": self.holding, **msgspec.to_builtins(self.order)}


class Faults:
    """The faults in force, oldest first; the first that fits strikes."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._numbers = itertools.count(1)

    def add(self, order: FaultOrder) -> Fault:
        """Raises ``re.error`` when `path` is no regular expression."""
        pattern = None if order.path is None else re.compile(order.path)
        fault = Fault(f"fault-{next(self._numbers)}", order, pattern, order.skip)
        self._faults[fault.id] = fault
        return fault

    def remove(self, id_: str | None = None) -> int:
        """Remove one fault or all, and release whatever they hold; how many were removed."""
        gone = [fault for fault in self._faults.values() if id_ is None or fault.id == id_]
        for fault in gone:
            fault.released.set()
            del self._faults[fault.id]
        return len(gone)

    async def strike(self, method: str, path: str, when: When) -> Answer | None:
        """The answer that replaces the real one, by the fault that strikes this call, if any. Raises: as
        `Fault.strike`."""
        for fault in self._faults.values():
            if not fault.matches(method, path, when):
                continue
            if fault.to_skip > 0:
                fault.to_skip -= 1
                continue
            fault.hits += 1
            return await fault.strike()
        return None

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults.values())
