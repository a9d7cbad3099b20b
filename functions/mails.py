"""The queue that sends Guestlist's own mail."""

import azure.functions as func

from functions.edge import step
from shared import wiring
from shared.domain.commands import MailChunk
from shared.domain.outcomes import Outcome

bp = func.Blueprint()


@bp.function_name("mail_chunk")
@bp.queue_trigger(arg_name="message", queue_name="mails", connection="GuestlistStorage")
@step
async def mail_chunk(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(MailChunk, message.get_body())
    return await (await wiring.app()).mail_chunk(command)
