"""The join request: somebody outside asks to be let into a group; an owner's yes makes it an invitation.

An owner never sees a request whose address is not proven. The state table is data, as that of invitations is. Those
who decide are told in one mail for all groups, and seldom.
"""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

from shared.core.addresses import Address
from shared.core.ids import GroupId, InvitationId, RequestId, UserId
from shared.core.personal import DECIDERS, People, Personal, Redaction, Says
from shared.core.reasons import Reason


class RequestState(StrEnum):
    """How far a join request is."""

    UNVERIFIED = "unproven"
    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RequestStateFacts:
    """`meaning` in a person's words, and the states that may follow."""

    meaning: str
    followed_by: frozenset[RequestState]


REQUEST_STATES: dict[RequestState, RequestStateFacts] = {
    # A mail with a link goes to the address. Nobody but its reader knows of the request.
    RequestState.UNVERIFIED: RequestStateFacts(
        "The address is to be confirmed with the link in the mail.",
        # Where the policy lets everybody in, the proof is all that is needed.
        frozenset({RequestState.PENDING, RequestState.APPROVED, RequestState.EXPIRED}),
    ),
    RequestState.PENDING: RequestStateFacts(
        "An owner of the group decides.",
        frozenset({RequestState.APPROVED, RequestState.DECLINED, RequestState.EXPIRED}),
    ),
    RequestState.APPROVED: RequestStateFacts(
        "The request was approved, and an invitation made of it.",
        # Back to pending where who decided may not any more before the invitation is made.
        frozenset({RequestState.PENDING, RequestState.FAILED, RequestState.UNVERIFIED}),
    ),
    RequestState.DECLINED: RequestStateFacts("The request was declined.", frozenset({RequestState.UNVERIFIED})),
    RequestState.EXPIRED: RequestStateFacts(
        "Nobody confirmed or decided in time; the guest may ask again.", frozenset({RequestState.UNVERIFIED})
    ),
    # Approved, and then the directory or the policy refused the invitation. An owner may approve again.
    RequestState.FAILED: RequestStateFacts(
        "The request was approved, but the guest cannot be invited; the reason says why.",
        frozenset({RequestState.APPROVED, RequestState.DECLINED, RequestState.UNVERIFIED}),
    ),
}


