"""What tables tell of people: for each kind of row what it holds, who that is about, and what erasure makes of it.

Records declare that on their fields (`shared.core.personal`); what stands beside them, in keys and in columns of
their own, is declared here. A field that is declared tells for all that lies below it.
"""

import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Annotated, Any

from shared.audits.model.records import Audit, Checkpoint, Finding, Plan, RemedyAction, Task
from shared.audits.rows.audits import AUDITS
from shared.audits.rows.snapshot import SNAPSHOT
from shared.core.addresses import Address
from shared.core.checks import Confirmation
from shared.core.personal import DECIDERS, GUEST, People, Personal, Redaction, Says
from shared.core.records import ChangeLogEntry, Stop
from shared.imports.model.imports import Admission
from shared.imports.rows import ADMISSION, IMPORT_COLUMNS, IMPORTS, PROGRESS_COLUMNS
from shared.invitations.rows.invitations import INVITATION_COLUMNS, INVITATIONS, from_row
from shared.invitations.rows.store import OPEN_CHUNKS
from shared.membership.model.apps import AppRecord
from shared.pace.import_pace import ImportPace
from shared.people.model import SubjectRequest
from shared.people.rows.cases import PEOPLE
from shared.requests.model import Digest, JoinRequest
from shared.requests.rows import REQUESTS
from shared.setup.model import SetupPlan, StepRecord
from shared.setup.rows import APPS, SETUPS
from shared.storage.change_log import CHANGE_LOG
from shared.storage.key import TENANT
from shared.storage.records import Columns
from shared.storage.reminders import REMINDERS
from shared.storage.table import Row


@dataclass(frozen=True, slots=True)
class Mark:
    """A declared field, and where it stands: `within` is a row, or an object or a list of its JSON. `is_named` says
    that the field is a column whose name ends with the account it is about."""

    note: Personal | People
    within: Any
    key: Any
    is_named: bool = False

    @property
    def value(self) -> Any:
        return self.within[self.key]

    @property
    def role(self) -> object:
        """The same for all marks of a row that tell of one person, or are one list of people."""
        return self.note if isinstance(self.note, People) else (self.note.role, self.is_named)

    def put(self, value: Any) -> None:
        self.within[self.key] = value

    def drop(self) -> None:
        del self.within[self.key]


def marks_in(kind: Any, within: Any, key: Any) -> Iterator[Mark]:
    """Those in the field of that type which stands there."""
    value, origin, arguments = within[key], typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        of, note = arguments
        if isinstance(note, Personal):
            yield from (Mark(note, *place) for place in _texts(of, within, key))
        else:
            yield Mark(note, within, key)
            yield from marks_in(of, within, key)
    elif origin in (typing.Union, types.UnionType):
        for each in arguments:
            yield from marks_in(each, within, key)
    elif origin is tuple and isinstance(value, list):
        for n in range(len(value)):
            yield from marks_in(arguments[0], value, n)
    elif isinstance(value, dict) and isinstance(origin, type) and issubclass(origin, Mapping):
        for name in value:
            yield from marks_in(arguments[1], value, name)
    elif isinstance(value, dict) and is_dataclass(kind):
        for name, of in hints_of(kind).items():
            if name in value:
                yield from marks_in(of, value, name)


def hints_of(record: Any) -> dict[str, Any]:
    return typing.get_type_hints(record, include_extras=True)


def _texts(kind: Any, within: Any, key: Any) -> Iterator[tuple[Any, Any]]:
    """Where the texts of a declared field stand."""
    value = within[key]
    if kind is Address:
        yield from ((value, part) for part in ("key", "text", "wire"))
    elif isinstance(value, list):
        for n in range(len(value)):
            yield from _texts(None, value, n)
    else:
        yield within, key


