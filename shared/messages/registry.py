"""Every kind of message: its name, its command, its queue, the step that works on it, and what is done when it failed
in every delivery. A new one is a class in `commands.py` and a line here: bytes, function, poison queue and
tests follow."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from shared.messages import commands as c
from shared.messages.route import Messages, Route

log = logging.getLogger("guestlist")


def left_to_the_sweeper(app: Any) -> Callable[[c.Command], Awaitable[None]]:
    """What the command is about stays as it is; the sweeper sends it again."""

    async def say(command: c.Command) -> None:
        log.error("stopped with an error in every delivery, and is left to the sweeper: %s", command)

    return say


MESSAGES = Messages([
    Route("invite-chunk", c.InviteChunk, "invitations", lambda app: app.invite_chunk, lambda app: app.give_up),
    Route("join-chunk", c.JoinChunk, "memberships", lambda app: app.join_chunk, lambda app: app.give_up),
    Route("mail-chunk", c.MailChunk, "mails", lambda app: app.mail_chunk, lambda app: app.give_up),
    Route("split-import", c.SplitImport, "import-files", lambda app: app.imports.split, left_to_the_sweeper),
    Route("import-chunk", c.ImportChunk, "import-chunks", lambda app: app.imports.chunk, lambda app: app.give_up),
    Route("undo-import", c.UndoImport, "import-undos", lambda app: app.imports.undo, left_to_the_sweeper,
          function="undo_import_chunks"),
    Route("setup-step", c.RunSetupStep, "setup", lambda app: app.setups.run_step, lambda app: app.setups.give_up,
          per="step", of_setup=True),
    Route("take-apart", c.RemoveApp, "setup-removal", lambda app: app.setups.apps.remove_app, left_to_the_sweeper,
          function="setup_removal", of_setup=True),
    Route("fulfil-request", c.FulfilRequest, "requests", lambda app: app.requests.fulfil, left_to_the_sweeper),
    Route("mail-request", c.MailRequest, "request-mails", lambda app: app.requests.mail, left_to_the_sweeper),
    Route("mail-digest", c.MailDigest, "request-digests", lambda app: app.requests.tell, left_to_the_sweeper),
    Route("audit-task", c.RunAudit, "audits", lambda app: app.audits.run, lambda app: app.audits.give_up,
          function="run_audit", while_stopped=True),
    Route("put-right", c.ApplyRemedies, "remedies", lambda app: app.audits.apply_remedies, left_to_the_sweeper),
    Route("search-person", c.SearchPersonalData, "people", lambda app: app.people.search, left_to_the_sweeper),
    Route("round-trip", c.RoundTrip, "health", lambda app: app.end_round_trip, left_to_the_sweeper,
          # If one is lost, the next sweep sends another.
          function="end_round_trip", is_held=False, while_stopped=True),
])  # fmt: skip
