"""The queues, and what each carries. Each has a poison queue beside it, which the host makes."""

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

INVITATIONS = "invitations"
MEMBERSHIPS = "memberships"
MAILS = "mails"
SETUP_REMOVAL = "setup-removal"
IMPORT_FILES = "import-files"
IMPORT_CHUNKS = "import-chunks"
IMPORT_UNDOS = "import-undos"
REQUESTS = "requests"
REQUEST_MAILS = "request-mails"
AUDITS = "audits"
REMEDIES = "remedies"
PEOPLE = "people"
HEALTH = "health"

_BY_KIND: dict[type[Command], str] = {
    InviteChunk: INVITATIONS,
    JoinChunk: MEMBERSHIPS,
    MailChunk: MAILS,
    TakeApart: SETUP_REMOVAL,
    SplitImport: IMPORT_FILES,
    ImportChunk: IMPORT_CHUNKS,
    UndoImport: IMPORT_UNDOS,
    FulfilRequest: REQUESTS,
    MailRequest: REQUEST_MAILS,
    RunAudit: AUDITS,
    PutRight: REMEDIES,
    SearchPerson: PEOPLE,
    RoundTrip: HEALTH,
}
QUEUES = (*_BY_KIND.values(), *(f"setup-{step.value}" for step in SetupStep))
"""All of them. Each step of a setup has its own."""


def queue_of(command: Command) -> str:
    """The queue that a command goes to."""
    if isinstance(command, RunSetupStep):
        return f"setup-{command.step.value}"
    return _BY_KIND[type(command)]
