"""What only setup's own identity may do: the queues of a setup's steps, the removal of an app, and a timer that
writes down which permissions that identity holds. No function here answers a request."""

import azure.functions as func

from functions.edge import on_time
from functions.queues import blueprint
from shared import wiring
from shared.messages.registry import MESSAGES

bp = blueprint(route for route in MESSAGES.routes if route.of_setup)
report = func.Blueprint()
"""Only where setup has a worker of its own."""

EVERY_QUARTER = "0 */15 * * * *"


@report.function_name("report_setup_worker")
@report.timer_trigger(arg_name="timer", schedule=EVERY_QUARTER, run_on_startup=False)
@on_time
async def report_setup_worker(timer: func.TimerRequest) -> None:
    await (await wiring.app()).report_setup_worker()
