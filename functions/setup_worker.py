"""What only setup's own identity may do: the queues of a setup's steps, the removal of an app, and a timer that
writes down which permissions that identity holds. No function here answers a request."""

import azure.functions as func

from functions.edge import on_time, step
from shared import wiring
from shared.domain.commands import RunSetupStep, TakeApart
from shared.domain.outcomes import Outcome
from shared.domain.setup.order import SetupStep

bp = func.Blueprint()
report = func.Blueprint()
"""Only where setup has a worker of its own."""

EVERY_QUARTER = "0 */15 * * * *"


def _listen(setup_step: SetupStep) -> None:
    """The function of one step, on the step's own queue."""

    @bp.function_name(f"setup_{setup_step.value.replace('-', '_')}")
    @bp.queue_trigger(arg_name="message", queue_name=f"setup-{setup_step.value}", connection="GuestlistStorage")
    @step
    async def run(message: func.QueueMessage) -> Outcome:
        command = wiring.decode(RunSetupStep, message.get_body())
        return await (await wiring.app()).setups.run_step(command)


for each in SetupStep:
    _listen(each)


@bp.function_name("setup_removal")
@bp.queue_trigger(arg_name="message", queue_name="setup-removal", connection="GuestlistStorage")
@step
async def setup_removal(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(TakeApart, message.get_body())
    return await (await wiring.app()).setups.apps.take_apart(command)


@report.function_name("report_setup_worker")
@report.timer_trigger(arg_name="timer", schedule=EVERY_QUARTER, run_on_startup=False)
@on_time
async def report_setup_worker(timer: func.TimerRequest) -> None:
    await (await wiring.app()).report_setup_worker()
