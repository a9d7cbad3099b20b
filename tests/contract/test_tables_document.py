"""docs/tables.md tells of the columns that are written, with rows that the code can read."""

import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.audits.model.records import TOTAL, Audit, Checkpoint, Finding, Phase, Plan, PlanState, RemedyAction, Task
from shared.audits.rows.audits import AUDITS, TableAuditStore, TableRemedyStore
from shared.audits.rows.snapshot import SNAPSHOT, TableSnapshot
from shared.core.addresses import parse_address
from shared.core.audit_rules import Remedy, Rule
from shared.core.checks import Confirmation
from shared.core.csv.dialect import detect
from shared.core.directory import MemberChange, UserChange, UserFacts
from shared.core.ids import (
    AppId,
    AuditId,
    GroupId,
    ImportId,
    InvitationId,
    SubjectRequestId,
    UserId,
    chunk_id,
    new_id,
)
from shared.core.records import ChangeLogEntry, Stop
from shared.core.versions import Versioned
from shared.diagnostics.storage_health import StorageHealth
from shared.imports.model.imports import Admission, Import, Progress, Target
from shared.imports.rows import ADMISSION, IMPORTS, TableImportStore
from shared.invitations.model.invitations import State
from shared.invitations.rows.invitations import from_row, to_row
from shared.invitations.rows.store import TABLES, TableStore
from shared.membership.model.accounts import ExpectedMembership
from shared.membership.ports import OwnAction
from shared.messages.commands import InviteChunk
from shared.messages.outbox import QueueOutbox
from shared.pace.import_pace import Limits
from shared.pace.pacing import Breaker, DayLimit
from shared.people.model import SubjectRequest, SubjectRequestKind
from shared.people.rows.cases import PEOPLE, TableSubjectRequests
from shared.requests.model import Digest, Limit
from shared.requests.rows import REQUESTS, TableRequestStore
from shared.setup.rows import APPS, SETUPS, TableSetupStore
from shared.storage.change_log import CHANGE_LOG, TableChangeLog
from shared.storage.key import TableKey
from shared.storage.reminders import REMINDERS, TableReminders
from tests.builders import NOW, OWNER
from tests.contract.test_open_work import OLD, write_old
from tests.contract.test_request_store import pending
from tests.contract.test_setup_store import a_setup, an_app
from tests.contract.test_storage_faults import PACE
from tests.contract.test_store import chunk_of, claimed

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "tables.md").read_text()
_SECTION = re.compile(r"^### Row `([^`]*)`: (.+)$", re.MULTILINE)
_COLUMN = re.compile(r"^\| `(\w+)` \| `([^`]*)` \|", re.MULTILINE)


def documented() -> dict[str, dict[str, str]]:
    """Columns and example values of each kind of row, by what the document calls it."""
    parts = _SECTION.split(DOCUMENT)[1:]
    return {name: dict(_COLUMN.findall(text)) for name, text in zip(parts[1::3], parts[2::3], strict=True)}


def value(text: str) -> Any:
    return json.loads(text) if text in ("true", "false") or text.isdecimal() else text


def kind_of(table: str, row: dict[str, Any]) -> str:
    if table == IMPORTS:
        kinds = {"import": "an import", "progress": "how far the file of an import was read"}
        if row["PartitionKey"] == "keys":
            return "the import that a key stands for"
        if row["RowKey"].startswith(ADMISSION):
            return "whether an import's guests may be let into a group"
        return kinds.get(row["RowKey"], "an import in an index")
    if table == SETUPS:
        whole = {"open": "a setup that has not ended"}.get(row["PartitionKey"])
        return whole or ("a setup's plan" if row["RowKey"] == "plan" else "a step of a setup")
    if table == APPS:
        return {
            "apps": "an app that is set up",
            "confirmations": "what a person confirmed",
            "intents": "something that is made only once",
        }[row["PartitionKey"]]
    if table == REQUESTS:
        return {
            "open": "a join request that has not ended",
            "counts": "how often something was asked",
            "digests": "what mail somebody who decides is due",
        }.get(row["PartitionKey"], "a join request")
    if table == CHANGE_LOG:
        return "a change"
    if table == PEOPLE:
        return "an export or an erasure"
    if table == SNAPSHOT:
        kinds = {"accounts": "an account as audits know it", "addresses": "who has an address"}
        kinds["due"] = "when an account is to be looked at"
        return kinds.get(row["PartitionKey"], "an account that an audit looks at")
    if table == AUDITS:
        return {
            "position": "how far audits have read the directory",
            "audits": "an audit",
            "open-plans": "remedies that are being carried out",
            "sent": "when a mail was last sent",
        }.get(row["PartitionKey"]) or {
            "k-": "a task of an audit",
            "f-": "a finding",
            "t-": "what a part of an audit counted",
            "p-": "what an audit means to do in an app",
            "r-": "one remedy for one guest",
        }[row["RowKey"][:2]]
    if table == "Invitations":
        return {
            "i-": "an invitation",
            "a-": "a guard",
            "k-": "an idempotency key",
            "o-": "a chunk of an import that has not ended",
            "c-": "counters of an import",
            "x-": "the last day of a membership",
        }[row["RowKey"][:2]]
    if table == "OpenChunks":
        return "a chunk that has not ended"
    if table == "Reminders":
        return "work that has not ended" if row["PartitionKey"].startswith("open-") else "messages to send later"
    if row["PartitionKey"] == "days":
        return "what was taken of a day"
    if row["RowKey"] == "imports":
        return "the pace of imports"
    return {
        "breaker": "the breaker",
        "stop": "the stop",
        "log-key": "the key of the logs",
        "gauges": "the last sweep that looked at everything",
        "sweep": "the last sweep",
        "round-trip": "the last message that came back through a queue",
    }.get(row["RowKey"], "a lane's clock")


