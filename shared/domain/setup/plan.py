"""What an admin asks for: the app, the people, the group, and the policy of inviting to it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from shared.domain.applications import AppId
from shared.domain.ids import GroupId
from shared.domain.personal import DECIDERS, OWNERS, People


class RequestPolicy(StrEnum):
    """May people ask to join."""

    CLOSED = "closed"
    APPROVAL = "approval"
    OPEN = "open"


class SelfService(StrEnum):
    """How Microsoft's own self-service is set up: the blade of the admin center, which has no API, or
    entitlement management, which has one."""

    PORTAL = "portal"
    ACCESS_PACKAGE = "access-package"


@dataclass(frozen=True, slots=True)
class AppWish:
    """Which app: one of the three. With a template, `name` is what the new app is to be called."""

    app_id: AppId | None = None
    name: str | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True)
class GroupWish:
    """An existing group by its id, which `take_over` says is meant, or the name and description of the one to be
    made."""

    id: GroupId | None = None
    name: str | None = None
    description: str | None = None
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class Saml:
    """SAML as the app's vendor wants it."""

    identifiers: tuple[str, ...]
    reply_urls: tuple[str, ...]
    sign_on_url: str | None = None
    notification_emails: Annotated[tuple[str, ...], People("who hears of certificates")] = ()


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


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """Everything asked for. `owners` are user principal names, mail addresses or object ids."""

    app: AppWish
    owners: Annotated[tuple[str, ...], People(OWNERS)]
    group: GroupWish = field(default_factory=GroupWish)
    app_role: str | None = None
    saml: Saml | None = None
    policy: Policy = field(default_factory=Policy)
    self_service: SelfService = SelfService.PORTAL


def _covered(domain: str, rules: Iterable[str]) -> bool:
    return any(domain == rule or domain.endswith(f".{rule}") for rule in rules)
