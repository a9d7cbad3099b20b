"""The queues, and what each carries. Each has a poison queue beside it, which the host fills."""

from shared.domain.commands import (
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
REQUEST_DIGESTS = "request-digests"
AUDITS = "audits"
REMEDIES = "remedies"
PEOPLE = "people"
HEALTH = "health"

UNREADABLE = "unreadable-poison"
"""Takes what lay on a poison queue and is no command: for an operator to look at and delete."""

BY_KIND: dict[type[Command], str] = {
    InviteChunk: INVITATIONS,
    JoinChunk: MEMBERSHIPS,
    MailChunk: MAILS,
    TakeApart: SETUP_REMOVAL,
    SplitImport: IMPORT_FILES,
    ImportChunk: IMPORT_CHUNKS,
    UndoImport: IMPORT_UNDOS,
    FulfilRequest: REQUESTS,
    MailRequest: REQUEST_MAILS,
    MailDigest: REQUEST_DIGESTS,
    RunAudit: AUDITS,
    PutRight: REMEDIES,
    SearchPerson: PEOPLE,
    RoundTrip: HEALTH,
}
QUEUES = (*BY_KIND.values(), *(f"setup-{step.value}" for step in SetupStep))
"""All of them. Each step of a setup has its own."""


def poison_queue(queue: str) -> str:
    """Where the host moves what failed in every delivery."""
    return f"{queue}-poison"


def queue_of(command: Command) -> str:
    """The queue that a command goes to."""
    if isinstance(command, RunSetupStep):
        return f"setup-{command.step.value}"
    return BY_KIND[type(command)]