class RequestMail(StrEnum):
    """Mails that a request may be due."""

    PROOF = "proof"
    DECLINED = "declined"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked again after a request had come to its end, by whoever: it is nothing before its code, which went
    to the address, comes back."""

    code: str
    app_name: str
    requested_at: datetime
    expires_at: datetime
    display_name: str | None = None
    reason_given: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """One request of one address to one group.

    `code` is the secret of the link in the mail. `mail` is the mail that is due, `mails` counts those there were,
    so that each has a key of its own; `mail_handle` names the one that was prepared, `mail_since` says when that
    was first attempted, and `claimed_until` keeps other deliveries off. `to_tell` was written by older versions, and
    tells nothing. `again` stands beside what was decided until it is proven. `decided_by` is None where the policy
    decided. `reason` is set where it failed, and where a decision was taken back.
    """

    id: RequestId
    group: GroupId
    address: Annotated[Address, Personal("who asked", says=Says.ADDRESS)]
    code: Annotated[str, Personal("who asked")]
    app_name: str
    requested_at: datetime
    updated_at: datetime
    expires_at: datetime
    state: RequestState = RequestState.UNVERIFIED
    display_name: Annotated[str | None, Personal("who asked")] = None
    reason_given: Annotated[str | None, Personal("who asked")] = None
    language: Annotated[str | None, Personal("who asked")] = None
    proven_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: Annotated[UserId | None, Personal("who decided", Redaction.PSEUDONYM, Says.USER)] = None
    decided_by_name: Annotated[str, Personal("who decided", Redaction.ERASED, Says.NAME)] = ""
    note: Annotated[str | None, Personal("who asked")] = None
    invitation: Annotated[InvitationId | None, Personal("who asked")] = None
    reason: Reason | None = None
    detail: Annotated[str | None, Personal("who asked")] = None
    mail: RequestMail | None = None
    mails: int = 0
    mail_handle: Annotated[str | None, Personal("who asked")] = None
    mail_since: datetime | None = None
    claimed_until: datetime | None = None
    to_tell: Annotated[tuple[UserId, ...], People("who is to be told")] = ()
    again: Annotated[Asked | None, Personal("who asked")] = None

    @property
    def mail_key(self) -> str:
        """Unique to each mail for ever."""
        return f"{self.group}-{self.id}-{self.mails}"

    @property
    def is_open(self) -> bool:
        """Something is still to happen by itself: a mail, an expiry, an invitation to be made."""
        waits = self.state in (RequestState.UNVERIFIED, RequestState.PENDING)
        return waits or self.mail is not None or self.is_unfulfilled or self.again is not None

    @property
    def unproven(self) -> "JoinRequest | None":
        """What waits for its address to be proven: this request, or the one that was asked again and would take its
        place; None where nothing does."""
        if self.state is RequestState.UNVERIFIED:
            return self
        if self.again is None:
            return None
        asked = {each.name: getattr(self.again, each.name) for each in fields(Asked)}
        return JoinRequest(
            self.id, self.group, self.address, updated_at=self.again.requested_at, mails=self.mails, **asked
        )

    @property
    def is_unfulfilled(self) -> bool:
        return self.state is RequestState.APPROVED and self.invitation is None


def request_id(group: GroupId, address: Address) -> RequestId:
    return RequestId(sha256(f"{group}\n{address.key}".encode()).hexdigest()[:22])


def transition(request: JoinRequest, state: RequestState, now: datetime, **changes: Any) -> JoinRequest:
    """The next version of a request; `changes` are other fields. Staying in a state is allowed. Raises ValueError
    where the state table does not lead there."""
    if state is not request.state and state not in REQUEST_STATES[request.state].followed_by:
        raise ValueError(f"{request.state} is not followed by {state}")
    return replace(request, state=state, updated_at=now, **changes)


def with_mail(request: JoinRequest, mail: RequestMail, now: datetime) -> JoinRequest:
    """The request with a mail due; one that was due and not sent is dropped for it."""
    return replace(
        request,
        mail=mail,
        mails=request.mails + 1,
        mail_handle=None,
        mail_since=None,
        claimed_until=None,
        updated_at=now,
    )


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` within each window of time."""

    most: int
    window: timedelta

    def ends(self, now: datetime) -> datetime:
        """When the window of now is over: windows begin at whole multiples of their length."""
        seconds = self.window.total_seconds()
        return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC)


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """`public_url` is where people reach Guestlist from outside, without a slash at its end: the links in its mails
    begin with it. Without it nobody can ask to join. The limits hold for all instances together. `trusted_proxies` is
    how many proxies a request from outside passes, App Service's own front end included.

    `per_mailbox` counts for all groups; who is over it, or over `per_address`, is not told. What is over `per_group`
    waits for the next hour. `admitted` is how many the policy `open` lets into a group by itself; for others a person
    decides. Those who decide hear of requests every `digest_every` at most. `ended_retention` is how long a request
    is kept after the last that happened to it."""

    public_url: str | None = None
    proof_retention: timedelta = timedelta(hours=24)
    kept: timedelta = timedelta(days=30)
    per_address: Limit = Limit(3, timedelta(days=1))
    per_mailbox: Limit = Limit(6, timedelta(days=1))
    per_source: Limit = Limit(20, timedelta(hours=1))
    per_source_in_day: Limit = Limit(100, timedelta(days=1))
    per_domain: Limit = Limit(200, timedelta(days=1))
    per_tenant: Limit = Limit(2000, timedelta(days=1))
    per_group: Limit = Limit(200, timedelta(hours=1))
    admitted: Limit = Limit(50, timedelta(days=1))
    digest_every: timedelta = timedelta(hours=1)
    ended_retention: timedelta = timedelta(days=180)
    trusted_proxies: int = 1


MAX_GROUPS = 100
"""Groups that one mail names; who decides for more sees the others on the portal."""


