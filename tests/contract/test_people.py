"""Export and erasure of a person's data, on the bytes of a real storage account."""

import asyncio
import dataclasses
import types
import typing
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import Any

import msgspec
import pytest

from local.azurite import Azurite
from shared.audits.model.records import Checkpoint, Finding
from shared.core.addresses import parse_address
from shared.core.audit_rules import Rule
from shared.core.csv.dialect import detect
from shared.core.directory import DirectoryUser
from shared.core.errors import Refused
from shared.core.ids import AuditId, GroupId, SubjectRequestId, UserId
from shared.core.personal import People, Personal
from shared.core.reasons import Reason
from shared.core.records import Stop
from shared.imports.read_rows import read_piece
from shared.invitations.model.invitations import State
from shared.messages.commands import SearchPersonalData
from shared.people.model import KEPT, RETENTION_ONCE_FETCHED, Phase, SubjectRequestKind, SubjectRequestState
from shared.people.rows.tables import KINDS, Kind, kind_of
from shared.requests.model import RequestState, request_id
from shared.storage.files import Container
from shared.storage.records import Columns
from tests.builders import NOW, a_caller
from tests.contract.audit_world import Death, Killed
from tests.contract.person_world import ADMIN, RULES, Account, PersonWorld, Somebody, is_over
from tests.contract.test_tables_document import _without_ids, documented
from tests.contract.test_tables_document import kind_of as documented_kind

NOBODYS: dict[str, set[str]] = {
    "an invitation": {"AppName", "DirectLink"},
    "a guard": {"ImportId", "InvitationId", "Line"},
    "an idempotency key": {"BodyDigest", "ClaimId", "CreatedAt", "InvitationId", "LeaseUntil"},
    "a chunk of an import that has not ended": {"LookAt"},
    "counters of an import": {"Counts", "UpdatedAt"},
    "the last day of a membership": {"Expires"},
    "a chunk that has not ended": {"Chunk", "Group", "LookAt"},
    "work that has not ended": {"LookAt"},
    "messages to send later": {"Due", "Messages"},
    "the last sweep that looked at everything": {"MeasuredAt"},
    "the breaker": {"Detail", "OpenSince", "ProbeAt"},
    "the stop": {"Record.reason"},
    "the key of the logs": {"Key"},
    "the last sweep": {"At"},
    "the last message that came back through a queue": {"ArrivedAt", "SentAt"},
    "what was taken of a day": {"ActiveDays", "Day", "Taken"},
    "a lane's clock": {"FreeAt", "Taken"},
    "an import": {
        "Dialect.delimiter",
        "Dialect.encoding",
        "Dialect.headings[]",
        "Dialect.notes[]",
        "Dialect.start",
        "Digest",
        "FileName",
        "PausedFor",
    },
    "how far the file of an import was read": {
        "Cursor",
        "Targets.*.app_name",
        "Targets.*.direct_link",
        "Targets.*.policies[].allowed_domains[]",
        "Targets.*.policies[].blocked_domains[]",
        "Why",
    },
    "whether an import's guests may be let into a group": {
        "Record.target.app_name",
        "Record.target.direct_link",
        "Record.target.policies[].allowed_domains[]",
        "Record.target.policies[].blocked_domains[]",
        "Record.version",
    },
    "the import that a key stands for": {"ImportId"},
    "an import in an index": {"LookAt"},
    "a setup that has not ended": {"LookAt"},
    "a setup's plan": {
        "CreatedAt",
        "Digest",
        "Record.app.name",
        "Record.app.template",
        "Record.app_role",
        "Record.group.description",
        "Record.group.name",
        "Record.policy.allowed_domains[]",
        "Record.policy.blocked_domains[]",
        "Record.saml.identifiers[]",
        "Record.saml.reply_urls[]",
        "Record.saml.sign_on_url",
    },
    "a step of a setup": {
        "Record.checks[].check",
        "Record.found.app.name",
        "Record.found.group.name",
        "Record.found.role.id",
        "Record.found.role.name",
        "Record.found.role.value",
        "Record.intends[]",
        "Record.task.key",
        "Record.task.link",
        "Record.task.title",
        "State",
    },
    "an app that is set up": {
        "GroupId",
        "Record.group_name",
        "Record.inviters[]",
        "Record.name",
        "Record.policy.allowed_domains[]",
        "Record.policy.blocked_domains[]",
        "Record.templates[].name",
        "Record.templates[].text",
    },
    "something that is made only once": {"ClaimedUntil", "Result", "Since"},
    "how far audits have read the directory": {"Record.sets[].link", "Record.users"},
    "an audit": {"Record.detail", "Record.sets[].link"},
    "remedies that are being carried out": {"LookAt"},
    "when a mail was last sent": {"At", "Audit"},
    "a task of an audit": {"Record.cursor", "Record.name"},
    "a finding": {"AppId", "GroupId", "Record.app_name", "Record.group_name", "Rule", "Severity"},
    "what a part of an audit counted": {"Part00"},
    "what an audit means to do in an app": {"Record.app_name", "Record.detail"},
    "one remedy for one guest": {
        "Record.after",
        "Record.before",
        "Record.finding",
        "Record.handle",
        "Record.request_id",
        "State",
    },
    "a change": {"Record.after", "Record.audit", "Record.before", "Record.key", "Record.rule", "Record.what"},
    "a join request that has not ended": {"LookAt"},
    "what mail somebody who decides is due": {"LookAt", "Record.mail_handle"},
    "how often something was asked": {"Count"},
    "a join request": {"Record.app_name", "State"},
    "an export or an erasure": {
        "LookAt",
        "Record.given.addresses[]",
        "Record.given.names[]",
        "Record.given.users[]",
        "Record.known.addresses[]",
        "Record.known.names[]",
        "Record.known.users[]",
        "Record.mentions[]",
        "Record.place",
        "Record.stand_in",
        "Record.under_way[]",
        "Record.why",
    },
}
"""Texts and columns that tell of nobody: a field more is declared on its record, or stands here."""


