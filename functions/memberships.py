"""The queue that adds guests to their group."""

import azure.functions as func

from functions.edge import step
from shared import wiring
from shared.domain.commands import JoinChunk
from shared.domain.outcomes import Outcome

bp = func.Blueprint()


@bp.function_name("join_chunk")
@bp.queue_trigger(arg_name="message", queue_name="memberships", connection="GuestlistStorage")
@step
async def join_chunk(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(JoinChunk, message.get_body())
    return await (await wiring.app()).join_chunk(command)
