"""The queues, and what each carries. Each has a poison queue beside it, which the host makes."""

from shared.domain.commands import Command, InviteChunk, JoinChunk, MailChunk

QUEUES: dict[type[Command], str] = {
    InviteChunk: "invitations",
    JoinChunk: "memberships",
    MailChunk: "mails",
}