@pytest.fixture(scope="module")
def own_azurite() -> Iterator[Azurite]:
    """All of it is looked through: an account that other tests write to would be another one each time."""
    with Azurite.start() as running:
        yield running


@pytest.fixture
async def account(own_azurite: Azurite) -> AsyncIterator[Account]:
    async with Account.of(own_azurite) as found:
        yield found
        await found.clear()


@pytest.fixture
def world(account: Account) -> PersonWorld:
    return PersonWorld(account)


@pytest.fixture
def ada() -> Somebody:
    """With an international domain: it is written in two ways."""
    return Somebody.called("ada", "bücher.example.com")


@pytest.fixture
def olivia() -> Somebody:
    return Somebody.called("olivia", "contoso.com")


# The table of what is kept


def leaves(kind: Any, path: str, *, declared: bool = False) -> Iterator[tuple[str, Any, bool]]:
    """Every field of a record, by path, with its type, and whether it or what it lies in is declared."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        declared |= isinstance(arguments[1], Personal | People)
        yield from leaves(arguments[0], path, declared=declared)
    elif origin in (typing.Union, types.UnionType):
        for each in arguments:
            if each is not type(None):
                yield from leaves(each, path, declared=declared)
    elif origin is not None and issubclass(origin, Mapping):
        yield from leaves(arguments[1], f"{path}.*", declared=declared)
    elif origin in (tuple, list, frozenset):
        yield from leaves(arguments[0], f"{path}[]", declared=declared)
    elif dataclasses.is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        for name, of in typing.get_type_hints(kind, include_extras=True).items():
            yield from leaves(of, f"{path}.{name}", declared=declared)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for each in msgspec.structs.fields(kind):
            yield from leaves(each.type, f"{path}.{each.encode_name}", declared=declared)
    else:
        yield path, kind, declared


def may_tell(kind: Any) -> bool:
    """Times, numbers, choices and ids of things tell of nobody by themselves; accounts and texts may."""
    if isinstance(kind, typing.NewType):
        return kind is UserId
    return not (isinstance(kind, type) and issubclass(kind, int | float | date | timedelta | Enum))


def columns_of(kind: Kind) -> Iterator[tuple[str, Any, bool]]:
    """What a kind of rows has: the fields of its record, and its other columns."""
    columns = _without_ids(documented()[kind.what]) - {"PartitionKey", "RowKey", "SchemaVersion"}
    if isinstance(kind.record, Columns):
        hints = typing.get_type_hints(kind.record.kind, include_extras=True)
        for name, column in kind.record.names.items():
            yield from leaves(hints[name], column)
        columns -= set(kind.record.names.values())
        if "address" in hints.keys() - kind.record.names.keys():
            # It takes three columns.
            columns -= {f"Address{part.title()}" for part in ("key", "text", "wire")}
            yield from leaves(hints["address"], "Address")
    elif kind.record is not None:
        yield from leaves(kind.record, "Record")
        columns -= {"Record"}
    yield from ((column, str, column in kind.beside) for column in columns)


def forgotten(kind: Kind) -> set[str]:
    nobodys = NOBODYS.get(kind.what, set())
    return {
        leaf
        for leaf, of, is_declared in columns_of(kind)
        if may_tell(of) and not is_declared and not any(covers(path, leaf) for path in nobodys)
    }


def covers(path: str, leaf: str) -> bool:
    return leaf == path or leaf.startswith((f"{path}.", f"{path}["))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.what)
def test_what_may_tell_of_somebody_is_declared_or_told_to_be_nobodys(kind: Kind) -> None:
    fields = {leaf: is_declared for leaf, _, is_declared in columns_of(kind)}
    nobodys = NOBODYS.get(kind.what, set())

    assert forgotten(kind) == set(), "forgotten"
    told = kind.beside.keys() - {"RowKey"} | nobodys
    assert {path for path in told if not any(covers(path, leaf) for leaf in fields)} == set(), (
        "there is no such field"
    )
    assert not {leaf for leaf, is_declared in fields.items() if is_declared and leaf in nobodys}


@dataclass(frozen=True)
class _More(Stop):
    """A record with fields that were forgotten."""

    who_asked: UserId | None = None
    also: tuple[DirectoryUser, ...] = ()


def test_a_field_that_is_forgotten_is_found() -> None:
    [stop] = [k for k in KINDS if k.what == "the stop"]

    found = forgotten(replace(stop, record=_More))

    assert found == {"Record.who_asked", "Record.also[].id", "Record.also[].name"}


def test_every_kind_of_row_is_in_the_table() -> None:
    assert {k.what for k in KINDS} == set(documented())
    for kind in KINDS:
        columns = documented()[kind.what]
        assert kind_of(kind.table, columns["PartitionKey"], columns["RowKey"]) is kind


# Export


async def test_an_export_has_all_that_is_kept_of_a_guest_and_nothing_of_others(
    world: PersonWorld, ada: Somebody, olivia: Somebody
) -> None:
    await world.plant(ada, olivia)
    mentioned = set(await world.account.that_mention(ada))
    asked = await world.people.begin(SubjectRequestKind.EXPORT, ada.address.text, None, ADMIN)
    await world.work()

    case, [whom], parts = await world.people.show(SubjectRequestKind.EXPORT, asked.id, ADMIN)

    found = [each for part in parts for each in part]
    assert case.state is SubjectRequestState.DONE
    assert set(whom["addresses"]) == {ada.address.key, ada.address.text.lower()}
    assert whom["userIds"] == [ada.user]
    rows = {
        f"{e['where']} {e['fields']['PartitionKey']} {e['fields']['RowKey']}"
        for e in found
        if "RowKey" in e["fields"]
    }
    files = {f"imports {e['fields']['Import']}.csv" for e in found if "Import" in e["fields"]}
    assert mentioned <= rows | files
    assert not [e for e in found if any(text in str(e).lower() for text in olivia.texts)], "somebody else's data"
    assert {"an invitation", "a guard", "the last day of a membership", "a join request"} <= {
        e["what"] for e in found
    }
    assert "0" * 32 not in str(found), "the secret of a link"
    invited = next(e for e in found if e["what"] == "an invitation")
    assert (invited["fields"]["DisplayName"], invited["fields"]["Message"]) == (ada.name, ada.message)
    assert case.given == case.known, "whom it was about is forgotten"
    assert not [k for k in await world.account.that_mention(ada) if k.startswith("People")]


def place_of(record: dict[str, Any]) -> str:
    fields = record["fields"]
    if "Import" in fields:
        return f"imports {fields['Import']}.csv"
    return f"{record['where']} {fields['PartitionKey']} {fields['RowKey']}"


async def test_an_export_of_an_owner_tells_of_no_guest(world: PersonWorld, ada: Somebody, olivia: Somebody) -> None:
    await world.plant(ada, olivia)
    asked = await world.people.begin(SubjectRequestKind.EXPORT, olivia.address.text, olivia.user, ADMIN)
    await world.work()

    _, _, parts = await world.people.show(SubjectRequestKind.EXPORT, asked.id, ADMIN)

    found = [each for part in parts for each in part]
    roles = {e["role"] for e in found}
    assert {"who invited", "an owner", "who decided", "who did it", "who began it", "who imported"} <= roles
    assert not [e for e in found if any(text in str(e).lower() for text in ada.texts - {ada.user})]


async def test_an_export_is_deleted_an_hour_after_it_was_fetched_and_a_day_after_it_was_not(
    world: PersonWorld, ada: Somebody, olivia: Somebody
) -> None:
    await world.plant_a_little(ada, olivia)
    fetched = await world.people.begin(SubjectRequestKind.EXPORT, ada.address.text, None, ADMIN)
    left = await world.people.begin(SubjectRequestKind.EXPORT, ada.address.text, None, ADMIN)
    await world.work()
    await world.people.show(SubjectRequestKind.EXPORT, fetched.id, ADMIN)

    world.clock.advance(RETENTION_ONCE_FETCHED + timedelta(minutes=1))
    await world.sweep()
    assert await world.exports.read(fetched.id, "") == []
    assert (await world.case(fetched.id)).state is SubjectRequestState.GONE
    assert await world.exports.read(left.id, "") != []
    world.clock.advance(KEPT)
    assert (await world.people.show(SubjectRequestKind.EXPORT, left.id, ADMIN))[2] == [], (
        "it is late, whether it was swept or not"
    )
    await world.sweep()
    assert await world.exports.read(left.id, "") == []


# Erasure


async def test_nothing_of_a_guest_is_left_and_nothing_of_anybody_else_is_touched(
    world: PersonWorld, ada: Somebody, olivia: Somebody
) -> None:
    bob, oscar = Somebody.called("bob"), Somebody.called("oscar", "contoso.com")
    await world.plant(ada, olivia)
    await world.plant(bob, oscar)
    exported = await world.people.begin(SubjectRequestKind.EXPORT, ada.address.text, None, ADMIN)
    await world.work()
    before = await world.account.everything()
    of_ada = set(await world.account.that_mention(ada))
    assert [k for k in of_ada if str(exported.id) in k]

    case = await world.erase(ada)

    assert case.state is SubjectRequestState.DONE
    assert await world.account.that_mention(ada) == {}
    after = await world.account.everything()
    gone_by_key = {k for k in before if k not in after}
    assert {k: v for k, v in after.items() if k in before and before[k] != v}.keys() <= of_ada
    # Digests and nothing but them: the guard, the last day, the address of the mirror.
    assert all(k in of_ada or " a-" in k or " x-" in k or k.startswith("Mirror addresses") for k in gone_by_key)
    assert {k for k in after if k not in before} == {f"People cases {case.id}"}
    assert case.found["Invitations|an invitation|the guest"] == 3
    assert case.found["files of imports|a row of a file|the guest"] == 1


async def test_nothing_of_an_owner_is_left_and_guests_stay(
    world: PersonWorld, ada: Somebody, olivia: Somebody
) -> None:
    group = await world.plant(ada, olivia)

    case = await world.erase_user(olivia)

    assert case.state is SubjectRequestState.DONE
    assert await world.account.that_mention(olivia) == {}
    rows = (await world.store.list_group(group, state=None, continuation=None, limit=10)).invitations
    assert {r.address.key for r in rows} == {ada.address.key}
    assert len({r.inviter_id for r in rows}) == 1, "what one person did can still be told to be one person's"
    [app] = await world.setups.list_apps(group)
    assert [p.name for p in app.owners] == ["Oscar Other"]
    assert app.policy.approvers == ()
    [setup] = [s for s in await world.setups.list_all() if s.id == app.setup]
    assert setup.plan.owners == ("oscar@contoso.com",)
    request = await world.requests.read(group, request_id(group, ada.address))
    assert request is not None
    assert request.value.decided_by_name == "erased"


async def test_what_is_left_of_an_invitation_is_read_as_one(
    world: PersonWorld, ada: Somebody, olivia: Somebody
) -> None:
    group = await world.plant(ada, olivia)
    await world.erase(ada)

    page = await world.store.list_group(group, state=None, continuation=None, limit=10)

    assert {i.address.text for i in page.invitations} == {"erased"}
    assert {i.state for i in page.invitations} == {State.MAILED, State.FAILED}
    assert all(i.is_final for i in page.invitations)
    assert {i.inviter_name for i in page.invitations} == {olivia.name}
    # The same address may be invited again.
    await world.store.accept([world.invitation(ada, olivia, group, state=State.ACCEPTED)], None)


async def test_a_rehearsal_changes_nothing_and_says_whom_it_is_about(
    world: PersonWorld, ada: Somebody, olivia: Somebody
) -> None:
    await world.plant(ada, olivia)
    before = await world.account.that_mention(ada)

    case = await world.erase(ada, confirmed=False)

    now = await world.account.that_mention(ada)
    assert {k: v for k, v in now.items() if not k.startswith("exports")} == before
    _, [whom], _ = await world.people.show(SubjectRequestKind.ERASURE, case.id, ADMIN)
    assert whom["userIds"] == [ada.user]
    assert case.found["Trail|a change|whom it was done to"] == 1


async def test_nothing_is_changed_where_an_invitation_is_under_way(
    world: PersonWorld, ada: Somebody, olivia: Somebody
) -> None:
    group = await world.plant_a_little(ada, olivia)
    waiting = world.invitation(ada, olivia, group, state=State.PARKED)
    await world.store.accept([waiting], None)
    before = await world.account.that_mention(ada)

    case = await world.erase(ada)

    assert case.state is SubjectRequestState.REFUSED
    assert case.under_way == (f"invitation {waiting.id}",)
    assert await world.account.that_mention(ada) == before


@pytest.mark.parametrize("what", ["import", "join request"])
async def test_nothing_is_changed_while_something_else_is_under_way(
    world: PersonWorld, ada: Somebody, olivia: Somebody, what: str
) -> None:
    group = GroupId(str(uuid.uuid4()))
    if what == "import":
        await world.plant_import([ada], olivia, group, ended=False)
    else:
        await world.plant_request(ada, olivia, group, state=RequestState.APPROVED)
    before = await world.account.that_mention(ada)

    case = await world.erase(ada)

    assert case.state is SubjectRequestState.REFUSED
    assert [w for w in case.under_way if w.startswith(what)]
    assert await world.account.that_mention(ada) == before


async def test_what_begins_after_the_look_is_waited_for(world: PersonWorld, ada: Somebody, olivia: Somebody) -> None:
    group = await world.plant_a_little(ada, olivia)
    asked = await world.people.begin(SubjectRequestKind.ERASURE, ada.address.text, None, ADMIN, confirmed=True)
    await world.work(until=lambda case: case.phase is Phase.ERASE)
    late = world.invitation(ada, olivia, group, state=State.ACCEPTED)
    await world.store.accept([late], None)
    await world.work(until=lambda case: case.why is not None)
    assert (await world.case(asked.id)).why == f"under way: invitation {late.id}"
    [row] = await world.store.read_chunk(group, late.id.chunk)
    await world.store.save([replace(row, value=replace(row.value, state=State.MAILED))])

    await world.work()

    assert (await world.case(asked.id)).state is SubjectRequestState.DONE
    assert await world.account.that_mention(ada) == {}


async def test_what_somebody_writes_who_had_read_it_before_is_erased_as_well(
    world: PersonWorld, ada: Somebody, olivia: Somebody
) -> None:
    await world.plant_a_little(ada, olivia)
    asked = await world.people.begin(SubjectRequestKind.ERASURE, ada.address.text, None, ADMIN, confirmed=True)
    await world.work(until=lambda case: case.phase is Phase.CHECK)
    assert await world.account.that_mention(ada) != {}, "the case itself knows whom it is about until its end"
    finding = Finding(Rule.EXPIRED, ada.user, None, None, ada.name, "", NOW, ada.address.wire)
    await world.audits.write_findings(AuditId(world.new_id()), [finding])

    await world.work()

    assert (await world.case(asked.id)).state is SubjectRequestState.DONE
    assert await world.account.that_mention(ada) == {}


async def test_an_audit_that_runs_is_waited_for(world: PersonWorld, ada: Somebody, olivia: Somebody) -> None:
    await world.plant_a_little(ada, olivia)
    position = await world.audits.read_position()
    await world.audits.write_position(replace(position, value=Checkpoint(running=AuditId("a"))))
    asked = await world.people.begin(SubjectRequestKind.ERASURE, ada.address.text, None, ADMIN, confirmed=True)

    await world.work(until=lambda case: case.why is not None)

    assert (await world.case(asked.id)).why == "an audit is running"
    position = await world.audits.read_position()
    await world.audits.write_position(replace(position, value=Checkpoint()))
    await world.work()
    assert await world.account.that_mention(ada) == {}


async def test_words_of_others_are_left_and_told(world: PersonWorld, ada: Somebody, olivia: Somebody) -> None:
    group, bob = GroupId(str(uuid.uuid4())), Somebody.called("bob")
    invitation = world.invitation(bob, olivia, group, message=f"ask {ada.address.text} about it")
    await world.store.accept([invitation], None)

    case = await world.erase(ada)

    [left] = await world.account.that_mention(ada)
    assert case.mentions == (left,)


async def test_an_address_that_only_ends_or_begins_so_is_somebody_elses(world: PersonWorld, olivia: Somebody) -> None:
    mine, group = Somebody.called("ada"), GroupId(str(uuid.uuid4()))
    others = [parse_address(f"x{mine.address.key}"), parse_address(f"{mine.address.key}.au")]
    rows = [world.invitation(replace(Somebody.called("eve"), address=a), olivia, group) for a in others]
    for row in rows:
        await world.store.accept([row], None)

    case = await world.erase(mine)

    assert case.found == {}
    assert case.mentions == ()


# Files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
async def test_a_file_without_a_guest_has_all_other_rows_where_they_were(
    world: PersonWorld, ada: Somebody, olivia: Somebody, encoding: str
) -> None:
    guests = [Somebody.called("anna"), ada, Somebody.called("bob"), Somebody.called("cem")]
    import_id = await world.plant_import(guests, olivia, GroupId(str(uuid.uuid4())), encoding=encoding)
    stored = await world.imports.read(import_id)
    assert stored is not None
    record = stored.record.value
    before = await read_piece(world.files, record, record.dialect.start, 9, RULES)

    await world.erase(ada)

    after = await read_piece(world.files, record, record.dialect.start, 9, RULES)
    assert (after.bad, after.rows, after.cursor) == (before.bad, before.rows, before.cursor)
    [[first, erased, *rest]] = after.windows
    assert [first, *rest] == [row for row in before.windows[0] if row.address != ada.address]
    assert (erased.address.text, erased.line, erased.group) == ("erased", before.windows[0][1].line, first.group)
    assert (erased.display_name, erased.message) == (None, None)
    assert await world.account.that_mention(ada) == {}


async def test_a_row_that_could_not_be_used_stays_one(world: PersonWorld, ada: Somebody, olivia: Somebody) -> None:
    group = GroupId(str(uuid.uuid4()))
    import_id = await world.plant_import([ada], olivia, group)
    name = ada.address.text
    content = (
        f'address,name,expires\nb@fabrikam.com,Bob,\n{name},{ada.name},01/02/2026\n{name},"{ada.name}"x,\n'.encode()
    )
    await world.files.write(import_id, content)
    stored = await world.imports.read(import_id)
    assert stored is not None
    record = replace(stored.record.value, dialect=detect(content), size=len(content))
    await world.imports.save(replace(stored.record, value=record))

    await world.erase(ada)

    piece = await read_piece(world.files, record, record.dialect.start, 9, RULES)
    assert ([b.line for b in piece.bad], [r.address.text for w in piece.windows for r in w]) == (
        [3, 4],
        ["b@fabrikam.com"],
    )
    assert await world.account.that_mention(ada) == {}


# Deaths, and many at once


async def test_an_erasure_whose_every_delivery_dies_after_one_write_comes_to_the_same_end(
    world: PersonWorld, ada: Somebody, olivia: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.plant(ada, olivia)
    await world.exports.write(SubjectRequestId(world.new_id()), "person", [ada.address.key])
    await world.plant_import([ada], olivia, GroupId(str(uuid.uuid4())))
    asked = await world.people.begin(SubjectRequestKind.ERASURE, ada.address.text, None, ADMIN, confirmed=True)
    death, deaths = Death(0), 0
    death.at_every_write(monkeypatch)
    for owner, name in ((Container, "patch"), (Container, "delete")):
        monkeypatch.setattr(owner, name, _mortal(death, getattr(owner, name)))

    while world.outbox.sent:
        command, not_before = world.outbox.sent[0]
        assert isinstance(command, SearchPersonalData)
        world.clock.time = max(world.clock.time, not_before or world.clock.time)
        # Each goes on where the one before died: every two writes have a death between them.
        death.left = 2
        try:
            await world.deliver(command)
        except Killed:
            deaths += 1
            continue
        world.outbox.sent.pop(0)

    assert deaths > 10
    assert (await world.case(asked.id)).state is SubjectRequestState.DONE
    assert await world.account.that_mention(ada) == {}


def _mortal(death: Death, write: Any) -> Any:
    async def run(*given: Any) -> Any:
        death._live()
        return await write(*given)

    return run


async def test_two_erasures_of_one_person_and_two_deliveries_of_each_come_to_the_same_end(
    world: PersonWorld, ada: Somebody, olivia: Somebody
) -> None:
    await world.plant_a_little(ada, olivia)
    cases = [
        await world.people.begin(SubjectRequestKind.ERASURE, ada.address.text, None, ADMIN, confirmed=True)
        for _ in range(2)
    ]

    for _ in range(200):
        if all([is_over(await world.case(case.id)) for case in cases]):
            break
        waiting = world.outbox.sent[:]
        world.outbox.sent.clear()
        if not waiting:  # All deliveries lost to others: the sweeper sets going what stands still.
            world.clock.advance(world.timing.stall_timeout * 2)
            assert await world.sweep()
            continue
        world.clock.time = max([world.clock.time, *(at for _, at in waiting if at is not None)])
        await asyncio.gather(*(world.deliver(command) for command, _ in waiting * 2))  # type: ignore[arg-type]

    assert {(await world.case(case.id)).state for case in cases} == {SubjectRequestState.DONE}
    assert await world.account.that_mention(ada) == {}


async def test_what_was_taken_and_not_sent_is_set_going_by_the_sweeper(world: PersonWorld, ada: Somebody) -> None:
    world.outbox.fails = True
    asked = await world.people.begin(SubjectRequestKind.ERASURE, ada.address.text, None, ADMIN, confirmed=True)
    world.outbox.fails = False
    world.clock.advance(world.timing.stall_timeout + timedelta(seconds=1))

    assert await world.sweep() == 1

    await world.work()
    assert (await world.case(asked.id)).state is SubjectRequestState.DONE


# Asking


async def test_only_administrators_ask_and_only_for_somebody(world: PersonWorld) -> None:
    with pytest.raises(Refused) as nobody:
        await world.people.begin(SubjectRequestKind.EXPORT, None, None, ADMIN)
    with pytest.raises(Refused) as stranger:
        await world.people.begin(SubjectRequestKind.EXPORT, "ada@fabrikam.com", None, a_caller())
    with pytest.raises(Refused) as nonsense:
        await world.people.begin(SubjectRequestKind.ERASURE, "ada", None, ADMIN, confirmed=True)
    with pytest.raises(Refused) as unknown:
        await world.people.show(SubjectRequestKind.EXPORT, SubjectRequestId("0" * 22), ADMIN)

    reasons = [r.value.reason for r in (nobody, stranger, nonsense, unknown)]
    assert reasons == [Reason.BODY_INVALID, Reason.NOT_ADMIN, Reason.ADDRESS_INVALID, Reason.CASE_MISSING]
    assert world.outbox.sent == []


async def test_rows_that_are_planted_are_of_the_kinds_that_the_document_names(
    world: PersonWorld, ada: Somebody, olivia: Somebody
) -> None:
    await world.plant(ada, olivia)
    async for table in world.account.tables.list_tables():
        async for row in world.account.tables.get_table_client(table.name).list_entities():
            kind = kind_of(table.name, row["PartitionKey"], row["RowKey"])
            assert kind is not None
            assert kind.what == documented_kind(table.name, row)
