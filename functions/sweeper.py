"""The timer that sets going again what stands still."""

import logging

import azure.functions as func

from functions.edge import on_time
from shared import wiring

bp = func.Blueprint()
log = logging.getLogger("guestlist")


@bp.function_name("sweep")
@bp.timer_trigger(arg_name="timer", schedule="%GUESTLIST_SWEEP_SCHEDULE%", run_on_startup=False)
@on_time
async def sweep(timer: func.TimerRequest) -> None:
    app = await wiring.app()
    if reminded := await app.send_due():
        log.info("%d messages sent that were due, or that an instance left behind", reminded)
    swept = await app.sweep()
    if swept.looked_at:
        log.info("looked at %d chunks: %d set going, %d closed", swept.looked_at, swept.set_going, swept.closed)
    if imports := await app.imports.sweep():
        log.info("%d messages sent for imports that stood still", imports)
    if setups := await app.setups.sweep():
        log.info("%d setups set going", setups)
    if requests := await app.requests.sweep():
        log.info("%d messages sent for join requests that stood still", requests)
    if audits := await app.audits.sweep():
        log.info("%d messages sent for audits and remedies that stood still", audits)
    if people := await app.people.sweep():
        log.info("%d exports or erasures of a person's data set going", people)
    # Last: the work above goes on even where this fails.
    await app.measure_queues()
