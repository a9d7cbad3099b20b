"""Messages that failed too often: tried some more, then what they were for is marked failed."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from shared import wiring
from shared.domain.commands import (
    ChunkWork,
    Command,
    FulfilRequest,
    ImportChunk,
    InviteChunk,
    JoinChunk,
    MailChunk,
    MailDigest,
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

log = logging.getLogger("guestlist")

type GiveUp = Callable[[wiring.App, Any], Awaitable[None]]

_NAME = "drain_poison"
"""Of the span that a message is worked on in."""


async def drain(app: wiring.App, filled: Collection[str]) -> None:
    """The sweeper's part: `filled` names the queues that hold something, others among them."""
    drained = await app.poison_queues.drain(_handle, filled)
    if drained.done or drained.unreadable or drained.failed:
        log.info(
            "poison queues: %d messages done, %d unreadable, %d failed",
            drained.done,
            drained.unreadable,
            drained.failed,
        )


async def _handle(body: bytes) -> None:
    """One message, within the trace that it carries."""
    with wiring.delivery(_NAME, body):
        command = wiring.decode_any(body)
        await GIVE_UP[type(command)](await wiring.app(), command)


def _chunk(doing: str) -> GiveUp:
    async def give_up(app: wiring.App, command: ChunkWork) -> None:
        what = (
            f"The step '{doing}' stopped with an error in every delivery; the logs name it by chunk {command.chunk}"
        )
        count = await app.give_up(command, what)
        if count is None:
            log.warning("%s for chunk %s stopped in every delivery; it is tried again", doing, command.chunk)
        else:
            log.error("gave up %s %d guests of chunk %s", doing, count, command.chunk)

    return give_up


async def _setup_step(app: wiring.App, command: RunSetupStep) -> None:
    what = f"The step stopped with an error in every delivery; the logs name it by setup {command.setup}"
    await app.setups.give_up(command, what)
    log.error("gave up step %s of setup %s", command.step.value, command.setup)


async def _audit(app: wiring.App, command: RunAudit) -> None:
    await app.audits.give_up(command, f"the task '{command.task}' stopped with an error in every delivery")


def _left_to_the_sweeper(doing: str, id_of: Callable[[Any], str]) -> GiveUp:
    """What it is about stays as it is; the sweeper sends it again."""

    async def give_up(app: wiring.App, command: Command) -> None:
        log.error("%s %s stopped with an error in every delivery", doing, id_of(command))

    return give_up


GIVE_UP: Mapping[type[Command], GiveUp] = {
    InviteChunk: _chunk("inviting"),
    ImportChunk: _chunk("inviting"),
    JoinChunk: _chunk("adding to the group"),
    MailChunk: _chunk("sending the mail"),
    RunSetupStep: _setup_step,
    RunAudit: _audit,
    TakeApart: _left_to_the_sweeper("removing app", lambda c: c.app),
    SplitImport: _left_to_the_sweeper("reading the file of import", lambda c: c.import_id),
    UndoImport: _left_to_the_sweeper("undoing import", lambda c: c.import_id),
    FulfilRequest: _left_to_the_sweeper("fulfilling join request", lambda c: c.request),
    MailRequest: _left_to_the_sweeper("mailing about join request", lambda c: c.request),
    MailDigest: _left_to_the_sweeper("telling of join requests", lambda c: c.decider),
    PutRight: _left_to_the_sweeper("remedies of audit", lambda c: c.audit),
    SearchPerson: _left_to_the_sweeper("case", lambda c: c.case),
    RoundTrip: _left_to_the_sweeper("the round trip of", lambda c: c.sent_at.isoformat()),
}
"""What happens to each kind of command whose message failed in every delivery."""
