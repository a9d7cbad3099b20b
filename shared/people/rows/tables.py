"""What tables tell of people: for each kind of row what it holds, whom that tells of, and what erasure makes of it.

Records declare that on their fields (`shared.core.personal`); what stands beside them, in keys and in columns of
their own, is declared here. Fields go by path: `Record.owners[]` is each of a list, `Targets.*` each value of a
mapping, and `Has…` columns of which there is one for each account. A field that is declared tells for all that lies
below it.
"""

import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import cached_property
from typing import Annotated, Any

from shared.audits.model.findings import Finding
from shared.audits.model.records import Audit, Checkpoint, Task
from shared.audits.model.remedies import Plan, RemedyAction
from shared.audits.rows.audits import AUDITS
from shared.audits.rows.snapshot import SNAPSHOT
from shared.core.addresses import Address
from shared.core.change_log import ChangeLogEntry
from shared.core.checks import Confirmation
from shared.core.personal import DECIDERS, GUEST, People, Personal, Redaction, Says
from shared.core.stop import Stop
from shared.imports.model.imports import Admission
from shared.imports.rows import ADMISSION, IMPORT_COLUMNS, IMPORTS, PROGRESS_COLUMNS
from shared.invitations.rows.invitations import INVITATION_COLUMNS, from_row
from shared.invitations.rows.open_chunks import OPEN_CHUNKS
from shared.invitations.rows.store import INVITATIONS
from shared.membership.model.apps import AppRecord
from shared.pace.import_pace import ImportPace
from shared.people.model import SubjectRequest
from shared.people.rows.cases import PEOPLE
from shared.requests.model.digests import Digest
from shared.requests.model.requests import JoinRequest
from shared.requests.rows import REQUESTS
from shared.setup.model.plan import SetupPlan
from shared.setup.model.records import StepRecord
from shared.setup.rows import APPS, SETUPS
from shared.storage.change_log import CHANGE_LOG
from shared.storage.key import TENANT
from shared.storage.records import Columns
from shared.storage.reminders import REMINDERS
from shared.storage.table import Row

JSON = ("Record", "Targets")
"""Columns that hold a record."""


@dataclass(frozen=True, slots=True)
class Role:
    """One person that a row tells of.

    `by` are the fields that name them, of which one is enough. `redaction` says what erasure puts in the place of
    each field that tells of them. With `delete_row` the whole row is deleted instead, and `fields` are theirs. With
    `element` those of a list go, and `by` is within them. `address`, `user` and `name` are fields by which the
    person can be told elsewhere.
    """

    who: str
    by: tuple[str, ...] = ()
    redaction: Mapping[str, Redaction] = field(default_factory=dict)
    delete_row: bool = False
    fields: tuple[str, ...] = ()
    element: str | None = None
    address: str | None = None
    user: str | None = None
    name: str | None = None


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of rows, by its name in ``docs/tables.md``. `fits` knows it by its keys. `record` is what it holds, as
    JSON or as columns, and `beside` what other columns tell of people. `secret` are fields that no export shows.
    `under_way` says what must end before a row is erased; `kept` what is left of it, and why."""

    table: str
    what: str
    fits: Callable[[str, str], bool]
    record: type | Columns[Any] | None = None
    beside: Mapping[str, Personal] = field(default_factory=dict)
    secret: tuple[str, ...] = ()
    under_way: Callable[[Row], str | None] = lambda row: None
    kept: str | None = None

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        of_record = _of_columns(self.record) if isinstance(self.record, Columns) else declared(self.record, "Record")
        return _roles([*self.beside.items(), *of_record])


def declared(kind: Any, path: str) -> Iterator[tuple[str, Personal | People]]:
    """What the fields of a type declare, by path."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        kind, note = arguments
        if isinstance(note, Personal):
            yield from ((each, note) for each in _texts(kind, path))
            return
        yield f"{path}[]", note
        yield from declared(kind, path)
    elif origin in (typing.Union, types.UnionType):
        for each in arguments:
            yield from declared(each, path)
    elif origin is not None and issubclass(origin, Mapping):
        yield from declared(arguments[1], f"{path}.*")
    elif origin is tuple:
        yield from declared(arguments[0], f"{path}[]")
    elif is_dataclass(kind):
        for name, of in typing.get_type_hints(kind, include_extras=True).items():
            yield from declared(of, f"{path}.{name}")