async def test_the_documented_columns_are_those_that_are_written(
    tables: TableServiceClient, queues: QueueServiceClient
) -> None:
    store, group = TableStore(tables), GroupId(str(uuid.uuid4()))
    full = from_row({column: value(text) for column, text in documented()["an invitation"].items()})
    assert not [f.name for f in fields(full) if getattr(full, f.name) is None], "the example leaves a column out"
    held = await claimed(store, group)
    [invitation] = chunk_of(group)
    await store.accept([replace(full, id=invitation.id, state=State.PARKED)], held)
    await store.claim_key(group, "pending", "body", now=NOW, lease=PACE.time, kept=PACE.time)
    await store.open_chunks.open((group, invitation.id.chunk), NOW)
    breaker = await store.read_breaker()
    await store.write_breaker(replace(breaker, value=Breaker(NOW, NOW, "blocked")))
    stop = await store.read_stop()
    await store.write_stop(replace(stop, value=Stop(True, NOW, OWNER, "Olivia", "odd")))
    await store.reserve("invitations", PACE, 1, NOW)
    await TableKey(tables).of_logs()
    heartbeats = StorageHealth(tables, queues)
    await heartbeats.note_sweep(NOW)
    await heartbeats.note_whole_sweep(NOW)
    await heartbeats.note_return(datetime.now(UTC), NOW)
    await QueueOutbox(queues, TableReminders(tables)).send(InviteChunk(group, invitation.id.chunk))
    await write_setups(TableSetupStore(tables))

    await TableReminders(tables).wait("{}", NOW)
    for table in OLD:
        await write_old(tables, table)

    written: dict[str, set[str]] = {}
    await write_imports(store, TableImportStore(tables), group)
    await write_requests(TableRequestStore(tables), group)
    await write_audits(tables, group)
    case = SubjectRequest(
        SubjectRequestId(new_id(NOW, uuid.uuid4().hex[:10])), SubjectRequestKind.EXPORT, "Adam", NOW, True, ""
    )
    await TableSubjectRequests(tables).save(Versioned(case, None), NOW)
    for table in (*TABLES, SETUPS, APPS, IMPORTS, REQUESTS, AUDITS, SNAPSHOT, CHANGE_LOG, PEOPLE, REMINDERS):
        async for row in tables.get_table_client(table).list_entities():
            written.setdefault(kind_of(table, row), set()).update(_without_ids(row))

    assert written == {name: _without_ids(columns) for name, columns in documented().items()}
    there = await store.read_breaker()
    await store.write_breaker(Versioned(Breaker(), there.version))
    await store.write_stop(Versioned(Stop(), (await store.read_stop()).version))


def _without_ids(columns: Iterable[str]) -> set[str]:
    """Columns of which there is one for each group, account or invitation stand for all of them."""
    return {re.sub("[0-9a-f]{32}(_[0-9a-z_]+)?$", "…", column) for column in columns}


