"""Messages that failed too often: the invitations they were to bring forward are marked failed."""

import logging

import azure.functions as func

from shared import wiring

bp = func.Blueprint()
log = logging.getLogger("guestlist")


@bp.function_name("give_up_invitations")
@bp.queue_trigger(arg_name="message", queue_name="invitations-poison", connection="GuestlistStorage")
async def give_up_invitations(message: func.QueueMessage) -> None:
    await _give_up(message, "inviting")


@bp.function_name("give_up_memberships")
@bp.queue_trigger(arg_name="message", queue_name="memberships-poison", connection="GuestlistStorage")
async def give_up_memberships(message: func.QueueMessage) -> None:
    await _give_up(message, "adding to the group")


@bp.function_name("give_up_mails")
@bp.queue_trigger(arg_name="message", queue_name="mails-poison", connection="GuestlistStorage")
async def give_up_mails(message: func.QueueMessage) -> None:
    await _give_up(message, "sending the mail")


async def _give_up(message: func.QueueMessage, doing: str) -> None:
    body = message.get_body()
    try:
        command = wiring.decode_any(body)
    except wiring.UnreadableMessage as e:
        # Nobody can tell which guests it was for; the sweeper finds them standing still.
        log.error("an unreadable message ended on a poison queue while %s: %s", doing, e)
        return
    what = f"The step '{doing}' stopped with an error in every delivery; the logs name it by chunk {command.chunk}"
    count = await (await wiring.app()).give_up(command, what)
    log.error("gave up %s %d guests of chunk %s", doing, count, command.chunk)