def _texts(kind: Any, path: str) -> Iterator[str]:
    """Where the texts of a declared field stand."""
    if kind is Address:
        yield from (f"{path}.{part}" for part in ("key", "text", "wire"))
    elif typing.get_origin(kind) is tuple:
        yield from _texts(typing.get_args(kind)[0], f"{path}[]")
    else:
        yield path


def _of_columns(columns: Columns[Any]) -> Iterator[tuple[str, Personal | People]]:
    for name, kind in typing.get_type_hints(columns.kind, include_extras=True).items():
        for path, note in declared(kind, columns.names.get(name, name)):
            # An address takes three columns.
            yield ("".join(part.title() for part in path.split(".")) if name == "address" else path), note


def _roles(fields: Iterable[tuple[str, Personal | People]]) -> tuple[Role, ...]:
    found: list[Role] = []
    lists: list[Role] = []
    grouped: dict[tuple[str, bool], dict[str, Personal]] = {}
    for path, note in fields:
        if isinstance(note, People):
            user, name = ("id", "name") if note.named else (None, None)
            lists.append(Role(note.role, ("id",) if note.by_id else (), element=path, user=user, name=name))
        else:
            # Columns that are named after somebody are each one person's.
            grouped.setdefault((note.role, path.endswith("…") and note.says is Says.WHO), {})[path] = note
    for (who, _), notes in grouped.items():
        said = {says: [path for path, note in notes.items() if note.says is says] for says in Says}
        redaction = {path: note.redaction for path, note in notes.items() if note.redaction}
        found.append(
            Role(
                who,
                (*said[Says.ADDRESS], *said[Says.USER], *said[Says.WHO]),
                redaction,
                delete_row=not redaction,
                fields=tuple(path for path in notes if path not in redaction),
                address=next(iter(said[Says.ADDRESS]), None),
                user=next(iter(said[Says.USER]), None),
                name=next(iter(said[Says.NAME]), None),
            )
        )
    return (*found, *lists)


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


def _key_of(role: str) -> dict[str, Personal]:
    return {"RowKey": Personal(role, says=Says.WHO)}


_TRACE = "who did something for the organization may be asked for, and not by name"
_ACCOUNT, _HOLDER, _CREATOR = "whose account it is", "who has it", "who set the app up"

