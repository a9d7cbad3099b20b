"""The one table of reasons: why something was refused, failed, or stands as it does, and what a person can do.

The API's problem documents, the result of each invitation and ``docs/reasons.md`` are all drawn from it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why. The value is what callers see and may branch on; it never changes its meaning."""

    # The request itself
    BODY_INVALID = "body-invalid"
    PARAMETER_INVALID = "parameter-invalid"
    MESSAGE_TOO_LONG = "message-too-long"
    NO_MAIL_SENDER = "no-mail-sender"
    IDEMPOTENCY_KEY_INVALID = "idempotency-key-invalid"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    IDEMPOTENCY_KEY_IN_FLIGHT = "idempotency-key-in-flight"
    INVITATION_UNDER_WAY = "invitation-under-way"
    INVITATION_MISSING = "invitation-missing"
    # The caller
    TOKEN_MISSING = "token-missing"  # noqa: S105 - a reason's name, no secret
    TOKEN_INVALID = "token-invalid"  # noqa: S105 - a reason's name, no secret
    ISSUER_UNREACHABLE = "issuer-unreachable"
    NOT_OWNER = "not-owner"
    # The group
    GROUP_MISSING = "group-missing"
    GROUP_DYNAMIC = "group-dynamic"
    GROUP_SYNCED = "group-synced"
    GROUP_MAIL_ENABLED = "group-mail-enabled"
    GROUP_MICROSOFT_365 = "group-microsoft-365"
    GROUP_ROLE_ASSIGNABLE = "group-role-assignable"
    GROUP_MANAGEMENT_RESTRICTED = "group-management-restricted"
    # The guest
    ADDRESS_INVALID = "address-invalid"
    ADDRESS_UNSUPPORTED = "address-unsupported"
    ADDRESS_REFUSED_BY_DIRECTORY = "address-refused-by-directory"
    ADDRESS_OF_GROUP = "address-of-group"
    DOMAIN_BLOCKED = "domain-blocked"
    OWN_DOMAIN = "own-domain"
    CROSS_TENANT_BLOCKED = "cross-tenant-blocked"
    ACCOUNT_DISABLED = "account-disabled"
    GUEST_NOT_VISIBLE = "guest-not-visible"
    # The tenant
    INVITES_SWITCHED_OFF = "invites-switched-off"
    PERMISSION_MISSING = "permission-missing"
    TENANT_BLOCKED = "tenant-blocked"
    DIRECTORY_BUSY = "directory-busy"
    DIRECTORY_REFUSED = "directory-refused"
    # Guestlist itself
    MAIL_NOT_SENT = "mail-not-sent"
    GAVE_UP = "gave-up"
    STORAGE_BUSY = "storage-busy"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class ReasonFacts:
    """What the table says of one reason.

    `status` is the HTTP status of a request refused for it (RFC 9457), `title` says what is so in a few
    words, `remedy` what a person can do.
    """

    status: int
    title: str
    remedy: str


