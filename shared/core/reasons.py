"""The one table of reasons: why something was refused, failed, or stands as it does, and what a person can do.

The API's problem documents, the result of each invitation and ``docs/reasons.md`` are all drawn from it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why. The value is what callers see and may branch on; it never changes its meaning."""

    # The request itself
    BODY_INVALID = "body-invalid"
    BODY_TOO_LARGE = "body-too-large"
    PARAMETER_INVALID = "parameter-invalid"
    NAME_INVALID = "name-invalid"
    MESSAGE_TOO_LONG = "message-too-long"
    NO_MAIL_SENDER = "no-mail-sender"
    IDEMPOTENCY_KEY_INVALID = "idempotency-key-invalid"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    IDEMPOTENCY_KEY_IN_FLIGHT = "idempotency-key-in-flight"
    INVITATION_UNDER_WAY = "invitation-under-way"
    INVITATION_MISSING = "invitation-missing"
    INVITATION_IN_FLIGHT = "invitation-in-flight"
    INVITATION_ENDED = "invitation-ended"
    # The caller
    TOKEN_MISSING = "token-missing"  # noqa: S105 - a reason's name, no secret
    TOKEN_INVALID = "token-invalid"  # noqa: S105 - a reason's name, no secret
    ISSUER_UNREACHABLE = "issuer-unreachable"
    CLIENT_NOT_ALLOWED = "client-not-allowed"
    GUEST_CALLER = "guest-caller"
    NOT_OWNER = "not-owner"
    NOT_ADMIN = "not-admin"
    AUTHORITY_LOST = "authority-lost"
    # The tenant
    STOPPED = "stopped"
    BUDGET_REACHED = "budget-reached"
    # The group
    GROUP_MISSING = "group-missing"
    GROUP_DYNAMIC = "group-dynamic"
    GROUP_SYNCED = "group-synced"
    GROUP_MAIL_ENABLED = "group-mail-enabled"
    GROUP_MICROSOFT_365 = "group-microsoft-365"
    GROUP_ROLE_ASSIGNABLE = "group-role-assignable"
    GROUP_MANAGEMENT_RESTRICTED = "group-management-restricted"
    GROUP_NOT_SET_UP = "group-not-set-up"
    # Setup
    SETUP_MISSING = "setup-missing"
    STEP_NOT_MANUAL = "step-not-manual"
    NOTHING_TO_RETRY = "nothing-to-retry"
    APP_MISSING = "app-missing"
    APP_AMBIGUOUS = "app-ambiguous"
    APP_DISABLED = "app-disabled"
    APP_TEMPLATE_MISSING = "app-template-missing"
    APP_ROLE_NEEDED = "app-role-needed"
    APP_ROLE_MISSING = "app-role-missing"
    APP_BEING_REMOVED = "app-being-removed"
    APP_PROTECTED = "app-protected"
    APP_IN_USE = "app-in-use"
    GROUP_NOT_OFFERED = "group-not-offered"
    GROUP_OF_ANOTHER = "group-of-another"
    PERSON_MISSING = "person-missing"
    OWNER_IS_GUEST = "owner-is-guest"
    OWNER_DISABLED = "owner-disabled"
    CERTIFICATE_EXPIRED = "certificate-expired"
    LICENCE_MISSING = "licence-missing"
    VERIFICATION_FAILED = "verification-failed"
    DRY_RUN_NEEDED = "dry-run-needed"
    PLAN_CHANGED = "plan-changed"
    DOMAIN_NOT_ALLOWED = "domain-not-allowed"
    # People
    CASE_MISSING = "case-missing"
    PERSON_ERASED = "person-erased"
    # Audits
    AUDIT_MISSING = "audit-missing"
    AUDIT_RUNNING = "audit-running"
    REMEDIES_MISSING = "remedies-missing"
    REMEDIES_ENDED = "remedies-ended"
    REMEDIES_OLD = "remedies-old"
    # The file of an import
    FILE_EMPTY = "file-empty"
    FILE_UNREADABLE = "file-unreadable"
    FILE_NO_ADDRESS_COLUMN = "file-no-address-column"
    # Imports
    IMPORT_MISSING = "import-missing"
    IMPORT_ENDED = "import-ended"
    IMPORT_UNDER_WAY = "import-under-way"
    UNDO_TOO_LATE = "undo-too-late"
    FILE_GONE = "file-gone"
    FILE_TOO_LARGE = "file-too-large"
    ROW_INVALID = "row-invalid"
    DUPLICATE_IN_FILE = "duplicate-in-file"
    CANCELLED = "cancelled"
    # Join requests
    REQUESTS_CLOSED = "requests-closed"
    REQUEST_MISSING = "request-missing"
    REQUEST_DECIDED = "request-decided"
    OWN_REQUEST = "own-request"
    TOO_MANY_REQUESTS = "too-many-requests"
    # The guest
    GUEST_MISSING = "guest-missing"
    GUEST_HAS_ACCEPTED = "guest-has-accepted"
    ADDRESS_INVALID = "address-invalid"
    ADDRESS_UNSUPPORTED = "address-unsupported"
    ADDRESS_REFUSED_BY_DIRECTORY = "address-refused-by-directory"
    ADDRESS_OF_GROUP = "address-of-group"
    DOMAIN_BLOCKED = "domain-blocked"
    OWN_DOMAIN = "own-domain"
    CROSS_TENANT_BLOCKED = "cross-tenant-blocked"
    ACCOUNT_DISABLED = "account-disabled"
    ADDRESS_OF_ANOTHER = "address-of-another"
    NOT_A_GUEST = "not-a-guest"
    GUEST_NOT_VISIBLE = "guest-not-visible"
    # The tenant
    INVITES_SWITCHED_OFF = "invites-switched-off"
    PERMISSION_MISSING = "permission-missing"
    FEATURE_OFF = "feature-off"
    TENANT_BLOCKED = "tenant-blocked"
    DIRECTORY_BUSY = "directory-busy"
    DIRECTORY_REFUSED = "directory-refused"
    # Guestlist itself
    MAIL_NOT_SENT = "mail-not-sent"
    GAVE_UP = "gave-up"
    STORAGE_BUSY = "storage-busy"
    TIMED_OUT = "timed-out"
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
        "Send one JSON object with the fields that the API's description names for this request; the detail says "
        "what is wrong.",
    ),
    Reason.BODY_TOO_LARGE: ReasonFacts(
        413,
        "The body is too large",
        "Send less: the detail says how many bytes are taken. Many guests at once are an import, as text/csv.",
    ),
    Reason.PARAMETER_INVALID: ReasonFacts(
        400, "A parameter of the address is not valid", "Fix the parameter that the detail names."
    ),
    Reason.NAME_INVALID: ReasonFacts(
        422,
        "The name is none",
        "Give a name of one line, as people write it: without link, address and control characters, and without "
        "characters that turn the direction of the text.",
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
    Reason.CLIENT_NOT_ALLOWED: ReasonFacts(
        403,
        "The application that you signed in with may not act for people here",
        "Use Guestlist's own portal or command line. An administrator of the function app can add the id that the "
        "detail names to the setting GUESTLIST_CLIENTS.",
    ),
    Reason.GUEST_CALLER: ReasonFacts(
        403,
        "Guestlist is for members of the organization, not for its guests",
        "Ask a colleague in the organization to do it. An administrator of the function app can let guests in with "
        "the setting GUESTLIST_GUEST_CALLERS. If you are a member, the registration of Guestlist's API lacks the "
        "optional claim acct in access tokens (docs/how-to/operator/callers.md).",
    ),
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
    Reason.NOT_ADMIN: ReasonFacts(
        403,
        "This takes an app role that you do not have",
        "Ask somebody who has the app role of Guestlist's API that the detail names, or ask for it.",
    ),
    Reason.AUTHORITY_LOST: ReasonFacts(
        403,
        "Who asked for this may not do it any more",
        "Nothing more was done. Somebody who may, an owner of the group or an administrator, asks for it again; an "
        "import goes on when they resume it.",
    ),
    Reason.GROUP_NOT_SET_UP: ReasonFacts(
        403,
        "No app was set up with this group",
        "Ask an administrator of Guestlist to set the group's app up, or invite into the group of an app that is.",
    ),
    Reason.SETUP_MISSING: ReasonFacts(404, "There is no such setup", "Check the id."),
    Reason.STEP_NOT_MANUAL: ReasonFacts(
        409,
        "This step does not wait for a person",
        "Look at the setup: only a step in the state manual can be confirmed.",
    ),
    Reason.NOTHING_TO_RETRY: ReasonFacts(
        409, "No step of this setup has failed", "Look at the setup: it runs, waits for a person, or is done."
    ),
    Reason.APP_MISSING: ReasonFacts(
        404,
        "There is no such app",
        "Check the id or the name under Enterprise applications; name a gallery template to add the app.",
    ),
    Reason.APP_AMBIGUOUS: ReasonFacts(
        422,
        "Several apps have this name",
        "Name the app by its id: retry the setup with appId set to one of those in the detail.",
    ),
    Reason.APP_DISABLED: ReasonFacts(
        422,
        "The app is switched off for sign-in",
        "Set 'Enabled for users to sign-in' to Yes under the enterprise application's Properties, then retry.",
    ),
    Reason.APP_TEMPLATE_MISSING: ReasonFacts(
        422,
        "The gallery has no such template",
        "Check the name in Microsoft's app gallery, or give the template's id.",
    ),
    Reason.APP_ROLE_NEEDED: ReasonFacts(
        422,
        "The app has several roles: which one shall guests get?",
        "Retry the setup with appRole set to one of the roles that the detail lists.",
    ),
    Reason.APP_ROLE_MISSING: ReasonFacts(
        422, "The app has no such role for people", "Retry the setup with one of the roles that the detail lists."
    ),
    Reason.APP_BEING_REMOVED: ReasonFacts(
        409,
        "What Guestlist made for this app is being removed",
        "Wait until the app is gone from the list of apps, then start again.",
    ),
    Reason.APP_PROTECTED: ReasonFacts(
        403,
        "No setup may touch this app",
        "Guestlist's own apps, Microsoft's, and those of GUESTLIST_PROTECTED_APPS are set up by hand in the Entra "
        "admin center.",
    ),
    Reason.APP_IN_USE: ReasonFacts(
        422,
        "The app has sign-in addresses that Guestlist did not set",
        "Start again without singleSignOn (--saml), or change its single sign-on in the Entra admin center: only "
        "apps that Guestlist added or that have no addresses yet are changed.",
    ),
    Reason.GROUP_NOT_OFFERED: ReasonFacts(
        422,
        "The group is there already, and nobody said that it shall be taken",
        "Start again with group.takeOver true (--take-over), or without a group: Guestlist then makes one.",
    ),
    Reason.GROUP_OF_ANOTHER: ReasonFacts(
        422,
        "The group is used by others",
        "A group is taken only where it opens no other app and all its owners are named as owners of the setup. Let "
        "Guestlist make a group of the app's own.",
    ),
    Reason.PERSON_MISSING: ReasonFacts(
        422,
        "Nobody in the directory has this name",
        "Give the user principal name, the mail address or the object id of a user of your organization.",
    ),
    Reason.OWNER_IS_GUEST: ReasonFacts(
        422, "A guest cannot be made responsible for an app", "Name a member of your organization."
    ),
    Reason.OWNER_DISABLED: ReasonFacts(
        422, "This person's account is blocked from signing in", "Name somebody else, or unblock the account."
    ),
    Reason.CERTIFICATE_EXPIRED: ReasonFacts(
        422,
        "The certificate that signs the app's tokens has expired",
        "Renew it under Single sign-on › SAML certificates, hand the new one to the app's vendor, then retry.",
    ),
    Reason.LICENCE_MISSING: ReasonFacts(
        403,
        "The tenant has no licence for entitlement management",
        "Set the app up without --with access-package, or get Microsoft Entra ID Governance or P2.",
    ),
    Reason.VERIFICATION_FAILED: ReasonFacts(
        409,
        "The directory is not as it was set up",
        "The checks say what differs. Retry the setup to fix it.",
    ),
    Reason.DRY_RUN_NEEDED: ReasonFacts(
        428,
        "Look first at what would be removed",
        "Send the same request with ?dryRun=true, and then again with its ETag as If-Match.",
    ),
    Reason.PLAN_CHANGED: ReasonFacts(
        412,
        "What would be removed is not what was looked at",
        "Send the request with ?dryRun=true again, look at it, and use the new ETag.",
    ),
    Reason.DOMAIN_NOT_ALLOWED: ReasonFacts(
        422,
        "The app's policy does not admit guests of this domain",
        "Ask an administrator to change the domains that the app's policy allows.",
    ),
    Reason.CASE_MISSING: ReasonFacts(
        404,
        "There is no such export or erasure",
        "Use the id that the answer to it gave.",
    ),
    Reason.PERSON_ERASED: ReasonFacts(
        410,
        "The guest's data was erased from the file",
        "Nothing is to be done: the row holds its place, and nobody is invited by it.",
    ),
    Reason.AUDIT_MISSING: ReasonFacts(404, "There is no such audit", "Check the id; the audits are listed."),
    Reason.AUDIT_RUNNING: ReasonFacts(
        409, "An audit is running already", "Wait for it to end; what it finds is what a second one would find."
    ),
    Reason.REMEDIES_MISSING: ReasonFacts(
        404,
        "The audit planned nothing for this app",
        "Look at what the audit found; the app's audit policy says what is done about it.",
    ),
    Reason.REMEDIES_ENDED: ReasonFacts(
        409, "This cannot be done with these remedies any more", "Look at how far they are; the detail says it."
    ),
    Reason.REMEDIES_OLD: ReasonFacts(
        409,
        "A later audit has been done",
        "Have the remedies of the latest audit carried out: what this one found may not be so any more.",
    ),
    Reason.FILE_EMPTY: ReasonFacts(
        422,
        "There are no guests in the file",
        "Check that it is the right file, that it was saved, and that there is a row below the headings.",
    ),
    Reason.FILE_UNREADABLE: ReasonFacts(
        422,
        "The file cannot be read as CSV",
        "Save it as 'CSV UTF-8 (Comma delimited)' in Excel, or take Microsoft's bulk-invite template.",
    ),
    Reason.FILE_NO_ADDRESS_COLUMN: ReasonFacts(
        422,
        "No column of the file has the guests' addresses",
        "Head the column with 'address' or 'email' in the first row, or take Microsoft's bulk-invite template.",
    ),
    Reason.IMPORT_MISSING: ReasonFacts(
        404, "There is no such import of this group", "Check the id; the group's imports are listed under the group."
    ),
    Reason.IMPORT_ENDED: ReasonFacts(
        409, "The import is over", "Look at its results; what it did can be undone for a while."
    ),
    Reason.IMPORT_UNDER_WAY: ReasonFacts(
        409, "The import is still at work", "Cancel it first, or wait until it is done, and undo it then."
    ),
    Reason.UNDO_TOO_LATE: ReasonFacts(
        409,
        "The time to undo this import is over",
        "Remove guests one by one from the group; the results say who the import added.",
    ),
    Reason.FILE_GONE: ReasonFacts(
        410,
        "The file of this import is not kept any more",
        "Results can be had until the import cannot be undone any more; the guests are listed under the group.",
    ),
    Reason.FILE_TOO_LARGE: ReasonFacts(
        413, "The file is too large for one request", "Split the file: the platform takes up to 100 MB at a time."
    ),
    Reason.ROW_INVALID: ReasonFacts(
        422, "The row of the file cannot be used", "Fix the row: the detail names the column and what is wrong."
    ),
    Reason.DUPLICATE_IN_FILE: ReasonFacts(
        422, "The file has this guest twice", "Nothing to do: the guest is invited once, by the first of the rows."
    ),
    Reason.CANCELLED: ReasonFacts(
        409, "The import was cancelled before this guest was invited", "Import the rows that are left again."
    ),
    Reason.INVITATION_IN_FLIGHT: ReasonFacts(
        409,
        "The directory is being asked for this guest at this moment",
        "Look again in a few seconds, and cancel then.",
    ),
    Reason.INVITATION_ENDED: ReasonFacts(
        409, "There is nothing to cancel: the invitation failed", "Nothing needs to be done; the guest has no access."
    ),
    Reason.REQUESTS_CLOSED: ReasonFacts(
        404,
        "Nobody can ask to join here",
        "Ask the person who gave you the address. An administrator opens a group for requests when an app is set up.",
    ),
    Reason.REQUEST_MISSING: ReasonFacts(
        404,
        "There is no such request, or the link is not valid",
        "Use the link of the newest mail as it is, or ask to join again.",
    ),
    Reason.REQUEST_DECIDED: ReasonFacts(
        409, "The request is decided already", "Look at the request: it says who decided, and what."
    ),
    Reason.OWN_REQUEST: ReasonFacts(
        403, "Nobody decides about their own request", "Ask another owner of the group to decide."
    ),
    Reason.TOO_MANY_REQUESTS: ReasonFacts(
        429, "Too many requests came from here", "Wait as long as Retry-After says, and try again."
    ),
    Reason.GUEST_MISSING: ReasonFacts(
        404, "The group has no guest of this id", "Look at the list of the group's guests again."
    ),
    Reason.GUEST_HAS_ACCEPTED: ReasonFacts(
        409,
        "The guest has accepted already",
        "There is nothing to send again or to cancel. Remove the guest from the group to end the access.",
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
    Reason.ADDRESS_OF_ANOTHER: ReasonFacts(
        422,
        "Another account has the address among its further addresses",
        "If that account is the guest's, invite its main address. If not, an administrator has to take the address "
        "from it first.",
    ),
    Reason.NOT_A_GUEST: ReasonFacts(
        409,
        "The account is no guest's",
        "Guestlist removes, blocks and deletes guests alone. Ask an administrator where the account belongs.",
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
    Reason.FEATURE_OFF: ReasonFacts(
        403,
        "This part of Guestlist is switched off",
        "An administrator of the function app adds the feature that the detail names to the setting "
        "GUESTLIST_FEATURES and grants its permissions (docs/permissions.md). What is there can still be read.",
    ),
    Reason.TENANT_BLOCKED: ReasonFacts(
        503,
        "Microsoft has stopped invitations of this directory for suspicious activity",
        "An administrator must open a ticket with Microsoft support. Invitations wait and go on by themselves.",
    ),
    Reason.STOPPED: ReasonFacts(
        503,
        "An operator has stopped everything that sends or changes",
        "Nothing was changed. Try again when it is started again: `GET /api/stop` says so. Invitations and imports "
        "are taken meanwhile, and wait.",
    ),
    Reason.BUDGET_REACHED: ReasonFacts(
        429,
        "Enough guests were invited for today",
        "Nothing was sent. Go on at the time that `until` names, or ask an administrator of the function app to "
        "raise the limit that the detail names.",
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
    Reason.TIMED_OUT: ReasonFacts(
        503,
        "The request took too long and was stopped",
        "Some of it may have been done. Send it again, with the same Idempotency-Key if it had one; if it stays so, "
        "ask for less at once, or give your Guestlist admin the request id.",
    ),
    Reason.INTERNAL: ReasonFacts(
        500,
        "Something went wrong in Guestlist",
        "Try again; if it stays so, give your Guestlist admin the request id.",
    ),
}
