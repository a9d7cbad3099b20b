"""Messages that failed too often: set going again, then what they were to bring forward is marked failed."""

import logging

import azure.functions as func

from functions.edge import delivered
from shared import wiring
from shared.domain.commands import (
    Command,
    FulfilRequest,
    ImportChunk,
    InviteChunk,
    JoinChunk,
    MailChunk,
    MailRequest,
    PutRight,
    RoundTrip,
    RunAudit,
    RunSetupStep,
    SearchPerson,
    SplitImport,
    TakeApart,
    UndoImport,
)
from shared.domain.setup.order import SetupStep

bp = func.Blueprint()
log = logging.getLogger("guestlist")


@bp.function_name("give_up_invitations")
@bp.queue_trigger(arg_name="message", queue_name="invitations-poison", connection="GuestlistStorage")
@delivered
async def give_up_invitations(message: func.QueueMessage) -> None:
    await _give_up(message, "inviting")


@bp.function_name("give_up_memberships")
@bp.queue_trigger(arg_name="message", queue_name="memberships-poison", connection="GuestlistStorage")
@delivered
async def give_up_memberships(message: func.QueueMessage) -> None:
    await _give_up(message, "adding to the group")


@bp.function_name("give_up_mails")
@bp.queue_trigger(arg_name="message", queue_name="mails-poison", connection="GuestlistStorage")
@delivered
async def give_up_mails(message: func.QueueMessage) -> None:
    await _give_up(message, "sending the mail")


@bp.function_name("give_up_import_chunks")
@bp.queue_trigger(arg_name="message", queue_name="import-chunks-poison", connection="GuestlistStorage")
@delivered
async def give_up_import_chunks(message: func.QueueMessage) -> None:
    await _give_up(message, "inviting")


@bp.function_name("give_up_import_files")
@bp.queue_trigger(arg_name="message", queue_name="import-files-poison", connection="GuestlistStorage")
@delivered
async def give_up_import_files(message: func.QueueMessage) -> None:
    # The import stays where it is, and the sweeper tries again.
    if isinstance(command := _command(message, "reading a file"), SplitImport):
        log.error("reading the file of import %s stopped with an error in every delivery", command.import_id)


@bp.function_name("give_up_import_undos")
@bp.queue_trigger(arg_name="message", queue_name="import-undos-poison", connection="GuestlistStorage")
@delivered
async def give_up_import_undos(message: func.QueueMessage) -> None:
    if isinstance(command := _command(message, "undoing an import"), UndoImport):
        log.error("undoing import %s stopped with an error in every delivery", command.import_id)


@bp.function_name("give_up_removal")
@bp.queue_trigger(arg_name="message", queue_name="setup-removal-poison", connection="GuestlistStorage")
@delivered
async def give_up_removal(message: func.QueueMessage) -> None:
    command = _command(message, "taking an app apart")
    if isinstance(command, TakeApart):
        # The app's record stays as it is, and the sweeper tries again.
        log.error("taking app %s apart stopped with an error in every delivery", command.app)


@bp.function_name("give_up_requests")
@bp.queue_trigger(arg_name="message", queue_name="requests-poison", connection="GuestlistStorage")
@delivered
async def give_up_requests(message: func.QueueMessage) -> None:
    # The request stays as it is, and the sweeper tries again.
    if isinstance(command := _command(message, "fulfilling a join request"), FulfilRequest):
        log.error("fulfilling join request %s stopped with an error in every delivery", command.request)


@bp.function_name("give_up_request_mails")
@bp.queue_trigger(arg_name="message", queue_name="request-mails-poison", connection="GuestlistStorage")
@delivered
async def give_up_request_mails(message: func.QueueMessage) -> None:
    if isinstance(command := _command(message, "mailing about a join request"), MailRequest):
        log.error("mailing about join request %s stopped with an error in every delivery", command.request)


@bp.function_name("give_up_audits")
@bp.queue_trigger(arg_name="message", queue_name="audits-poison", connection="GuestlistStorage")
@delivered
async def give_up_audits(message: func.QueueMessage) -> None:
    if isinstance(command := _command(message, "auditing"), RunAudit):
        what = f"the task '{command.task}' stopped with an error in every delivery"
        await (await wiring.app()).audits.give_up(command, what)


@bp.function_name("give_up_remedies")
@bp.queue_trigger(arg_name="message", queue_name="remedies-poison", connection="GuestlistStorage")
@delivered
async def give_up_remedies(message: func.QueueMessage) -> None:
    # The plan stays as it is, and the sweeper tries again.
    if isinstance(command := _command(message, "putting right"), PutRight):
        log.error("remedies of audit %s stopped with an error in every delivery", command.audit)


@bp.function_name("give_up_people")
@bp.queue_trigger(arg_name="message", queue_name="people-poison", connection="GuestlistStorage")
@delivered
async def give_up_people(message: func.QueueMessage) -> None:
    # The export or erasure stays where it is, and the sweeper tries again.
    if isinstance(command := _command(message, "looking for a person's data"), SearchPerson):
        log.error("case %s stopped with an error in every delivery", command.case)


@bp.function_name("give_up_health")
@bp.queue_trigger(arg_name="message", queue_name="health-poison", connection="GuestlistStorage")
@delivered
async def give_up_health(message: func.QueueMessage) -> None:
    if isinstance(command := _command(message, "noting a round trip"), RoundTrip):
        log.error("the round trip of %s stopped with an error in every delivery", command.sent_at.isoformat())


def _listen(step: SetupStep) -> None:
    """The poison queue of one step of a setup."""

    @bp.function_name(f"give_up_setup_{step.value.replace('-', '_')}")
    @bp.queue_trigger(arg_name="message", queue_name=f"setup-{step.value}-poison", connection="GuestlistStorage")
    @delivered
    async def give_up(message: func.QueueMessage) -> None:
        command = _command(message, f"setting up ({step.value})")
        if not isinstance(command, RunSetupStep):
            return
        what = f"The step stopped with an error in every delivery; the logs name it by setup {command.setup}"
        await (await wiring.app()).setups.give_up(command, what)
        log.error("gave up step %s of setup %s", step.value, command.setup)


for each in SetupStep:
    _listen(each)


async def _give_up(message: func.QueueMessage, doing: str) -> None:
    command = _command(message, doing)
    if not isinstance(command, InviteChunk | JoinChunk | MailChunk | ImportChunk):
        return
    what = f"The step '{doing}' stopped with an error in every delivery; the logs name it by chunk {command.chunk}"
    count = await (await wiring.app()).give_up(command, what)
    if count is None:
        log.warning("%s for chunk %s stopped in every delivery; it is set going again", doing, command.chunk)
    else:
        log.error("gave up %s %d guests of chunk %s", doing, count, command.chunk)


def _command(message: func.QueueMessage, doing: str) -> Command | None:
    try:
        return wiring.decode_any(message.get_body())
    except wiring.UnreadableMessage as e:
        # Nobody can tell what it was for; the sweeper finds what stands still.
        log.error("an unreadable message ended on a poison queue while %s: %s", doing, e)
        return None
