"""Apps that are set up: who gets in, by which words they are welcomed, and what audits may do."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from math import ceil
from typing import Annotated

from msgspec import Struct

from shared.core.audit_rules import RULES, Remedy, Rule
from shared.core.directory import DirectoryUser
from shared.core.ids import AppId, GroupId, PrincipalId, SetupId, UserId
from shared.core.personal import DECIDERS, IN_WORDS, OWNERS, People

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


_STORED = {
    "auto_apply": "carry_out",
    "max_guests": "most",
    "max_percent": "most_percent",
    "skip_guests_with_other_access": "spare_others",
    "resend_after_days": "again_after_days",
}
"""What rows call a field."""


class AuditPolicy(Struct, frozen=True, rename=_STORED):
    """`remedies` names, for a rule, what is done about its findings besides the report.

    Nothing is done unless `auto_apply` is set: audits then only write down what they would do. `max_guests`, and the
    `max_percent` share of the app's guests (never less than one guest), are what one audit may touch; an audit that
    would touch more touches nobody and waits for an admin. `skip_guests_with_other_access` keeps away from guests who
    have another group, or an app of their own. A guest is sent an invitation again after `resend_after_days` at the
    soonest.
    """

    remedies: Mapping[Rule, Remedy] = {}
    auto_apply: bool = False
    max_guests: int = 20
    max_percent: int = 10
    skip_guests_with_other_access: bool = True
    resend_after_days: int = 14

    def exceeds(self, touched: int, guests: int) -> str | None:
        """Why that many guests of all that the app has are too many; None where they are not."""
        if touched > self.max_guests:
            return f"{touched} guests would be touched; {self.max_guests} is the most"
        share = max(1, ceil(guests * self.max_percent / 100))
        if touched > share:
            return (
                f"{touched} of {guests} guests would be touched; {self.max_percent} % of them, {share}, are the most"
            )
        return None


def wrong_remedies(policy: AuditPolicy) -> list[tuple[Rule, Remedy]]:
    """Those that a rule does not know."""
    return [
        (rule, remedy)
        for rule, remedy in policy.remedies.items()
        if remedy is not Remedy.REPORT and remedy not in RULES[rule].remedies
    ]


class Kind(StrEnum):
    """Kinds of things that a setup makes in the directory."""

    GROUP = "group"
    OWNER = "owner"
    APPLICATION = "application"
    SINGLE_SIGN_ON = "single-sign-on"
    CERTIFICATE = "certificate"
    ASSIGNMENT = "assignment"
    CATALOG = "catalog"
    CATALOG_RESOURCE = "catalog-resource"
    ACCESS_PACKAGE = "access-package"
    ACCESS_POLICY = "access-policy"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was made or set in the directory: its kind, its object id and a person's words for it."""

    kind: Kind
    id: str
    what: Annotated[str, IN_WORDS]


class AppState(StrEnum):
    READY = "ready"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class AppRecord:
    """An app that is set up, as Guestlist keeps it: the policy that it enforces, and what it made."""

    app_id: AppId
    name: str
    service_principal: PrincipalId
    group: GroupId
    group_name: str
    owners: Annotated[tuple[DirectoryUser, ...], People(OWNERS, by_id=True, named=True)]
    approvers: Annotated[tuple[DirectoryUser, ...], People(DECIDERS, by_id=True, named=True)]
    policy: Policy
    setup: SetupId
    updated_at: datetime
    made: Annotated[tuple[Change, ...], People(OWNERS, by_id=True)] = ()
    state: AppState = AppState.READY
    templates: tuple[MessageTemplate, ...] = ()
    audits: AuditPolicy = field(default_factory=AuditPolicy)
    inviters: tuple[UserId, ...] = ()
    """Object ids of the apps with the app role Inviter that may invite into the group."""

    @property
    def named_approvers(self) -> tuple[DirectoryUser, ...]:
        """Those that the policy names. Where it names nobody the owners decide, as the directory has them at that
        time: older versions kept those of the setup among `approvers`."""
        return self.approvers if self.policy.approvers else ()


def with_made(record: AppRecord, changes: Collection[Change]) -> AppRecord:
    """The record with more things that Guestlist made; one that it knows is not counted twice."""
    known = {(c.kind, c.id) for c in record.made}
    more = tuple(c for c in changes if (c.kind, c.id) not in known)
    return replace(record, made=(*record.made, *more)) if more else record