@dataclass(frozen=True, slots=True)
class Digest:
    """The next mail to `decider`, and when the last one began.

    `groups` have something new; while a mail is written about some, they are in `telling`, and what comes meanwhile
    is for the next one. `due_at` is None where nothing is to be told. `mails` counts the mails, so that each has a
    key of its own; `mail_handle`, `mail_since` and `claimed_until` are those of a request's mail.
    """

    decider: Annotated[UserId, Personal(DECIDERS, says=Says.WHO)]
    groups: tuple[GroupId, ...] = ()
    telling: tuple[GroupId, ...] = ()
    due_at: datetime | None = None
    told_at: datetime | None = None
    mails: int = 0
    mail_handle: str | None = None
    mail_since: datetime | None = None
    claimed_until: datetime | None = None

    @property
    def mail_key(self) -> str:
        """Unique to each mail for ever."""
        return f"waiting-{self.decider}-{self.mails}"


def noted(digest: Digest, group: GroupId, every: timedelta, now: datetime) -> Digest:
    """The digest with something new in a group: at once where the last mail was long ago, else when `every` is over.
    The very same digest where it is to be told already."""
    if group in digest.groups or len(digest.groups) >= MAX_GROUPS:
        return digest
    due = digest.due_at or max(now, digest.told_at + every if digest.told_at else now)
    return replace(digest, groups=(*digest.groups, group), due_at=due)


def begun(digest: Digest, now: datetime) -> Digest:
    """The digest while its mail is written; one that was begun before goes on as it was."""
    if digest.telling:
        return digest
    return replace(digest, groups=(), telling=digest.groups, told_at=now, mails=digest.mails + 1)


def ended(digest: Digest, every: timedelta) -> Digest:
    """The digest after its mail: what came meanwhile is due when `every` is over."""
    due = digest.told_at + every if digest.groups and digest.told_at else None
    return replace(digest, telling=(), due_at=due, mail_handle=None, mail_since=None, claimed_until=None)


@dataclass(frozen=True, slots=True)
class Provider:
    """Who gives mailboxes to anybody. What follows a ``+`` names no other mailbox with any of them.

    The first of `domains` stands for all `same`; else a name in another domain is another person's. `ignored` are
    characters that make no difference, and with `subdomains` ``anything@name.domain`` is ``name@domain``.
    """

    domains: tuple[str, ...]
    same: bool = False
    ignored: str = ""
    subdomains: bool = False


PROVIDERS = (
    # Source: Gmail Help, "Dots don't matter in Gmail addresses" (7436150); "Use Gmail aliases" (22370).
    Provider(("gmail.com", "googlemail.com"), same=True, ignored="."),
    # Exchange Online documents plus addressing; that Outlook.com has it is common knowledge, UNVERIFIED.
    Provider(("outlook.com", "hotmail.com", "live.com", "msn.com")),
    # Source: Fastmail Help, "Plus addressing and subdomain addressing" (360060591053).
    Provider(("fastmail.com", "fastmail.fm"), subdomains=True),
    # Source: Apple Support, iCloud Mail (the three domains are one account's); plus addressing is UNVERIFIED.
    Provider(("icloud.com", "me.com", "mac.com"), same=True),
    # Source: Proton's own web client, ``removeEmailAlias``; one account's addresses in several domains.
    Provider(("proton.me", "protonmail.com", "protonmail.ch", "pm.me"), same=True, ignored=".-_"),
)


def mailbox_of(address: Address) -> str:
    """The same text for addresses that reach one mailbox, as far as its provider says so in public. For counting
    only: to the directory two ways of writing are two guests."""
    local, _, domain = address.key.rpartition("@")
    provider, home = _provider(domain)
    if provider is None:
        return f"{local.partition('+')[0]}@{domain}"
    if domain != home:
        local = domain.removesuffix(f".{home}").rpartition(".")[2]
    local = "".join(c for c in local.partition("+")[0] if c not in provider.ignored)
    return f"{local}@{provider.domains[0] if provider.same else home}"


def is_for_everybody(domain: str) -> bool:
    """Whether a domain's addresses belong to strangers to each other: a count of them tells nothing."""
    return _provider(domain)[0] is not None


def _provider(domain: str) -> tuple[Provider | None, str]:
    """The provider, and which of its domains it is."""
    for provider in PROVIDERS:
        for home in provider.domains:
            if domain == home or (provider.subdomains and domain.endswith(f".{home}")):
                return provider, home
    return None, domain