async def write_audits(tables: TableServiceClient, group: GroupId) -> None:
    audits, snapshot = TableAuditStore(tables), TableSnapshot(tables)
    audit, app, user = AuditId(new_id(NOW, uuid.uuid4().hex[:10])), AppId(str(uuid.uuid4())), OWNER
    position = await audits.read_position()
    await audits.write_position(replace(position, value=Checkpoint()))
    await audits.save(Versioned(Audit(audit, NOW, "the timer"), None))
    await audits.add_tasks(audit, [Task(Phase.READING, "users")])
    await audits.write_totals(audit, TOTAL, {"guests": 1})
    await audits.write_findings(audit, [Finding(Rule.EXPIRED, user, group, app, "Ada", "", NOW)])
    remedies = TableRemedyStore(tables)
    await remedies.save_plan(Versioned(Plan(audit, app, group, "App", PlanState.HELD, 1, 1, NOW, "policy"), None))
    await remedies.add_actions(audit, app, [RemedyAction(Remedy.REMOVE, Rule.EXPIRED, user, "Ada", None, "")])
    await remedies.open((audit, app), NOW)
    assert await remedies.take_turn(f"told_{app}_{user}", audit, NOW, None)
    facts = UserFacts(is_guest=True, name="Ada", address="a@b.c", other_addresses=(), accepted=True, enabled=True)
    facts |= UserFacts(accepted_at=NOW, created_at=NOW)
    await snapshot.note_users(audit, [UserChange(user, facts)])
    await snapshot.note_members(audit, [MemberChange(group, user, is_group=True)])
    await snapshot.record_actions(
        audit, [OwnAction(user, group, None), OwnAction(user, group, ExpectedMembership(True, NOW))]
    )
    await snapshot.mark_inactive(audit, {user: NOW})
    await snapshot.mark_last_days(audit, group, {user: NOW.date()})
    await snapshot.mark_twins(audit, {user: {user}})
    await snapshot.note_counted(audit, {user: ({}, {})})
    await snapshot.touch(audit, [user])
    await snapshot.write_due({user: NOW})
    entry = ChangeLogEntry(uuid.uuid4().hex, NOW, "Adam", "remove", user, "Ada", group, app, "in", "out")
    await TableChangeLog(tables).add([entry])


async def write_imports(store: TableStore, imports: TableImportStore, group: GroupId) -> None:
    import_id = ImportId(new_id(NOW, uuid.uuid4().hex[:10]))
    await store.take_positions(Limits(PACE, PACE), [1], import_id, NOW)
    await store.take_of_day({"tenant": DayLimit(1, 1)}, 1, NOW)
    [row] = chunk_of(group)
    row_id = InvitationId(group, chunk_id(import_id, 0, 0), 0)
    of_file = replace(row, id=row_id, import_id=import_id, line=7, address=parse_address("by-hand@fabrikam.com"))
    await store.accept_import([of_file], {}, NOW)
    [there] = await store.read_chunk(group, row_id.chunk)
    await store.save([replace(there, value=replace(of_file, state=State.MEMBER))], before=[of_file])
    by_hand = replace(of_file, id=chunk_of(group)[0].id, import_id=None, line=None)
    await store.accept([by_hand], None)
    dialect = detect(b"address\na@fabrikam.com\n")
    record = Import(import_id, group, "f.csv", 9, dialect, OWNER, "Olivia", False, NOW, "d", finished_at=NOW)
    record = replace(record, why="Who asked for this may not do it any more", resumer=OWNER, resumer_name="Olivia")
    await imports.create(record, Progress(dialect.start, wakes_at=NOW, why="the tenant's pace", made_until=NOW))
    await imports.save_admission(
        import_id, group, Versioned(Admission("1", NOW, Target("App", "https://link")), None)
    )
    await imports.open(import_id, NOW)
    await imports.name(uuid.uuid4().hex, import_id)


async def write_requests(store: TableRequestStore, group: GroupId) -> None:
    request = pending(group)
    await store.open((group, request.id), NOW)
    await store.save(Versioned(request, None))
    await store.count_up(group, Limit(1, PACE.time), NOW)
    await store.save_digest(Versioned(Digest(UserId(str(uuid.uuid4()))), None), NOW)


async def write_setups(store: TableSetupStore) -> None:
    setup = a_setup()
    await store.create(setup)
    await store.open(setup.id, NOW)
    await store.save_app(Versioned(an_app(), None))
    await store.write_confirmation("self-service-groups", Confirmation(OWNER, "Adam", NOW))
    intent = await store.take_intent(setup.id, now=NOW, claim=PACE.time)
    assert intent is not None
    await store.finish_intent(intent, "made")


def test_the_documented_invitation_is_the_row_that_the_code_would_write() -> None:
    row = {column: value(text) for column, text in documented()["an invitation"].items()}

    assert to_row(from_row(row)) == row
