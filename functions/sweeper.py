"""The timer that enqueues again what has stalled.

Most of what it looks for has stalled for minutes when it is found, so it is looked for every few minutes. What
an instance held that died, and whether timer and queues work, is checked in every sweep.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import azure.functions as func

from functions.handlers import background
from functions.queues import drain_poison
from shared import wiring
from shared.core.errors import GuestlistError

bp = func.Blueprint()
log = logging.getLogger("guestlist")

SWEEP_PART_S = 200.0
"""How long a part of a sweep may take; all parts run side by side."""

type Parts = Mapping[str, Callable[[wiring.App], Awaitable[int | None]]]
"""By name; a part gives how many messages it sent, or None."""


class SweepFailed(Exception):
    """Names the parts of a sweep that failed; what each failed of is in the log."""


@bp.function_name("sweep")
@bp.timer_trigger(arg_name="timer", schedule="%GUESTLIST_SWEEP_SCHEDULE%", run_on_startup=False)
@background
async def sweep(timer: func.TimerRequest) -> None:
    await sweep_all()


async def sweep_all() -> None:
    """All parts side by side, each within its own time: none keeps another from its work, by failing or by lasting.
    Each marks what it has done as it goes, so that the next sweep goes on where this one was cut off."""
    app = await wiring.app()
    often, seldom = await asyncio.gather(_failing(EVERY_SWEEP, app), _whole_sweep(app))
    if failed := [*often, *seldom]:
        raise SweepFailed(f"parts of the sweep failed: {', '.join(failed)}")


async def _whole_sweep(app: wiring.App) -> list[str]:
    """The parts that are not due in every sweep; gives which failed. Then all are due at the next sweep."""
    try:
        if (begun := await app.whole_sweeps.due()) is None:
            return []
        if not (failed := await _failing(WHOLE_SWEEP, app)):
            await app.whole_sweeps.note(begun)
        return failed
    except GuestlistError:
        log.exception("the time of the last whole sweep could not be read or written")
        return ["time of the last whole sweep"]


async def _failing(parts: Parts, app: wiring.App) -> list[str]:
    done = await asyncio.gather(*(_run(name, parts, app) for name in parts))
    return [name for name, fine in zip(parts, done, strict=True) if not fine]


async def _run(name: str, parts: Parts, app: wiring.App) -> bool:
    """Whether it came to its end."""
    try:
        async with asyncio.timeout(SWEEP_PART_S):
            sent = await parts[name](app)
    except Exception:
        log.exception("the sweep of %s failed", name)
        return False
    if sent:
        log.info("%d messages sent for %s that had stalled or were due", sent, name)
    return True


async def _queues(app: wiring.App) -> None:
    lengths = await app.measure_queues()
    await drain_poison(app, [name for name, length in lengths.items() if length])


EVERY_SWEEP: Parts = {
    "chain": lambda app: app.start_round_trip(),
    "due": lambda app: app.send_due(),
    "parked": lambda app: app.stop.sweep(),
}
WHOLE_SWEEP: Parts = {
    "chunks": lambda app: app.sweep(),
    "imports": lambda app: app.imports.sweep(),
    "setups": lambda app: app.setups.sweep(),
    "apps": lambda app: app.setups.sweep_apps(),
    "requests": lambda app: app.requests.sweep(),
    "deciders": lambda app: app.requests.sweep_rest(),
    "audits": lambda app: app.audits.sweep(),
    "remedies": lambda app: app.audits.sweep_remedies(),
    "people": lambda app: app.people.sweep(),
    "queues": _queues,
    "readiness": lambda app: app.say_readiness(),
}
