"""Every operation of the API, as data: the document is drawn from this table, and a test holds it to the routes."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from shared.api import problems
from shared.api.schemas import apps, audits, diagnostics, imports, invitations, membership, people, requests, setup
from shared.domain.audits.rules import Rule, Severity
from shared.domain.reasons import Reason

OWNERS = "Owners of the group, administrators."
READERS = "Owners of the group, administrators, auditors."
DECIDERS = "Owners of the group, approvers that its policy names, administrators."
ADMINS = "Administrators."
OPERATORS = "Operators."
ADMIN_READERS = "Administrators, auditors."
ANYBODY = "Anybody, without a token."
SIGNED_IN = "Everybody with a token."

_CALLER = (
    *(Reason.TOKEN_MISSING, Reason.TOKEN_INVALID, Reason.CLIENT_NOT_ALLOWED, Reason.GUEST_CALLER),
    Reason.ISSUER_UNREACHABLE,
)
_DIRECTORY = (Reason.DIRECTORY_BUSY, Reason.PERMISSION_MISSING, Reason.STORAGE_BUSY)
_GROUP = (*_CALLER, Reason.NOT_OWNER, Reason.GROUP_MISSING, *_DIRECTORY)
_KINDS = tuple(r for r in Reason if r.value.startswith("group-") and r is not Reason.GROUP_MISSING)
_ADDRESS = (Reason.NAME_INVALID, Reason.ADDRESS_INVALID, Reason.ADDRESS_UNSUPPORTED, Reason.DOMAIN_NOT_ALLOWED)
_KEYS = (Reason.IDEMPOTENCY_KEY_INVALID, Reason.IDEMPOTENCY_KEY_REUSED, Reason.IDEMPOTENCY_KEY_IN_FLIGHT)
_ADMIN = (*_CALLER, Reason.NOT_ADMIN, Reason.STORAGE_BUSY)
_BODY = (Reason.BODY_INVALID,)
_PAGED = (Reason.PARAMETER_INVALID,)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `id` is the function's name; `answers` are models by status, None for no body; `body` is the
    model of a JSON body, which is taken as a form as well with `forms`; `csv` takes or gives a file."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    who: str
    answers: dict[int, Any]
    reasons: tuple[Reason, ...] = ()
    body: type[msgspec.Struct] | None = None
    example: dict[str, Any] | None = None
    forms: bool = False
    csv: bool = False
    query: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.who == ANYBODY


_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_DRY = {"dryRun": ("true: say what would happen, and do nothing", {"type": "boolean", "default": False})}
_NEXT = {"continuation": ("from the `nextLink` of the page before", _TEXT)}
_KEY = {"Idempotency-Key": "A repeat with the same key and body is the same request; 1 to 255 visible characters."}
_GROUP_PATH = "/api/groups/{groupId}"
_IMPORT_PATH = f"{_GROUP_PATH}/imports/{{importId}}"
_AUDIT_PATH = "/api/audits/{auditId}"
_REMEDY_PATH = f"{_AUDIT_PATH}/remedies/{{appId}}"
_REQUEST_PATH = f"{_GROUP_PATH}/requests/{{requestId}}"


def _limit(most: int, default: int) -> dict[str, tuple[str, dict[str, Any]]]:
    return {"limit": ("entries of a page", {"type": "integer", "minimum": 1, "maximum": most, "default": default})}


def _states(values: list[str]) -> dict[str, tuple[str, dict[str, Any]]]:
    return {"state": ("only those in this state", {"type": "string", "enum": values})}


_INVITATION_STATES = [row.state.value for row in problems.table().states]
_REQUEST_STATES = ["pending", "approved", "declined", "expired", "failed"]
_GUID = {"type": "string", "format": "uuid"}
_FILTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "severity": ("only those as bad as this", {"type": "string", "enum": [s.value for s in Severity]}),
    "rule": ("only those of this rule", {"type": "string", "enum": [r.value for r in Rule]}),
    "group": ("only those of this group", _GUID),
    "app": ("only those of this app", _GUID),
}
_POLICY = {"requests": "approval", "blockedDomains": ["blocked.example"]}

OPERATIONS: tuple[Operation, ...] = (
    # The caller and the app itself
    Operation("get_me", "GET", "/api/me", "caller", "Who the access token says the caller is", SIGNED_IN,
              {200: membership.Me}, _CALLER),
    Operation("get_sign_in", "GET", "/api/sign-in", "caller", "Where to get an access token for this API", ANYBODY,
              {200: diagnostics.SignIn}),
    Operation("get_health", "GET", "/api/health", "app", "Whether the app is alive", ANYBODY,
              {200: diagnostics.Health}),
    Operation("get_ready", "GET", "/api/health/ready", "app",
              "Whether the app can do its work, timer and queues included, and which feature lacks which permission",
              ANYBODY,
              {200: diagnostics.Ready, 503: diagnostics.Ready}),
    Operation("list_problems", "GET", "/api/problems", "app", "All reasons and states", ANYBODY,
              {200: problems.Table}),
    Operation("get_problem", "GET", "/api/problems/{reason}", "app", "One reason", ANYBODY,
              {200: problems.Problem}, _PAGED),
    Operation("get_openapi", "GET", "/api/openapi.json", "app", "This document", ANYBODY, {200: dict[str, Any]}),
    # Groups and guests
    Operation("list_groups", "GET", "/api/groups", "groups", "Groups that the caller owns or decides for", SIGNED_IN,
              {200: membership.Groups}, (*_CALLER, Reason.NOT_ADMIN, *_PAGED, *_DIRECTORY),
              query={"all": ("true: the groups of all apps; administrators and auditors",
                             {"type": "boolean", "default": False})}),
    Operation("get_group", "GET", _GROUP_PATH, "groups", "One group, with its apps, policy and templates",
              "Owners of the group, approvers, administrators, auditors.", {200: membership.Group}, _GROUP),
    Operation("list_guests", "GET", f"{_GROUP_PATH}/guests", "groups", "Guests who are members", READERS,
              {200: membership.Guests}, (*_GROUP, *_PAGED),
              query={"find": ("what the name or the address begins with", _TEXT), **_NEXT}),
    Operation("remove_guest", "DELETE", f"{_GROUP_PATH}/guests/{{userId}}", "groups",
              "Make a guest no member any more; the account stays", OWNERS, {204: None},
              (*_GROUP, Reason.GUEST_MISSING)),
    Operation("put_expiry", "PUT", f"{_GROUP_PATH}/guests/{{userId}}/expiry", "groups",
              "Set, renew or clear the last day of a guest's membership", OWNERS, {200: membership.Expiry},
              (*_GROUP, *_BODY, Reason.GUEST_MISSING), membership.ExpiryBody, {"expires": "2027-06-30"}),
    Operation("preview_mail", "POST", f"{_GROUP_PATH}/mail-preview", "groups", "The mail as a guest would get it",
              OWNERS, {200: invitations.MailPreview},
              (*_GROUP, *_BODY, Reason.NAME_INVALID, Reason.NO_MAIL_SENDER),
              invitations.MailPreviewBody, {"displayName": "Ada", "welcomeMessage": "Welcome, {guest}!"}),
    # Invitations
    Operation("post_invitation", "POST", f"{_GROUP_PATH}/invitations", "invitations",
              "Invite one guest, or send an invitation again", OWNERS,
              {202: invitations.InvitationTaken, 303: None},
              (*_GROUP, *_BODY, *_KEYS, *_KINDS, *_ADDRESS, Reason.MESSAGE_TOO_LONG, Reason.NO_MAIL_SENDER,
               Reason.INVITATION_UNDER_WAY, Reason.APP_BEING_REMOVED),
              invitations.InvitationBody,
              {"address": "ada@fabrikam.com", "welcomeMessage": "Good to have you!"}, True, headers=_KEY),
    Operation("list_invitations", "GET", f"{_GROUP_PATH}/invitations", "invitations",
              "Invitations of a group, the newest first", READERS, {200: invitations.Invitations}, (*_GROUP, *_PAGED),
              query={**_states(_INVITATION_STATES), **_limit(200, 50), **_NEXT}),
    Operation("get_invitation", "GET", "/api/invitations/{invitationId}", "invitations", "One invitation",
              "Who invited, owners of the group, administrators, auditors.", {200: invitations.Invitation},
              (*_CALLER, Reason.INVITATION_MISSING, *_DIRECTORY)),
    Operation("cancel_invitation", "POST", "/api/invitations/{invitationId}/cancel", "invitations",
              "Take an invitation back while the guest has not accepted", OWNERS, {200: invitations.Invitation},
              (*_CALLER, Reason.INVITATION_MISSING, Reason.INVITATION_IN_FLIGHT, Reason.INVITATION_ENDED,
               Reason.GUEST_HAS_ACCEPTED, *_DIRECTORY)),
    # Imports
    Operation("post_import", "POST", f"{_GROUP_PATH}/imports", "imports", "Import a file of guests, or preview it",
              OWNERS, {202: imports.Import, 200: imports.ImportPreview},
              (*_GROUP, *_BODY, *_KEYS, *_KINDS, *_PAGED, Reason.FILE_EMPTY, Reason.FILE_TOO_LARGE,
               Reason.FILE_UNREADABLE, Reason.FILE_NO_ADDRESS_COLUMN, Reason.APP_BEING_REMOVED),
              csv=True, query={"name": ("the file's name", _TEXT), **_DRY}, headers=_KEY),
    Operation("list_imports", "GET", f"{_GROUP_PATH}/imports", "imports", "Imports of a group, the newest first",
              READERS, {200: imports.Imports}, _GROUP),
    Operation("get_import", "GET", _IMPORT_PATH, "imports", "One import and how far it is", READERS,
              {200: imports.Import}, (*_CALLER, Reason.IMPORT_MISSING, *_DIRECTORY)),
    Operation("get_import_results", "GET", f"{_IMPORT_PATH}/results", "imports",
              "One outcome for each row, ten thousand at a time: follow the Link header", READERS, {200: "text/csv"},
              (*_CALLER, Reason.IMPORT_MISSING, Reason.FILE_GONE, *_PAGED, *_DIRECTORY), query=_NEXT),
    *(
        Operation(f"{verb}_import", "POST", f"{_IMPORT_PATH}/{verb}", "imports", summary, OWNERS,
                  {200: imports.Import},
                  (*_CALLER, Reason.IMPORT_MISSING, Reason.IMPORT_ENDED, *_DIRECTORY))
        for verb, summary in (
            ("pause", "Invite nobody until it is resumed"),
            ("resume", "Go on"),
            ("cancel", "Invite nobody who was not asked yet"),
        )
    ),
    Operation("undo_import", "POST", f"{_IMPORT_PATH}/undo", "imports",
              "Take back the memberships and the unused accounts that it made", OWNERS,
              {202: imports.Import, 200: imports.ImportUndo},
              (*_CALLER, Reason.FEATURE_OFF, Reason.IMPORT_MISSING, Reason.IMPORT_UNDER_WAY, Reason.UNDO_TOO_LATE,
               *_PAGED, *_DIRECTORY),
              query=_DRY),
    # Join requests
    Operation("post_request", "POST", f"{_GROUP_PATH}/requests", "join requests",
              "Ask to join; the answer never tells whether an address is known", ANYBODY,
              {202: requests.Asked, 303: None},
              (*_BODY, *_ADDRESS, Reason.REQUESTS_CLOSED, Reason.TOO_MANY_REQUESTS, Reason.STORAGE_BUSY),
              requests.RequestBody, {"address": "ada@fabrikam.com", "reason": "We travel together"}, True),
    Operation("prove_request", "POST", f"{_REQUEST_PATH}/proof", "join requests",
              "Confirm an address with the code of the mail", ANYBODY, {200: requests.Proven, 303: None},
              (*_BODY, Reason.REQUEST_MISSING, Reason.REQUESTS_CLOSED, Reason.STORAGE_BUSY),
              requests.ProofBody, {"code": "0123456789abcdef0123456789abcdef"}, True),
    Operation("list_requests", "GET", f"{_GROUP_PATH}/requests", "join requests",
              "Requests whose address is proven", f"{DECIDERS[:-1]}, auditors.", {200: requests.Requests},
              (*_GROUP, *_PAGED), query={**_states(_REQUEST_STATES), **_limit(500, 100), **_NEXT}),
    *(
        Operation(f"{verb}_request", "POST", f"{_REQUEST_PATH}/{verb}", "join requests", summary, DECIDERS,
                  {200: requests.Request},
                  (*_GROUP, *_BODY, Reason.REQUEST_MISSING, Reason.OWN_REQUEST, Reason.REQUEST_DECIDED),
                  requests.DecisionBody, {"note": "Welcome!"})
        for verb, summary in (
            ("approve", "Say yes: an ordinary invitation follows"),
            ("decline", "Say no: whoever asked is told, with the note"),
        )
    ),
    # Apps
    Operation("list_apps", "GET", "/api/apps", "apps", "Apps that are set up; to owners their own", SIGNED_IN,
              {200: apps.Apps}, (*_CALLER, Reason.STORAGE_BUSY)),
    Operation("get_app", "GET", "/api/apps/{appId}", "apps", "One app that is set up", READERS,
              {200: apps.App}, (*_CALLER, *_PAGED, Reason.APP_MISSING, Reason.STORAGE_BUSY)),
    Operation("delete_app", "DELETE", "/api/apps/{appId}", "apps",
              "Take an app apart: what Guestlist made goes. The dry run's ETag is the If-Match of the real one",
              ADMINS, {200: apps.AppRemoval, 202: apps.AppRemoving},
              (*_ADMIN, Reason.FEATURE_OFF, *_PAGED, Reason.APP_MISSING, Reason.DRY_RUN_NEEDED, Reason.PLAN_CHANGED,
               Reason.DIRECTORY_BUSY),
              query=_DRY, headers={"If-Match": "The ETag of the dry run."}),
    Operation("put_inviters", "PUT", "/api/apps/{appId}/inviters", "apps",
              "Name the apps with the app role Inviter that may invite into the group", "Setup administrators.",
              {200: apps.Inviters},
              (*_ADMIN, *_BODY, *_PAGED, Reason.APP_MISSING, Reason.APP_BEING_REMOVED),
              apps.Inviters, {"value": ["7c9e6679-7425-40de-944b-e07fc1f90ae7"]}),
    Operation("get_templates", "GET", "/api/apps/{appId}/templates", "apps", "Welcome messages to start from",
              READERS, {200: membership.Templates}, (*_CALLER, *_PAGED, Reason.APP_MISSING, *_DIRECTORY)),
    Operation("put_templates", "PUT", "/api/apps/{appId}/templates", "apps", "Replace the welcome messages", OWNERS,
              {200: membership.Templates},
              (*_CALLER, *_BODY, *_PAGED, Reason.NAME_INVALID, Reason.APP_MISSING, Reason.MESSAGE_TOO_LONG,
               *_DIRECTORY),
              membership.Templates, {"value": [{"name": "Short", "text": "Welcome to {app}, {guest}!"}]}),
    # Setups
    Operation("post_setup", "POST", "/api/setups", "setups", "Set an app up for guests, or say what it would do",
              ADMINS, {202: setup.SetupChecklist, 200: setup.Rehearsal},
              (*_ADMIN, Reason.FEATURE_OFF, *_BODY, Reason.NAME_INVALID, *_KEYS, *_PAGED, Reason.DIRECTORY_BUSY),
              setup.SetupBody,
              {"app": {"name": "Contoso Expenses"}, "owners": ["olivia.owner@contoso.com"], "policy": _POLICY},
              query=_DRY, headers=_KEY),
    Operation("list_setups", "GET", "/api/setups", "setups", "All setups, the newest first", ADMIN_READERS,
              {200: setup.Setups}, _ADMIN),
    Operation("get_setup", "GET", "/api/setups/{setupId}", "setups", "One setup as a checklist", ADMIN_READERS,
              {200: setup.SetupChecklist}, (*_ADMIN, Reason.SETUP_MISSING)),
    Operation("confirm_setup_step", "POST", "/api/setups/{setupId}/steps/{step}/confirm", "setups",
              "Say that a manual task is done", ADMINS, {200: setup.SetupChecklist},
              (*_ADMIN, Reason.FEATURE_OFF, *_BODY, *_PAGED, Reason.SETUP_MISSING, Reason.STEP_NOT_MANUAL),
              setup.ConfirmBody,
              {"note": "done in the admin center"}),
    Operation("retry_setup", "POST", "/api/setups/{setupId}/retry", "setups",
              "Try failed steps again, with the answer to what they asked", ADMINS,
              {202: setup.SetupChecklist},
              (*_ADMIN, Reason.FEATURE_OFF, *_BODY, Reason.SETUP_MISSING, Reason.NOTHING_TO_RETRY),
              setup.RetryBody, {"appRole": "User"}),
    # Audits
    Operation("post_audit", "POST", "/api/audits", "audits", "Begin an audit now", ADMINS,
              {202: audits.Audit}, (*_ADMIN, Reason.FEATURE_OFF, Reason.AUDIT_RUNNING)),
    Operation("list_audits", "GET", "/api/audits", "audits", "Audits, the newest first", ADMIN_READERS,
              {200: audits.Audits}, (*_ADMIN, *_PAGED), query={**_limit(100, 20), **_NEXT}),
    Operation("get_audit", "GET", _AUDIT_PATH, "audits", "One audit", ADMIN_READERS,
              {200: audits.Audit}, (*_ADMIN, Reason.AUDIT_MISSING)),
    Operation("list_findings", "GET", f"{_AUDIT_PATH}/findings", "audits", "What an audit found, the worst first",
              ADMIN_READERS, {200: audits.Findings}, (*_ADMIN, *_PAGED, Reason.AUDIT_MISSING),
              query={**_FILTERS, **_limit(1000, 100), **_NEXT}),
    Operation("get_findings_file", "GET", f"{_AUDIT_PATH}/findings.csv", "audits",
              "The same as a file, five thousand lines at a time: follow the Link header", ADMIN_READERS,
              {200: "text/csv"}, (*_ADMIN, *_PAGED, Reason.AUDIT_MISSING), query={**_FILTERS, **_NEXT}),
    Operation("get_report", "GET", f"{_AUDIT_PATH}/report.html", "audits",
              "The report: one page with charts, which loads nothing and can be printed", ADMIN_READERS,
              {200: "text/html"}, (*_ADMIN, Reason.AUDIT_MISSING)),
    Operation("list_remedies", "GET", f"{_AUDIT_PATH}/remedies", "audits",
              "What an audit means to do, or has done, in each app", ADMIN_READERS, {200: audits.Plans},
              (*_ADMIN, Reason.AUDIT_MISSING)),
    Operation("get_remedies", "GET", _REMEDY_PATH, "audits", "The same in one app, guest by guest", ADMIN_READERS,
              {200: audits.Remedies},
              (*_ADMIN, *_PAGED, Reason.AUDIT_MISSING, Reason.REMEDIES_MISSING),
              query={**_limit(1000, 100), **_NEXT}),
    Operation("carry_out_remedies", "POST", _REMEDY_PATH, "audits",
              "Have what was planned, or held because it would touch too many guests, carried out", ADMINS,
              {202: audits.Plan},
              (*_ADMIN, Reason.FEATURE_OFF, *_PAGED, Reason.AUDIT_MISSING, Reason.REMEDIES_MISSING,
               Reason.REMEDIES_ENDED, Reason.REMEDIES_OLD)),
    Operation("undo_remedies", "POST", f"{_REMEDY_PATH}/undo", "audits",
              "Take back what was done: guests are members again, may sign in again, are restored", ADMINS,
              {202: audits.Plan},
              (*_ADMIN, Reason.FEATURE_OFF, *_PAGED, Reason.AUDIT_MISSING, Reason.REMEDIES_MISSING,
               Reason.REMEDIES_ENDED)),
    Operation("get_audit_policy", "GET", "/api/apps/{appId}/audit-policy", "audits",
              "What audits do about an app's findings", READERS, {200: audits.Policy},
              (*_CALLER, *_PAGED, Reason.APP_MISSING, *_DIRECTORY)),
    Operation("put_audit_policy", "PUT", "/api/apps/{appId}/audit-policy", "audits", "Replace that", ADMINS,
              {200: audits.Policy}, (*_ADMIN, Reason.FEATURE_OFF, *_BODY, *_PAGED, Reason.APP_MISSING),
              audits.Policy,
              {"remedies": {"membership-expired": "remove", "never-redeemed": "send-again"}, "carryOut": True}),
    Operation("list_group_findings", "GET", f"{_GROUP_PATH}/findings", "audits",
              "What the last audit found in a group", READERS, {200: audits.Findings}, (*_GROUP, *_PAGED),
              query={**_limit(1000, 100), **_NEXT}),
    Operation("list_trail", "GET", "/api/trail", "audits",
              "Changes of the directory outside of inviting, the newest first", ADMIN_READERS,
              {200: audits.Trail}, (*_ADMIN, *_PAGED), query={**_limit(1000, 100), **_NEXT}),
    Operation("get_trail_file", "GET", "/api/trail.csv", "audits",
              "The same as a file, five thousand lines at a time: follow the Link header", ADMIN_READERS,
              {200: "text/csv"}, (*_ADMIN, *_PAGED), query=_NEXT),
    # People
    Operation("post_export", "POST", "/api/people/exports", "people", "Gather all that is kept of a person", ADMINS,
              {202: people.Taken}, (*_ADMIN, *_BODY, Reason.ADDRESS_INVALID), people.PersonBody,
              {"address": "ada@fabrikam.com"}),
    Operation("get_export", "GET", "/api/people/exports/{caseId}", "people",
              "How far it is, and when it is done the data, for a short time", ADMINS,
              {200: people.Export}, (*_ADMIN, Reason.CASE_MISSING)),
    Operation("post_erasure", "POST", "/api/people/erasures", "people",
              "Erase all that is kept of a person; without `confirm` only say what that is", ADMINS,
              {202: people.Taken}, (*_ADMIN, *_BODY, Reason.ADDRESS_INVALID), people.ErasureBody,
              {"address": "ada@fabrikam.com", "confirm": True}),
    Operation("get_erasure", "GET", "/api/people/erasures/{caseId}", "people",
              "How far it is, what was found and erased, what was kept and why", ADMINS,
              {200: people.Erasure}, (*_ADMIN, Reason.CASE_MISSING)),
    Operation("get_doctor", "GET", "/api/doctor", "setups", "What is missing, and what mends it", ADMIN_READERS,
              {200: diagnostics.Examination}, (*_ADMIN, Reason.DIRECTORY_BUSY)),
    # The stop
    Operation("get_stop", "GET", "/api/stop", "app", "Whether everything that sends or changes is stopped", SIGNED_IN,
              {200: diagnostics.Stop}, (*_CALLER, Reason.STORAGE_BUSY)),
    Operation("post_stop", "POST", "/api/stop", "app",
              "Stop everything that sends or changes: it is parked, and goes on after the start", OPERATORS,
              {200: diagnostics.Stop}, (*_ADMIN, *_BODY), diagnostics.StopBody,
              {"reason": "Invitations that nobody here sent"}),
    Operation("delete_stop", "DELETE", "/api/stop", "app", "Start again: what was parked goes on where it stood",
              OPERATORS, {200: diagnostics.Stop}, _ADMIN),
)  # fmt: skip
