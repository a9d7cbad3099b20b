"""Every switch of the simulator, in one table: name, default, meaning, and the row of the graph contract behind it.

The same tree is what ``GET /_sim/settings`` shows (camelCase names) and ``PATCH /_sim/settings`` merges into.
A row marked UNVERIFIED has no source in Microsoft's documentation: its default is a guess, and code under
test must cope with each position.
"""

from typing import Any, Literal

import msgspec


class _Section(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A named part of the settings; an unknown key in it is an error of the one who sets it."""


class Latency(_Section):
    """How long each request waits before it is looked at (a pure wait: throughput is not touched)."""

    all_ms: float = 0
    """Every Graph request; inside a $batch every item, all at the same time."""
    jitter_ms: float = 0
    """Up to this much more, at random."""
    paths: dict[str, float] = msgspec.field(default_factory=dict)
    """Regular expression on the path after the version -> ms; the first that is found replaces `allMs`."""


class Window(_Section):
    """How long something new stays unseen: until `ms` have passed *and* `calls` look-ups were in vain."""

    ms: float = 0
    calls: int = 0


class Replication(_Section):
    """Windows after a new object, each ending on its own (graph contract "Invitations", "Consistency", "Replication
    window"). Reported: seconds to minutes."""

    users_get: Window = msgspec.field(default_factory=Window)
    """GET /users/{id} (and its sponsors, memberOf …) answers 404 Request_ResourceNotFound."""
    users_list: Window = msgspec.field(default_factory=Window)
    """GET /users does not list the user, whatever the filter."""
    advanced_list: Window = msgspec.field(default_factory=Window)
    """The same for queries with ConsistencyLevel: eventual, whose index lags further (graph contract "Users")."""
    users_patch: Window = msgspec.field(default_factory=Window)
    """PATCH /users/{id} answers 404 Directory_ObjectNotFound."""
    members_add: Window = msgspec.field(default_factory=Window)
    """Adding the user to a group ($ref or PATCH) answers 404 Request_ResourceNotFound."""
    app_role: Window = msgspec.field(default_factory=Window)
    """Assigning an app role answers 400 "Not a valid reference update."."""
    members_read: Window = msgspec.field(default_factory=Window)
    """A new membership is missing from GET /groups/{id}/members and the checks (graph contract "Groups",
    "Preflight")."""
    objects_get: Window = msgspec.field(default_factory=Window)
    """New groups, applications and service principals answer 404 (graph contract "App access")."""
    assignment_request: Window = msgspec.field(default_factory=Window)
    """How long an access package request stays in each passing state (submitted, delivering); `calls` are looks at
    the request itself (graph contract "Entitlement management")."""
    objects_list: Window | None = None
    """Lists do not show them, whatever the filter; null: as long as `objectsGet`, each look counted on its own."""


class Throttling(_Section):
    """Graph's own limits (graph contract "Throttling"): token buckets, each with a limit per period in seconds."""

    enabled: bool = False
    code: str = "TooManyRequests"
    """error.code of a 429. UNVERIFIED for identity services; `activityLimitReached` exists too (graph contract
    "Throttling")."""
    retry_after_form: Literal["seconds", "http-date", "zero", "absent"] = "seconds"
    """How a 429 says when to come back (graph contract "Retry-After forms")."""
    retry_after_s: int | None = None
    """null: as long as the bucket needs; a number: always this one."""
    size: Literal["auto", "S", "M", "L"] = "auto"
    """The tenant's size class; auto counts users (<50, 50-500, >500)."""
    units_s: int = 3500
    units_m: int = 5000
    units_l: int = 8000
    units_period_s: float = 10
    """Resource units of one app in one tenant, by size class."""
    app_tenant_writes: int = 3000
    app_tenant_writes_period_s: float = 150
    app_units: int = 150_000
    app_units_period_s: float = 20
    app_writes: int = 70_000
    app_writes_period_s: float = 300
    tenant_writes: int = 18_000
    tenant_writes_period_s: float = 300
    app_requests: int = 130_000
    app_requests_period_s: float = 10
    audit_requests: int = 5
    audit_requests_period_s: float = 10


class Policies(_Section):
    """What the tenant allows (graph contract "Invitations", "Policies")."""

    allow_invites_from: Literal["none", "adminsAndGuestInviters", "adminsGuestInvitersAndAllMembers", "everyone"] = (
        "everyone"
    )
    """The authorization policy's value; PATCH /policies/authorizationPolicy changes it as well."""
    guest_inviters_rule: Literal["invite-permission", "refuse-apps", "any-permission"] = "invite-permission"
    """Who may invite under adminsAndGuestInviters: sources conflict (graph contract "Invitations", "Invite policy").
    `invite-permission`: an app with User.Invite.All; `refuse-apps`: no app; `any-permission`: also with
    User.ReadWrite.All alone."""
    policy_delay_ms: float = 0
    """A changed allowInvitesFrom works only after this time (graph contract "Invitations": 15-60 min)."""
    invites_off_code: str = "Forbidden"
    """error.code of the 403 under `none`. UNVERIFIED (graph contract "Invitations")."""
    verified_domains: list[str] | None = None
    """null: those of the tenant; else these instead."""
    blocked_domains: list[str] = msgspec.field(default_factory=list)
    """Deny list of invitations. Only one of the two lists may be set (graph contract "Policies")."""
    allowed_domains: list[str] = msgspec.field(default_factory=list)
    """Allow list of invitations; empty: no such list."""
    domain_refusal_status: int = 400
    domain_refusal_code: str = "BadRequest"
    domain_refusal_message: str = (
        "Invitation is blocked by domain policy: the domain of the user's email address is not allowed."
    )
    """Status, code and text of a domain refusal are UNVERIFIED (graph contract "Invitations", "Unverified
    switches")."""
    cross_tenant_blocked_domains: list[str] = msgspec.field(default_factory=list)
    """Domains whose invitations cross-tenant access settings refuse; `*` is every domain."""
    cross_tenant_status: int = 403
    """UNVERIFIED (graph contract "Invitations")."""
    cross_tenant_both_sides: bool = True
    """Which of the two documented texts: admins of both organizations, or only of yours."""
    suspicious_activity_block: bool = False
    """Every invitation answers the 403 "suspicious activity" until this is switched off (graph contract "Suspicious
    activity")."""
    suspicious_activity_after: int | None = None
    """After so many invitations the block above switches itself on; counting starts anew when it is lifted."""


class Invitations(_Section):
    """Details of POST /invitations (graph contract "Invitations")."""

    refuse_apostrophe: bool = False
    """Whether `'` in an address is refused. UNVERIFIED."""
    refuse_plus: bool = True
    """Plus addressing fails (reported)."""
    verified_domain_first: bool = False
    """For an internal address in a verified domain both refusals are true; which comes first is UNVERIFIED."""
    accepted_status: str = "Completed"
    """`status` of an invitation for a guest who has already accepted. UNVERIFIED."""
    new_status: Literal["PendingAcceptance", "InProgress", "Error"] = "PendingAcceptance"
    """`status` of every other invitation; what yields the last two is UNVERIFIED."""
    contact_conflict: Literal["empty-proxy", "refuse"] = "empty-proxy"
    """A mail contact has the address: the guest gets no proxyAddresses, or the invitation fails. UNVERIFIED."""
    contact_conflict_message: str = "Another object with the same value for property proxyAddresses already exists."
    """UNVERIFIED text of `refuse`."""
    other_mails: bool = True
    """Whether a new guest has the address in otherMails. UNVERIFIED."""
    update_display_name: bool = False
    """Whether inviting an existing guest again changes the display name. UNVERIFIED."""
    newer_ticket_breaks_older: bool = True
    """Reported: a redemption begun with an older ticket fails."""
    soft_deleted: Literal["new-user", "restore", "refuse"] = "new-user"
    """Inviting an address whose guest is soft-deleted. UNVERIFIED (graph contract "Users")."""
    max_message_length: int | None = None
    """Longest customizedMessageBody; null: any. UNVERIFIED."""
    app_only_reset: bool = True
    """Whether an app may use resetRedemption. UNVERIFIED."""
    app_only_member_type: bool = True
    """Whether an app may invite with invitedUserType Member. UNVERIFIED."""
    internal_conversion: bool = True
    """Whether invitedUser.id may name an internal user (graph contract "Invitations", read as documented for
    users)."""


class Groups(_Section):
    """Details of groups and memberships (graph contract "Groups")."""

    dynamic_refusal: Literal["403", "400"] = "403"
    """Adding to a dynamic group: 403 is reported, whether a 400 occurs is UNVERIFIED."""
    missing_member_refusal: Literal["recent", "404", "400"] = "recent"
    """Removing who is no member: 404, or 400 right after another removal (`recent` does both)."""
    recent_removal_ms: float = 5000
    """What `right after` means for `recent`. UNVERIFIED."""
    sponsor_duplicate_is_error: bool = True
    """A second POST of the same sponsor: 400 "already exist" or 204. UNVERIFIED (graph contract "Users")."""


class OData(_Section):
    """Query and body rules (graph contract "Users", "Filter language", "Advanced queries", "Default properties",
    "Body tolerance")."""

    compare_ignores_case: bool = True
    """String comparison in $filter. UNVERIFIED (graph contract "Pitfalls", "Case")."""
    sign_in_activity_alone: bool = True
    """A filter on signInActivity must not be mixed with others (resource page of user); the refusal is UNVERIFIED."""
    reject_unknown_properties: bool = True
    """An unknown (for example snake_case) property in a body answers 400; else it is dropped (graph contract "Body
    tolerance")."""


class Paging(_Section):
    """Server-driven paging (graph contract "Paging")."""

    page_size: int = 100
    """Page size without $top; lower it to see paging with few objects."""
    max_top: int = 999
    empty_page_every: int = 0
    """Every so many pages an empty page with a next link comes first; 0: never."""


class Delta(_Section):
    """Change tracking (graph contract "Groups", "Owners and delta")."""

    links_expired: bool = False
    """Every token answers 410."""
    expiry_s: float = 7 * 24 * 3600
    """A token older than this answers 410."""
    repeats: int = 0
    """So many times more each object of a round comes again, on later pages: "a single entity will be contained
    multiple times in the response" (Microsoft Graph, "Use delta query"); measured: some ten times."""


class Mail(_Section):
    """The mailbox of a user (graph contract "More operations")."""

    enforce_limits: bool = False
    messages_per_minute: int = 30
    recipients_per_day: int = 10_000
    requests_per_10_min: int = 10_000
    concurrent_requests: int = 4
    limit_code: str = "ApplicationThrottled"
    """error.code of the 429 when a limit is passed. UNVERIFIED."""
    allowed_mailboxes: list[str] | None = None
    """Ids or names of the mailboxes apps may use (an Exchange application access policy); null: all."""
    send_again: Literal["refuse", "send"] = "refuse"
    """Sending a message that is no draft any more: 400, or a second mail. UNVERIFIED."""
    sent_copy: bool = True
    """A sent message can be read (in Sent Items) afterwards; with an immutable id under the same id."""
    sent_copy_after: Window = msgspec.field(default_factory=Window)
    """Until then a message just sent answers 404. UNVERIFIED."""
    marker_filter: bool = True
    """$filter on singleValueExtendedProperties works; else 400."""


class Audits(_Section):
    """Audit log (graph contract "Policies")."""

    ingestion_delay_ms: float = 0
    """A record is listed only after this time; in the cloud minutes, exact figure UNVERIFIED."""


class Deleted(_Section):
    """Soft delete (graph contract "Users")."""

    keep_days: float = 30
    """How long a deleted user can be restored; 0: not at all."""


class Applications(_Section):
    """Details of applications (graph contract "App access")."""

    identifier_domains: Literal["verified-or-saml", "any"] = "verified-or-saml"
    """Whether an identifier must be on a verified domain unless the service principal uses SAML. The rule is
    documented, the exception reported: who sets both must set the mode first."""


class Entitlement(_Section):
    """Entitlement management (graph contract "Entitlement management")."""

    licensed: bool = True
    """Whether the tenant has P2 or ID Governance; without it every call answers 403."""
    no_license_code: str = "NoLicense"
    no_license_message: str = (
        "User is not authorized to perform the operation. Reason: Tenant does not meet license requirement!"
    )
    """Code and text of that 403: reported once, for persons; UNVERIFIED for apps."""
    denied_code: str = "UnAuthorized"
    """error.code of the 403 for a missing permission; the text is reported, the code UNVERIFIED."""
    resource_twice: Literal["refuse", "same"] = "refuse"
    """Adding a resource a catalog has: 400 ResourceAlreadyOnboarded (reported), or 201 and no second one."""
    unfit_group_code: str = "InvalidResource"
    """error.code of the 400 for a group whose members the service cannot change. UNVERIFIED."""
    names_are_unique: bool = False
    """Whether a second catalog, or a second access package of a catalog, with the same name is refused. UNVERIFIED:
    code under test must look before it makes one."""
    role_scope_twice: Literal["refuse", "same"] = "refuse"
    """Adding a role a package has: 400, or 201 with the one it has. UNVERIFIED."""
    request_twice: Literal["refuse", "accept"] = "refuse"
    """Requesting for somebody who has the package or asked for it: 400, or another request. UNVERIFIED."""
    role_filter_needed: bool = True
    """Whether GET resourceRoles without a filter on originSystem is refused; documented only with it. UNVERIFIED."""
    admin_add_bypasses_approval: bool = True
    """Whether a request by an app goes past the policy's approval. UNVERIFIED."""


class Batch(_Section):
    """$batch (graph contract "Batch")."""

    sequential: bool = False
    """Run items one after the other in the order given instead of all at once."""
    absolute_urls: bool = True
    """Accept an item url with scheme and host. Graph's tolerance is UNVERIFIED."""


class Settings(_Section):
    """The whole tree."""

    latency: Latency = msgspec.field(default_factory=Latency)
    replication: Replication = msgspec.field(default_factory=Replication)
    throttling: Throttling = msgspec.field(default_factory=Throttling)
    policies: Policies = msgspec.field(default_factory=Policies)
    invitations: Invitations = msgspec.field(default_factory=Invitations)
    groups: Groups = msgspec.field(default_factory=Groups)
    odata: OData = msgspec.field(default_factory=OData)
    paging: Paging = msgspec.field(default_factory=Paging)
    delta: Delta = msgspec.field(default_factory=Delta)
    mail: Mail = msgspec.field(default_factory=Mail)
    audits: Audits = msgspec.field(default_factory=Audits)
    deleted: Deleted = msgspec.field(default_factory=Deleted)
    applications: Applications = msgspec.field(default_factory=Applications)
    entitlement: Entitlement = msgspec.field(default_factory=Entitlement)
    batch: Batch = msgspec.field(default_factory=Batch)


class BadSettings(Exception):
    """A settings document has an unknown key, a wrong type or a forbidden combination; the text says where."""


def merged(settings: Settings, change: dict[str, Any]) -> Settings:
    """The settings with `change` merged in: objects merge, everything else replaces. Raises BadSettings: `change`
    does not fit; the given settings stay as they are."""
    try:
        new = msgspec.convert(_merge(msgspec.to_builtins(settings), change), Settings)
    except msgspec.ValidationError as error:
        raise BadSettings(str(error)) from error
    if new.policies.blocked_domains and new.policies.allowed_domains:
        raise BadSettings("policies.blockedDomains and policies.allowedDomains exclude each other")
    return new


# Keys of a free mapping: merging would make an entry impossible to remove.
_REPLACED_WHOLE = {"paths"}


def _merge(old: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in change.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict) and key not in _REPLACED_WHOLE:
            result[key] = _merge(before, value)
        else:
            result[key] = value
    return result