REASONS: dict[Reason, ReasonFacts] = {
    Reason.BODY_INVALID: ReasonFacts(
        400,
        "The body cannot be read",
        "Send one JSON object with the fields of the API's description: address, and where wanted "
        "displayName, welcomeMessage, language.",
    ),
    Reason.PARAMETER_INVALID: ReasonFacts(
        400, "A parameter of the address is not valid", "Mend the parameter that the detail names."
    ),
    Reason.MESSAGE_TOO_LONG: ReasonFacts(
        422, "The welcome message is too long", "Shorten the message to the length that the detail names."
    ),
    Reason.NO_MAIL_SENDER: ReasonFacts(
        422,
        "A welcome message cannot be sent: no mail sender is set up",
        "Ask your Guestlist admin to set a mailbox (GUESTLIST_MAIL_MAILBOX) or Azure Communication Services, "
        "or invite without a message: Microsoft then sends its own invitation mail.",
    ),
    Reason.IDEMPOTENCY_KEY_INVALID: ReasonFacts(
        400, "The Idempotency-Key is not valid", "Send 1 to 255 visible ASCII characters."
    ),
    Reason.IDEMPOTENCY_KEY_REUSED: ReasonFacts(
        422,
        "The Idempotency-Key was used for another request",
        "Send a new key for a new request; repeat a request with the very same body.",
    ),
    Reason.IDEMPOTENCY_KEY_IN_FLIGHT: ReasonFacts(
        409,
        "The first request with this Idempotency-Key is still being worked on",
        "Wait a second and send the same request again.",
    ),
    Reason.INVITATION_UNDER_WAY: ReasonFacts(
        409,
        "This guest is being invited to this group right now",
        "Look at the invitation that the answer links to; invite again when it has ended.",
    ),
    Reason.INVITATION_MISSING: ReasonFacts(
        404,
        "There is no such invitation, or it is not yours to see",
        "Check the id, and that you own the group the guest was invited to.",
    ),
    Reason.TOKEN_MISSING: ReasonFacts(
        401, "Nobody is signed in", "Send an access token for Guestlist's API as 'Authorization: Bearer'."
    ),
    Reason.TOKEN_INVALID: ReasonFacts(
        401,
        "The access token is not accepted",
        "Sign in again and ask for a token for Guestlist's API in your organization's tenant.",
    ),
    Reason.ISSUER_UNREACHABLE: ReasonFacts(503, "The sign-in service cannot be reached", "Try again in a minute."),
    Reason.NOT_OWNER: ReasonFacts(
        403,
        "You are not an owner of this group",
        "Ask one of the group's owners to invite the guest, or to make you an owner.",
    ),
    Reason.GROUP_MISSING: ReasonFacts(
        404,
        "There is no such group in the directory",
        "Check the group's object id in the Entra admin center.",
    ),
    Reason.GROUP_DYNAMIC: ReasonFacts(
        422,
        "The group's members are set by a rule (dynamic membership)",
        "Use a group with assigned membership, or change the membership type in the Entra admin center.",
    ),
    Reason.GROUP_SYNCED: ReasonFacts(
        422,
        "The group is synced from an on-premises directory",
        "Guests cannot join such a group: create a security group in Entra ID and assign the app to it.",
    ),
    Reason.GROUP_MAIL_ENABLED: ReasonFacts(
        422,
        "The group is a distribution list or a mail-enabled security group",
        "Use a security group that is not mail-enabled.",
    ),
    Reason.GROUP_MICROSOFT_365: ReasonFacts(
        422,
        "The group is a Microsoft 365 group",
        "Its members also get its mailbox, files and team. Use a security group for access to an app.",
    ),
    Reason.GROUP_ROLE_ASSIGNABLE: ReasonFacts(
        422,
        "The group can carry directory roles",
        "A guest in it could become an administrator: use a security group that is not role-assignable.",
    ),
    Reason.GROUP_MANAGEMENT_RESTRICTED: ReasonFacts(
        422,
        "The group is in a restricted management administrative unit",
        "Ask an administrator of that unit to move the group out of it, or use another group.",
    ),
    Reason.ADDRESS_INVALID: ReasonFacts(
        422, "The address is not a valid mail address", "Correct the address as the detail says."
    ),
    Reason.ADDRESS_UNSUPPORTED: ReasonFacts(
        422,
        "Entra ID does not take this kind of address for a guest",
        "Ask the guest for another address: without '+' and other special characters before the @.",
    ),
    Reason.ADDRESS_REFUSED_BY_DIRECTORY: ReasonFacts(
        422,
        "The directory refused the address",
        "Check the address with the guest; the detail has the directory's words.",
    ),
    Reason.ADDRESS_OF_GROUP: ReasonFacts(
        422,
        "The address belongs to a group or a distribution list",
        "Invite each person by their own address.",
    ),
    Reason.DOMAIN_BLOCKED: ReasonFacts(
        422,
        "Your organization does not allow guests of this domain",
        "Ask an administrator to allow the domain (External collaboration settings), or use another address.",
    ),
    Reason.OWN_DOMAIN: ReasonFacts(
        422,
        "The address is of your own organization",
        "Colleagues need no invitation: add their existing account to the group.",
    ),
    Reason.CROSS_TENANT_BLOCKED: ReasonFacts(
        422,
        "Cross-tenant access settings block this guest's organization",
        "Administrators of one or both organizations must allow B2B collaboration with the other.",
    ),
    Reason.ACCOUNT_DISABLED: ReasonFacts(
        422,
        "The guest has an account here, and it is blocked from signing in",
        "Ask an administrator whether the account may be unblocked, then invite again.",
    ),
    Reason.GUEST_NOT_VISIBLE: ReasonFacts(
        500,
        "The directory has not shown the guest's account for a long time",
        "Look for the guest in the directory. If the account is there, invite again: it only joins the group.",
    ),
    Reason.INVITES_SWITCHED_OFF: ReasonFacts(
        403,
        "Your organization has switched guest invitations off",
        "Ask an administrator to change 'Guest invite settings' in External collaboration settings.",
    ),
    Reason.PERMISSION_MISSING: ReasonFacts(
        403,
        "Guestlist lacks a permission in the directory",
        "Ask an administrator to grant the permission that the detail names to Guestlist's identity.",
    ),
    Reason.TENANT_BLOCKED: ReasonFacts(
        503,
        "Microsoft has stopped invitations of this directory for suspicious activity",
        "An administrator must open a ticket with Microsoft support. Invitations wait and go on by themselves.",
    ),
    Reason.DIRECTORY_BUSY: ReasonFacts(
        503, "The directory is busy", "Nothing was sent. Try again after the time that Retry-After names."
    ),
    Reason.DIRECTORY_REFUSED: ReasonFacts(
        502,
        "The directory refused, for a reason Guestlist does not know",
        "The detail has the directory's words.",
    ),
    Reason.MAIL_NOT_SENT: ReasonFacts(
        502,
        "The guest is a member, but the mail with the welcome message could not be sent",
        "Copy the direct link and send it to the guest yourself; tell your Guestlist admin what the detail says.",
    ),
    Reason.GAVE_UP: ReasonFacts(
        500,
        "Guestlist tried several times and could not finish",
        "Invite the guest again: what was done is found and not done twice. The detail says what happened.",
    ),
    Reason.STORAGE_BUSY: ReasonFacts(503, "Guestlist's storage is busy", "Nothing was sent. Try again in a moment."),
    Reason.INTERNAL: ReasonFacts(
        500,
        "Something went wrong in Guestlist",
        "Try again; if it stays so, give your Guestlist admin the request id.",
    ),
}
