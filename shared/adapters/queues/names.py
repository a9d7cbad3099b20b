"""The queues, and what each carries. Each has a poison queue beside it, which the host makes."""

from shared.domain.commands import Command, InviteChunk, JoinChunk, MailChunk

INVITATIONS = "invitations"
MEMBERSHIPS = "memberships"
MAILS = "mails"

QUEUES: dict[type[Command], str] = {
    InviteChunk: INVITATIONS,
    JoinChunk: MEMBERSHIPS,
    MailChunk: MAILS,
}