_MANY = "…"
"""Ends the name of columns of which there is one for each group or account."""


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of rows, by its name in ``docs/tables.md``. `at` is the pattern of its keys, partition and row. `record`
    is what it holds, as JSON or as columns, and `beside` what other columns tell of people. `secret` are fields that
    no export shows. `under_way` says what must end before a row is erased; `kept` what is left of it, and why."""

    table: str
    what: str
    at: str
    record: type | Columns[Any] | None = None
    beside: Mapping[str, Personal] = field(default_factory=dict)
    secret: tuple[str, ...] = ()
    under_way: Callable[[Row], str | None] = lambda row: None
    kept: str | None = None

    def marks(self, row: Row) -> Iterator[Mark]:
        """Where a row, with its records as JSON values, tells of people."""
        for name, note in self.beside.items():
            start, is_many = name.removesuffix(_MANY), name.endswith(_MANY)
            columns = [c for c in row if c == name or (is_many and c.startswith(start))]
            yield from (Mark(note, row, c, is_many and note.says is Says.WHO) for c in columns)
        if isinstance(self.record, Columns):
            for name, of in hints_of(self.record.kind).items():
                # An address takes three columns.
                columns = [f"Address{part}" for part in ("Key", "Text", "Wire")] if name == "address" else []
                yield from (Mark(of.__metadata__[0], row, column) for column in columns if column in row)
                if (column := self.record.names.get(name)) in row:
                    yield from marks_in(of, row, column)
        elif self.record is not None and "Record" in row:
            yield from marks_in(self.record, row, "Record")


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


def _key_of(role: str) -> dict[str, Personal]:
    return {"RowKey": Personal(role, says=Says.WHO)}


_TRACE = "who did something for the organization may be asked for, and not by name"
_ACCOUNT, _HOLDER, _CREATOR = "whose account it is", "who has it", "who set the app up"

KINDS: tuple[Kind, ...] = (
    Kind(
        INVITATIONS,
        "an invitation",
        ".*/i-.*",
        INVITATION_COLUMNS,
        under_way=_invitation,
        kept="that somebody was invited to this group, when, who asked and how it ended: the counts of imports and "
        "the answer to who let guests in rest on it",
    ),
    Kind(INVITATIONS, "a guard", ".*/a-.*", beside=_key_of(GUEST)),
    # The digest is of a whole request, with its message: nobody is found by it.
    Kind(INVITATIONS, "an idempotency key", ".*/k-.*"),
    Kind(INVITATIONS, "a chunk of an import that has not ended", ".*/o-.*"),
    Kind(INVITATIONS, "counters of an import", ".*/c-.*"),
    Kind(INVITATIONS, "the last day of a membership", ".*/x-.*", beside=_key_of(GUEST)),
    Kind(OPEN_CHUNKS, "a chunk that has not ended", ".*"),
    # Messages hold ids of records, and nothing of a person.
    Kind(REMINDERS, "messages to send later", "(waiting|held|parked)/.*"),
    Kind(REMINDERS, "work that has not ended", ".*"),
    Kind(TENANT, "the last sweep that looked at everything", ".*/gauges"),
    Kind(TENANT, "the breaker", ".*/breaker"),
    Kind(TENANT, "the stop", ".*/stop", Stop),
    # Not a person's, and no way to one: whoever has it still has to try addresses out.
    Kind(TENANT, "the key of the logs", ".*/log-key"),
    Kind(TENANT, "the last sweep", ".*/sweep"),
    Kind(TENANT, "the last message that came back through a queue", ".*/round-trip"),
    Kind(TENANT, "what was taken of a day", "days/.*", beside=_key_of("who invited")),
    Kind(TENANT, "the pace of imports", ".*/imports", ImportPace),
    Kind(TENANT, "a lane's clock", "pace/.*"),
    Kind(IMPORTS, "an import", ".*/import", IMPORT_COLUMNS, under_way=_import, kept=_TRACE),
    Kind(IMPORTS, "how far the file of an import was read", ".*/progress", PROGRESS_COLUMNS),
    Kind(IMPORTS, "whether an import's guests may be let into a group", f".*/{ADMISSION}.*", Admission),
    # The digest is of the caller, the group and a key that callers choose.
    Kind(IMPORTS, "the import that a key stands for", "keys/.*"),
    Kind(IMPORTS, "an import in an index", ".*"),
    Kind(SETUPS, "a setup that has not ended", "open/.*"),
    Kind(
        SETUPS,
        "a setup's plan",
        ".*/plan",
        SetupPlan,
        {
            "CreatorId": Personal(_CREATOR, Redaction.PSEUDONYM, Says.USER),
            "CreatorName": Personal(_CREATOR, Redaction.ERASED, Says.NAME),
        },
        kept=_TRACE,
    ),
    Kind(SETUPS, "a step of a setup", ".*/step-.*", StepRecord, kept=_TRACE),
    Kind(
        APPS,
        "an app that is set up",
        "apps/.*",
        AppRecord,
        kept="the app, without the person: whether somebody else owns it or decides is for an administrator to see",
    ),
    Kind(APPS, "what a person confirmed", "confirmations/.*", Confirmation, kept=_TRACE),
    Kind(APPS, "something that is made only once", "intents/.*"),
    Kind(AUDITS, "how far audits have read the directory", "position/.*", Checkpoint),
    Kind(AUDITS, "an audit", "audits/.*", Audit, kept=_TRACE),
    Kind(AUDITS, "remedies that are being carried out", "open-plans/.*"),
    Kind(AUDITS, "when a mail was last sent", "sent/.*", beside=_key_of("who got it")),
    Kind(AUDITS, "a task of an audit", ".*/k-.*", Task),
    Kind(AUDITS, "a finding", ".*/f-.*", Finding),
    Kind(AUDITS, "what a part of an audit counted", ".*/t-.*"),
    Kind(AUDITS, "what an audit means to do in an app", ".*/p-.*", Plan, kept=_TRACE),
    Kind(AUDITS, "one remedy for one guest", ".*/r-.*", RemedyAction, under_way=_action),
    Kind(
        SNAPSHOT,
        "an account as audits know it",
        "accounts/.*",
        beside={
            "RowKey": Personal(_ACCOUNT, says=Says.USER),
            "Address": Personal(_ACCOUNT, says=Says.ADDRESS),
            "Name": Personal(_ACCOUNT, says=Says.NAME),
            **dict.fromkeys(
                (
                    *("Seen", "Gone", "IsGuest", "IsGroup", "OtherAddresses", "Accepted", "AcceptedAt", "CreatedAt"),
                    *("Enabled", "Member…", "Did…", "Motion…", "Late…", "Inactive", "Counted"),
                ),
                Personal(_ACCOUNT),
            ),
            "Twins": Personal("who shares an address", Redaction.GONE, Says.WHO),
        },
    ),
    Kind(
        SNAPSHOT,
        "who has an address",
        "addresses/.*",
        beside=_key_of(_HOLDER) | {"Has…": Personal(_HOLDER, Redaction.GONE, Says.WHO)},
    ),
    Kind(SNAPSHOT, "when an account is to be looked at", "due/.*", beside=_key_of(_ACCOUNT)),
    Kind(SNAPSHOT, "an account that an audit looks at", "touched-.*", beside=_key_of(_ACCOUNT)),
    Kind(
        CHANGE_LOG,
        "a change",
        ".*",
        ChangeLogEntry,
        kept="that a membership or an account was changed, when, how and by which rule: an administrator answers "
        "for it",
    ),
    # The key is a digest of group and address; the rows of the index are closed by the sweeper.
    Kind(REQUESTS, "a join request that has not ended", "open/.*"),
    # Forgotten when an hour has passed since the last mail.
    Kind(REQUESTS, "what mail somebody who decides is due", "digests/.*", Digest, _key_of(DECIDERS)),
    # Digests of address, source or group: forgotten when their window ends, after a day at most.
    Kind(REQUESTS, "how often something was asked", "counts/.*"),
    Kind(
        REQUESTS,
        "a join request",
        ".*",
        JoinRequest,
        secret=("Record.code", "Record.again.code"),
        under_way=_request,
        kept=_TRACE,
    ),
    # Who a case is about stands in it while it is worked on, and only then.
    Kind(PEOPLE, "an export or an erasure", ".*", SubjectRequest, kept=_TRACE),
)
TABLES = tuple(dict.fromkeys(kind.table for kind in KINDS))


def kind_of(table: str, partition: str, key: str) -> Kind | None:
    """None for a row of a kind that this code does not know."""
    return next((k for k in KINDS if k.table == table and re.fullmatch(k.at, f"{partition}/{key}")), None)
