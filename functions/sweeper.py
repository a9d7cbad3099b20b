"""The timer that enqueues again what stands still.

Most of what it looks for has stood still for minutes when it is found, so it is looked for every few minutes. What
an instance held that died, and whether timer and queues work, is looked after in every sweep.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import azure.functions as func

from functions import poison
from functions.edge import SWEEP_PART_S, on_time
from shared import wiring
from shared.domain.errors import GuestlistError

bp = func.Blueprint()
log = logging.getLogger("guestlist")

type Part = Callable[[wiring.App], Awaitable[None]]


class SweepFailed(Exception):
    """Names the parts of a sweep that failed; what each failed of is in the log."""


@bp.function_name("sweep")
@bp.timer_trigger(arg_name="timer", schedule="%GUESTLIST_SWEEP_SCHEDULE%", run_on_startup=False)
@on_time
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
    """The parts that are due now and then, where they are; gives which failed. Then all are due at the next sweep."""
    try:
        if (begun := await app.whole_sweeps.due()) is None:
            return []
        if not (failed := await _failing(WHOLE_SWEEP, app)):
            await app.whole_sweeps.note(begun)
        return failed
    except GuestlistError:
        log.exception("the time of the last whole sweep could not be read or written")
        return ["time of the last whole sweep"]


async def _failing(parts: Sequence[Part], app: wiring.App) -> list[str]:
    done = await asyncio.gather(*(_run(part, app) for part in parts))
    return [part.__name__.strip("_") for part, fine in zip(parts, done, strict=True) if not fine]


async def _run(part: Part, app: wiring.App) -> bool:
    """Whether it came to its end."""
    try:
        async with asyncio.timeout(SWEEP_PART_S):
            await part(app)
    except Exception:
        log.exception("the sweep of %s failed", part.__name__.strip("_"))
        return False
    return True


async def _chain(app: wiring.App) -> None:
    await app.start_round_trip()


async def _due(app: wiring.App) -> None:
    if sent := await app.send_due():
        log.info("%d messages sent that were due, or that an instance left behind", sent)


async def _parked(app: wiring.App) -> None:
    if sent := await app.stop.sweep():
        log.info("%d messages sent that had waited for the start", sent)


async def _chunks(app: wiring.App) -> None:
    swept = await app.sweep()
    if swept.looked_at:
        log.info("looked at %d chunks: %d set going, %d closed", swept.looked_at, swept.set_going, swept.closed)


async def _imports(app: wiring.App) -> None:
    if sent := await app.imports.sweep():
        log.info("%d messages sent for imports that stood still", sent)


async def _setups(app: wiring.App) -> None:
    if sent := await app.setups.sweep():
        log.info("%d setups set going", sent)


async def _requests(app: wiring.App) -> None:
    if sent := await app.requests.sweep():
        log.info("%d messages sent for join requests that stood still", sent)


async def _audits(app: wiring.App) -> None:
    if sent := await app.audits.sweep():
        log.info("%d messages sent for audits and remedies that stood still", sent)


async def _people(app: wiring.App) -> None:
    if sent := await app.people.sweep():
        log.info("%d exports or erasures of a person's data set going", sent)


async def _queues(app: wiring.App) -> None:
    lengths = await app.measure_queues()
    await poison.drain(app, [name for name, length in lengths.items() if length])


async def _readiness(app: wiring.App) -> None:
    await app.say_readiness()


EVERY_SWEEP: tuple[Part, ...] = (_chain, _due, _parked)
WHOLE_SWEEP: tuple[Part, ...] = (
    _chunks,
    _imports,
    _setups,
    _requests,
    _audits,
    _people,
    _queues,
    _readiness,
)
