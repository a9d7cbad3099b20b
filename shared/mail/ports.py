"""Guestlist's own mail: prepared first, then dispatched, so that a crash between sends nothing twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.core.results import Busy, Declined, Unknown
from shared.pace.pacing import Pace


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. `key` is unique to it for ever: a mail prepared twice under one key is one mail.

    `to_name` stands before the address where a mail program shows who it is to: never what somebody outside chose.
    """

    key: str
    to: str
    to_name: str | None
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """The mail service knows the mail by `handle`; nothing was sent."""

    handle: str


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The mail service has taken the mail for delivery."""


type PrepareAnswer = Prepared | Busy | Unknown | Declined
type DispatchAnswer = Dispatched | Busy | Unknown | Declined


class Mailer(Protocol):
    @property
    def pace(self) -> Pace:
        """What the mail service lets one sender send."""

    async def prepare(self, mails: Sequence[Mail], *, again: bool) -> list[PrepareAnswer]:
        """Make each mail known to the service without sending it, in the order given. Safe to repeat.

        `again` says that an earlier attempt may have prepared some: those are found by their key.
        """

    async def dispatch(self, sends: Sequence[tuple[str, Mail]], *, again: bool) -> list[DispatchAnswer]:
        """Send prepared mails (handle and mail), in the order given. Safe to repeat: what was sent is not
        sent again. `again` says that an earlier attempt may have sent some."""