KINDS: tuple[Kind, ...] = (
    Kind(
        INVITATIONS,
        "an invitation",
        _starts("i-"),
        INVITATION_COLUMNS,
        under_way=_invitation,
        kept="that somebody was invited to this group, when, by whom and how it ended: the counts of imports and "
        "the answer to who let guests in rest on it",
    ),
    Kind(INVITATIONS, "a guard", _starts("a-"), beside=_key_of(GUEST)),
    # The digest is of a whole request, with its message: nobody is found by it.
    Kind(INVITATIONS, "an idempotency key", _starts("k-")),
    Kind(INVITATIONS, "a chunk of an import that has not ended", _starts("o-")),
    Kind(INVITATIONS, "counters of an import", _starts("c-")),
    Kind(INVITATIONS, "the last day of a membership", _starts("x-"), beside=_key_of(GUEST)),
    Kind(OPEN_CHUNKS, "a chunk that has not ended", _any),
    # Messages hold ids of records, and nothing of a person.
    Kind(REMINDERS, "messages to send later", _in("waiting", "held", "parked")),
    Kind(REMINDERS, "work that has not ended", _any),
    Kind(TENANT, "the last sweep that looked at everything", _key("gauges")),
    Kind(TENANT, "the breaker", _key("breaker")),
    Kind(TENANT, "the stop", _key("stop"), Stop),
    # Not a person's, and no way to one: whoever has it still has to try addresses out.
    Kind(TENANT, "the key of the logs", _key("log-key")),
    Kind(TENANT, "the last sweep", _key("sweep")),
    Kind(TENANT, "the last message that came back through a queue", _key("round-trip")),
    Kind(TENANT, "what was taken of a day", _in("days"), beside=_key_of("who invited")),
    Kind(TENANT, "the pace of imports", _key("imports"), ImportPace),
    Kind(TENANT, "a lane's clock", _in("pace")),
    Kind(IMPORTS, "an import", _key("import"), IMPORT_COLUMNS, under_way=_import, kept=_TRACE),
    Kind(IMPORTS, "how far the file of an import was read", _key("progress"), PROGRESS_COLUMNS),
    Kind(IMPORTS, "whether an import's guests may be let into a group", _starts(ADMISSION), Admission),
    # The digest is of the caller, the group and a key that callers choose.
    Kind(IMPORTS, "the import that a key stands for", _in("keys")),
    Kind(IMPORTS, "an import in an index", _any),
    Kind(SETUPS, "a setup that has not ended", _in("open")),
    Kind(
        SETUPS,
        "a setup's plan",
        _key("plan"),
        SetupPlan,
        {
            "CreatorId": Personal(_CREATOR, Redaction.PSEUDONYM, Says.USER),
            "CreatorName": Personal(_CREATOR, Redaction.ERASED, Says.NAME),
        },
        kept=_TRACE,
    ),
    Kind(SETUPS, "a step of a setup", _starts("step-"), StepRecord, kept=_TRACE),
    Kind(
        APPS,
        "an app that is set up",
        _in("apps"),
        AppRecord,
        kept="the app, without the person: whether somebody else owns it or decides is for an administrator to see",
    ),
    Kind(APPS, "what a person confirmed", _in("confirmations"), Confirmation, kept=_TRACE),
    Kind(APPS, "something that is made only once", _in("intents")),
    Kind(AUDITS, "how far audits have read the directory", _in("position"), Checkpoint),
    Kind(AUDITS, "an audit", _in("audits"), Audit, kept=_TRACE),
    Kind(AUDITS, "remedies that are being carried out", _in("open-plans")),
    Kind(AUDITS, "when a mail was last sent", _in("sent"), beside=_key_of("who got it")),
    Kind(AUDITS, "a task of an audit", _starts("k-"), Task),
    Kind(AUDITS, "a finding", _starts("f-"), Finding),
    Kind(AUDITS, "what a part of an audit counted", _starts("t-")),
    Kind(AUDITS, "what an audit means to do in an app", _starts("p-"), Plan, kept=_TRACE),
    Kind(AUDITS, "one remedy for one guest", _starts("r-"), RemedyAction, under_way=_action),
    Kind(
        SNAPSHOT,
        "an account as audits know it",
        _in("accounts"),
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
        _in("addresses"),
        beside=_key_of(_HOLDER) | {"Has…": Personal(_HOLDER, Redaction.GONE, Says.WHO)},
    ),
    Kind(SNAPSHOT, "when an account is to be looked at", _in("due"), beside=_key_of(_ACCOUNT)),
    Kind(
        SNAPSHOT,
        "an account that an audit looks at",
        lambda partition, key: partition.startswith("touched-"),
        beside=_key_of(_ACCOUNT),
    ),
    Kind(
        CHANGE_LOG,
        "a change",
        _any,
        ChangeLogEntry,
        kept="that a membership or an account was changed, when, how and by which rule: an administrator answers "
        "for it",
    ),
    # The key is a digest of group and address; the rows of the index are closed by the sweeper.
    Kind(REQUESTS, "a join request that has not ended", _in("open")),
    # Forgotten when an hour has passed since the last mail.
    Kind(REQUESTS, "what somebody who decides is to be told", _in("digests"), Digest, _key_of(DECIDERS)),
    # Digests of address, source or group: forgotten when their window ends, after a day at most.
    Kind(REQUESTS, "how often something was asked", _in("counts")),
    Kind(
        REQUESTS,
        "a join request",
        _any,
        JoinRequest,
        secret=("Record.code", "Record.again.code"),
        under_way=_request,
        kept=_TRACE,
    ),
    # Whom a case is about stands in it while it is worked on, and only then.
    Kind(PEOPLE, "an export or an erasure", _any, SubjectRequest, kept=_TRACE),
)
TABLES = tuple(dict.fromkeys(kind.table for kind in KINDS))


def kind_of(table: str, partition: str, key: str) -> Kind | None:
    """None for a row of a kind that this code does not know."""
    return next((k for k in KINDS if k.table == table and k.fits(partition, key)), None)
