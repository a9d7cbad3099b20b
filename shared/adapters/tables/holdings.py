"""What tables tell of people: for each kind of row every column, whom it tells of, and what erasure makes of it.

Records that stand in a column as JSON are told field by field: `Record.owners[]` is each of a list, `Targets.*` each
value of a mapping. A field that is named tells for all that lies below it. A test holds this table to the rows that
are written and to ``docs/tables.md``: a column more must be placed here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.adapters.tables.audits import AUDITS
from shared.adapters.tables.cases import PEOPLE
from shared.adapters.tables.imports import ADMISSION, IMPORTS
from shared.adapters.tables.mirror import MIRROR
from shared.adapters.tables.reminders import REMINDERS
from shared.adapters.tables.requests import REQUESTS
from shared.adapters.tables.rows import from_row
from shared.adapters.tables.setups import APPS, SETUPS
from shared.adapters.tables.store import INVITATIONS, OPEN_CHUNKS, TENANT
from shared.adapters.tables.table import Row
from shared.adapters.tables.trail import TRAIL

JSON = ("Record", "Targets")
"""Columns that hold a record."""


class Becomes(StrEnum):
    """What takes the place of a field: nothing, the word "erased", an id that is nobody's, the same in "Name (id)",
    or the same words without the person's."""

    GONE = "gone"
    ERASED = "erased"
    STAND_IN = "stand-in"
    SIGNED = "signed"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Role:
    """One person that a row tells of.

    `by` are the fields that name them, of which one is enough. `becomes` says what erasure puts in the place of each
    field that tells of them, of `by` as well. With `goes` the whole row is deleted instead, and `tells` are the
    fields that are theirs. With `among` the element of that list goes, and `by` is within it. `address`, `user` and
    `name` are fields by which the person can be told elsewhere.
    """

    who: str
    by: tuple[str, ...] = ()
    becomes: Mapping[str, Becomes] = field(default_factory=dict)
    goes: bool = False
    tells: tuple[str, ...] = ()
    among: str | None = None
    address: str | None = None
    user: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rows, by its name in ``docs/tables.md``. `fits` knows it by its keys. `plain` are fields that tell
    of nobody, `secret` those of them that no export shows. `under_way` says what must end before a row is erased;
    `kept` what is left of it, and why."""

    table: str
    what: str
    fits: Callable[[str, str], bool]
    plain: tuple[str, ...]
    roles: tuple[Role, ...] = ()
    secret: tuple[str, ...] = ()
    under_way: Callable[[Row], str | None] = lambda row: None
    kept: str | None = None


def _starts(prefix: str) -> Callable[[str, str], bool]:
    return lambda partition, key: key.startswith(prefix)


def _in(*partitions: str) -> Callable[[str, str], bool]:
    return lambda partition, key: partition in partitions


def _key(name: str) -> Callable[[str, str], bool]:
    return lambda partition, key: key == name


def _any(partition: str, key: str) -> bool:
    return True


def _invitation(row: Row) -> str | None:
    invitation = from_row(row)
    return None if invitation.is_final else f"invitation {invitation.id}"


def _import(row: Row) -> str | None:
    return None if row.get("FinishedAt") else f"import {row['PartitionKey']}"


def _request(row: Row) -> str | None:
    # Its mail is being sent, or an invitation made of it: both take a moment.
    record = row["Record"]
    making = record["state"] == "approved" and record["invitation"] is None
    return f"join request {row['RowKey']}" if making or record["claimed_until"] else None


def _action(row: Row) -> str | None:
    return f"remedies of audit {row['PartitionKey'][:22]}" if row["Record"]["state"] == "started" else None


_GONE, _ERASED, _STAND_IN = Becomes.GONE, Becomes.ERASED, Becomes.STAND_IN
_OWNERS = "an owner"
_APPROVERS = "somebody who decides"
_TRACE = "who did something for the organization may be asked for, and not by name"

KINDS: tuple[Kind, ...] = (
    Kind(
        INVITATIONS,
        "an invitation",
        _starts("i-"),
        (
            *("State", "Reason", "AppName", "DirectLink", "CreatedAt", "UpdatedAt", "ClaimedUntil", "EffectSince"),
            *("AlreadyInDirectory", "AlreadyMember", "ImportId", "Line", "SendAgain"),
        ),
        (
            Role(
                "the guest",
                ("AddressKey", "AddressText", "AddressWire", "UserId"),
                {
                    **dict.fromkeys(("AddressText", "AddressWire", "AddressKey"), _ERASED),
                    **dict.fromkeys(("DisplayName", "Message", "Language", "Detail", "UserId"), _GONE),
                    **dict.fromkeys(("RedeemUrl", "MailHandle", "Expires"), _GONE),
                },
                address="AddressKey",
                user="UserId",
            ),
            Role(
                "who invited",
                ("InviterId",),
                {"InviterId": _STAND_IN, "InviterName": _ERASED},
                user="InviterId",
                name="InviterName",
            ),
        ),
        under_way=_invitation,
        kept="that somebody was invited to this group, when, by whom and how it ended: the counts of imports and "
        "the answer to who let guests in rest on it",
    ),
    Kind(
        INVITATIONS,
        "a guard",
        _starts("a-"),
        ("InvitationId", "ImportId", "Line"),
        (Role("the guest", ("RowKey",), goes=True),),
    ),
    # The digest is of a whole request, with its message: nobody is found by it.
    Kind(
        INVITATIONS,
        "an idempotency key",
        _starts("k-"),
        ("ClaimId", "BodyDigest", "LeaseUntil", "CreatedAt", "InvitationId"),
    ),
    Kind(INVITATIONS, "a chunk of an import that has not ended", _starts("o-"), ("LookAt",)),
    Kind(INVITATIONS, "counters of an import", _starts("c-"), ("Counts", "UpdatedAt")),
    Kind(
        INVITATIONS,
        "the last day of a membership",
        _starts("x-"),
        ("Expires",),
        (Role("the guest", ("RowKey",), goes=True),),
    ),
    Kind(OPEN_CHUNKS, "a chunk that has not ended", _any, ("Group", "Chunk", "LookAt")),
    # Messages hold ids of records, and nothing of a person.
    Kind(REMINDERS, "messages to send later", _any, ("Due", "Messages")),
    Kind(TENANT, "the last sweep that looked at everything", _key("gauges"), ("MeasuredAt",)),
    Kind(TENANT, "the breaker", _key("breaker"), ("OpenSince", "ProbeAt", "Detail")),
    Kind(
        TENANT,
        "the stop",
        _key("stop"),
        tuple(f"Record.{name}" for name in ("is_on", "at", "reason")),
        (
            Role(
                "who stopped or started",
                ("Record.by",),
                {"Record.by": _STAND_IN, "Record.by_name": _ERASED},
                user="Record.by",
                name="Record.by_name",
            ),
        ),
    ),
    # Not a person's, and no way to one: whoever has it still has to try addresses out.
    Kind(TENANT, "the key of the logs", _key("log-key"), ("Key",)),
    Kind(TENANT, "the last sweep", _key("sweep"), ("At",)),
    Kind(TENANT, "the last message that came back through a queue", _key("round-trip"), ("SentAt", "ArrivedAt")),
    Kind(
        TENANT,
        "what was taken of a day",
        _in("days"),
        ("Day", "Taken", "ActiveDays"),
        (Role("who invited", ("RowKey",), goes=True),),
    ),
    Kind(TENANT, "the pace of imports", _key("imports"), ("Record",)),
    Kind(TENANT, "a lane's clock", _in("pace"), ("FreeAt", "Taken")),
    Kind(
        IMPORTS,
        "an import",
        _key("import"),
        (
            *("GroupId", "FileName", "Size", "Dialect", "ForAdmin", "CreatedAt", "Digest", "State", "FinishedAt"),
            "PausedFor",
        ),
        (
            Role(
                "who imported",
                ("CreatorId",),
                {"CreatorId": _STAND_IN, "CreatorName": _ERASED},
                user="CreatorId",
                name="CreatorName",
            ),
            Role(
                "who resumed it",
                ("ResumerId",),
                {"ResumerId": _STAND_IN, "ResumerName": _ERASED},
                user="ResumerId",
                name="ResumerName",
            ),
        ),
        under_way=_import,
        kept=_TRACE,
    ),
    Kind(
        IMPORTS,
        "how far the file of an import was read",
        _key("progress"),
        (
            *("Cursor", "Pieces", "Windows", "Rows", "Bad", "AllRead", "WakesAt", "Why", "MadeUntil"),
            *("Targets.*.app_name", "Targets.*.direct_link", "Targets.*.refused"),
            *(f"Targets.*.policies[].{name}" for name in ("requests", "allowed_domains", "blocked_domains")),
        ),
        (Role(_APPROVERS, among="Targets.*.policies[].approvers[]"),),
    ),
    Kind(IMPORTS, "whether an import's guests may be let into a group", _starts(ADMISSION), ("Record",)),
    # The digest is of the caller, the group and a key that callers choose.
    Kind(IMPORTS, "the import that a key stands for", _in("keys"), ("ImportId",)),
    Kind(IMPORTS, "an import in an index", _any, ("LookAt",)),
    Kind(SETUPS, "a setup that has not ended", _in("open"), ("LookAt",)),
    Kind(
        SETUPS,
        "a setup's plan",
        _key("plan"),
        (
            *("Digest", "CreatedAt", "Record.app", "Record.group", "Record.app_role", "Record.self_service"),
            *(f"Record.saml.{name}" for name in ("identifiers", "reply_urls", "sign_on_url")),
            *(f"Record.policy.{name}" for name in ("requests", "allowed_domains", "blocked_domains")),
        ),
        (
            Role(
                "who set the app up",
                ("CreatorId",),
                {"CreatorId": _STAND_IN, "CreatorName": _ERASED},
                user="CreatorId",
                name="CreatorName",
            ),
            Role(_OWNERS, among="Record.owners[]"),
            Role(_APPROVERS, among="Record.policy.approvers[]"),
            Role("who hears of certificates", among="Record.saml.notification_emails[]"),
        ),
        kept=_TRACE,
    ),
    Kind(
        SETUPS,
        "a step of a setup",
        _starts("step-"),
        (
            *("State", "Record.step", "Record.state", "Record.attempts", "Record.started_at", "Record.finished_at"),
            *("Record.changes[].kind", "Record.checks[].check", "Record.checks[].state"),
            *("Record.task.key", "Record.task.title", "Record.task.link", "Record.found.app", "Record.found.group"),
            *("Record.found.role", "Record.intends", "Record.reason", "Record.confirmation.at"),
        ),
        (
            Role(
                "who confirmed it",
                ("Record.confirmation.by",),
                {
                    "Record.confirmation.by": _STAND_IN,
                    "Record.confirmation.name": _ERASED,
                    "Record.confirmation.note": _GONE,
                },
                user="Record.confirmation.by",
                name="Record.confirmation.name",
            ),
            Role(_OWNERS, ("id",), among="Record.found.owners[]", user="id", name="name"),
            Role(_OWNERS, ("id",), among="Record.changes[]"),
            Role(_APPROVERS, ("id",), among="Record.found.approvers[]", user="id", name="name"),
            Role(
                "somebody named in words",
                becomes={
                    **dict.fromkeys(("Record.changes[].what", "Record.notes[]"), Becomes.WORDS),
                    **dict.fromkeys(("Record.checks[].found", "Record.detail"), Becomes.WORDS),
                    **dict.fromkeys(("Record.task.instructions[]", "Record.task.values[][]"), Becomes.WORDS),
                },
            ),
        ),
        kept=_TRACE,
    ),
    Kind(
        APPS,
        "an app that is set up",
        _in("apps"),
        (
            *("GroupId", "Record.app_id", "Record.name", "Record.service_principal", "Record.group"),
            *("Record.group_name", "Record.setup", "Record.updated_at", "Record.state", "Record.templates"),
            *("Record.audits", "Record.made[].kind", "Record.inviters[]"),
            *(f"Record.policy.{name}" for name in ("requests", "allowed_domains", "blocked_domains")),
        ),
        (
            Role(_OWNERS, ("id",), among="Record.owners[]", user="id", name="name"),
            Role(_OWNERS, ("id",), among="Record.made[]"),
            Role(_APPROVERS, ("id",), among="Record.approvers[]", user="id", name="name"),
            Role(_APPROVERS, among="Record.policy.approvers[]"),
            Role("somebody named in words", becomes={"Record.made[].what": Becomes.WORDS}),
        ),
        kept="the app, without the person: whether somebody else owns it or decides is for an administrator to see",
    ),
    Kind(
        APPS,
        "what a person confirmed",
        _in("confirmations"),
        ("Record.at",),
        (
            Role(
                "who confirmed it",
                ("Record.by",),
                {"Record.by": _STAND_IN, "Record.name": _ERASED, "Record.note": _GONE},
                user="Record.by",
                name="Record.name",
            ),
        ),
        kept=_TRACE,
    ),
    Kind(APPS, "something that is made only once", _in("intents"), ("Since", "ClaimedUntil", "Result")),
    Kind(
        AUDITS,
        "how far audits have read the directory",
        _in("position"),
        tuple(
            f"Record.{name}"
            for name in ("running", "running_since", "last", "users", "users_since", "sets", "read_from", "is_torn")
        ),
    ),
    Kind(
        AUDITS,
        "an audit",
        _in("audits"),
        (
            *("Record.id", "Record.started_at", "Record.phase", "Record.full", "Record.sets", "Record.users_since"),
            *("Record.read_from", "Record.ended_at", "Record.before", "Record.apps", "Record.counts"),
            *("Record.detail", "Record.is_tidied"),
        ),
        (Role("who began it", ("Record.started_by",), {"Record.started_by": Becomes.SIGNED}),),
        kept=_TRACE,
    ),
    Kind(AUDITS, "remedies that are being carried out", _in("open-plans"), ("LookAt",)),
    Kind(
        AUDITS,
        "when a mail was last sent",
        _in("sent"),
        ("Audit", "At"),
        (Role("who got it", ("RowKey",), goes=True),),
    ),
    Kind(
        AUDITS,
        "a task of an audit",
        _starts("k-"),
        tuple(f"Record.{name}" for name in ("phase", "name", "cursor", "done", "restarted")),
    ),
    Kind(
        AUDITS,
        "a finding",
        _starts("f-"),
        (
            *("Severity", "Rule", "GroupId", "AppId"),
            *(f"Record.{name}" for name in ("rule", "group", "app", "seen_since", "group_name", "app_name")),
        ),
        (
            Role(
                "whom it is about",
                ("Record.subject", "Record.address"),
                goes=True,
                tells=("Record.name", "Record.detail"),
            ),
        ),
    ),
    Kind(AUDITS, "what a part of an audit counted", _starts("t-"), ("Part00",)),
    Kind(
        AUDITS,
        "what an audit means to do in an app",
        _starts("p-"),
        tuple(
            f"Record.{name}"
            for name in (*("audit", "app", "group", "app_name", "state", "touched", "guests", "since", "detail"),)
        ),
        (
            Role(
                "who had it done",
                ("Record.by", "Record.by_id"),
                {"Record.by": Becomes.SIGNED, "Record.by_id": Becomes.STAND_IN},
                user="Record.by_id",
            ),
        ),
        kept=_TRACE,
    ),
    Kind(
        AUDITS,
        "one remedy for one guest",
        _starts("r-"),
        (
            "State",
            *(
                f"Record.{name}"
                for name in (
                    *("remedy", "rule", "finding", "state", "at", "before", "after", "request_id", "handle"),
                    "expires",
                )
            ),
        ),
        (
            Role(
                "whom it is about",
                ("Record.subject", "Record.address"),
                goes=True,
                tells=("Record.name", "Record.detail"),
            ),
        ),
        under_way=_action,
    ),
    Kind(
        MIRROR,
        "an account as audits know it",
        _in("accounts"),
        (),
        (
            Role(
                "whose account it is",
                ("RowKey", "Address"),
                goes=True,
                tells=(
                    *("Seen", "Gone", "IsGuest", "IsGroup", "Name", "OtherAddresses", "Accepted", "AcceptedAt"),
                    *("CreatedAt", "Enabled", "Member…", "Did…", "Motion…", "Late…", "Inactive", "Counted"),
                ),
                address="Address",
                user="RowKey",
                name="Name",
            ),
            Role("who shares an address", ("Twins",), {"Twins": _GONE}),
        ),
    ),
    Kind(
        MIRROR,
        "who has an address",
        _in("addresses"),
        (),
        (Role("who has it", ("RowKey",), goes=True), Role("who has it", ("Has…",), {"Has…": _GONE})),
    ),
    Kind(
        MIRROR,
        "when an account is to be looked at",
        _in("due"),
        (),
        (Role("whose account it is", ("RowKey",), goes=True),),
    ),
    Kind(
        MIRROR,
        "an account that an audit looks at",
        lambda partition, key: partition.startswith("touched-"),
        (),
        (Role("whose account it is", ("RowKey",), goes=True),),
    ),
    Kind(
        TRAIL,
        "a change",
        _any,
        tuple(f"Record.{name}" for name in ("key", "at", "what", "group", "app", "before", "after", "audit", "rule")),
        (
            Role(
                "whom it was done to",
                ("Record.subject",),
                {"Record.subject": _STAND_IN, "Record.name": _ERASED, "Record.request_id": _GONE},
                user="Record.subject",
            ),
            Role("who did it", ("Record.who",), {"Record.who": Becomes.SIGNED}),
        ),
        kept="that a membership or an account was changed, when, how and by which rule: an administrator answers "
        "for it",
    ),
    # The key is a digest of group and address; the rows of the index are closed by the sweeper.
    Kind(REQUESTS, "a join request that has not ended", _in("open"), ("LookAt",)),
    # Forgotten when an hour has passed since the last mail.
    Kind(
        REQUESTS,
        "what somebody who decides is to be told",
        _in("digests"),
        (
            "LookAt",
            *(
                f"Record.{name}"
                for name in (
                    *("groups", "telling", "due_at", "told_at", "mails", "mail_handle", "mail_since"),
                    "claimed_until",
                )
            ),
        ),
        (Role(_APPROVERS, ("RowKey", "Record.decider"), goes=True),),
    ),
    # Digests of address, source or group: forgotten when their window ends, after a day at most.
    Kind(REQUESTS, "how often something was asked", _in("counts"), ("Count",)),
    Kind(
        REQUESTS,
        "a join request",
        _any,
        (
            "State",
            *(
                f"Record.{name}"
                for name in (
                    *("id", "group", "app_name", "requested_at", "updated_at", "expires_at", "state", "proven_at"),
                    *("decided_at", "reason", "mail", "mails", "mail_since", "claimed_until"),
                )
            ),
        ),
        (
            Role(
                "who asked",
                ("Record.address.key", "Record.address.text", "Record.address.wire"),
                goes=True,
                tells=tuple(
                    f"Record.{name}"
                    for name in (
                        *("code", "display_name", "reason_given", "language", "note", "invitation", "detail"),
                        *("mail_handle", "again"),
                    )
                ),
                address="Record.address.key",
            ),
            Role(
                "who decided",
                ("Record.decided_by",),
                {"Record.decided_by": _STAND_IN, "Record.decided_by_name": _ERASED},
                user="Record.decided_by",
                name="Record.decided_by_name",
            ),
            Role("who is to be told", among="Record.to_tell[]"),
        ),
        secret=("Record.code", "Record.again.code"),
        under_way=_request,
        kept=_TRACE,
    ),
    # Whom a case is about stands in it while it is worked on, and only then.
    Kind(
        PEOPLE,
        "an export or an erasure",
        _any,
        (
            *("LookAt", "Record.given", "Record.known"),
            *(
                f"Record.{name}"
                for name in (
                    *("id", "kind", "asked_at", "confirmed", "stand_in", "state", "phase", "round", "pieces"),
                    *("place", "not_before", "grew", "found", "mentions", "under_way", "changed", "why", "ended_at"),
                    "kept_until",
                )
            ),
        ),
        (Role("who asked for it", ("Record.by",), {"Record.by": Becomes.SIGNED}),),
        kept=_TRACE,
    ),
)
TABLES = tuple(dict.fromkeys(kind.table for kind in KINDS))


def kind_of(table: str, partition: str, key: str) -> Kind | None:
    """None for a row of a kind that this code does not know."""
    return next((k for k in KINDS if k.table == table and k.fits(partition, key)), None)
