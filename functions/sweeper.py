"""The timer that enqueues again what stands still."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import azure.functions as func

from functions.edge import SWEEP_PART_S, on_time
from shared import wiring

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
    done = await asyncio.gather(*(_run(part, app) for part in PARTS))
    if failed := [part.__name__.strip("_") for part, fine in zip(PARTS, done, strict=True) if not fine]:
        raise SweepFailed(f"parts of the sweep failed: {', '.join(failed)}")


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
    await app.measure_queues()


async def _readiness(app: wiring.App) -> None:
    await app.say_readiness()


PARTS: tuple[Part, ...] = (
    _chain,
    _due,
    _chunks,
    _imports,
    _setups,
    _requests,
    _audits,
    _people,
    _queues,
    _readiness,
)
