"""Who gets into an app, and by which words they are welcomed."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from shared.core.personal import DECIDERS, People

MAX_TEMPLATES = 20
"""Message templates of an app."""


class RequestPolicy(StrEnum):
    """May people ask to join."""

    CLOSED = "closed"
    APPROVAL = "approval"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Policy:
    """Who gets in, as Guestlist enforces it for what is asked through it.

    `approvers` are names of people as they were given (empty: the owners). Domains are in ASCII and lower case;
    with `allowed_domains` every other one is refused.
    """

    requests: RequestPolicy = RequestPolicy.APPROVAL
    approvers: Annotated[tuple[str, ...], People(DECIDERS)] = ()
    allowed_domains: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()

    @property
    def lets_in(self) -> RequestPolicy:
        """What `requests` comes to: without `allowed_domains` a person decides, whatever an older record says.
        Anybody can have addresses in a domain of their own."""
        return (
            self.requests
            if self.requests is not RequestPolicy.OPEN or self.allowed_domains
            else RequestPolicy.APPROVAL
        )

    def takes(self, domain: str) -> bool:
        """Whether guests of a mail domain may be invited; a rule covers the domains below it as well."""
        if _covered(domain, self.blocked_domains):
            return False
        return not self.allowed_domains or _covered(domain, self.allowed_domains)


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A welcome message that owners may start from; its text may hold placeholders."""

    name: str
    text: str


def _covered(domain: str, rules: Iterable[str]) -> bool:
    return any(domain == rule or domain.endswith(f".{rule}") for rule in rules)
