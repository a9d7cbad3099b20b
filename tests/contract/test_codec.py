"""Messages as bytes: what was ever written can be read, and what is none of ours is called so."""

import json
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NewType, TypeAliasType, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.ids import AppId, AuditId, ChunkId, GroupId, ImportId, RequestId, SetupId, SubjectRequestId, UserId
from shared.core.reasons import Reason
from shared.invitations.model.invitations import State
from shared.invitations.rows.invitations import from_row
from shared.messages import commands as domain_commands
from shared.messages.commands import (
    ApplyRemedies,
    ChunkCommand,
    Command,
    FulfilRequest,
    ImportChunk,
    InviteChunk,
    JoinChunk,
    MailChunk,
    MailDigest,
    MailRequest,
    RemoveApp,
    RoundTrip,
    RunAudit,
    RunSetupStep,
    SearchPersonalData,
    SetupStep,
    SplitImport,
    UndoImport,
)
from shared.messages.registry import MESSAGES, STORED_AS, Messages, Route, UnreadableMessage, read_traceparent

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "v1"
GROUP = GroupId("22222222-2222-4222-8222-222222222222")
CHUNK = ChunkId("fe62a1b2c3d40123456789")
SLOT = datetime(2026, 3, 2, 9, 0, 30, 250000, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
AS_WRITTEN: dict[str, Command] = {
    "message-invite-chunk": InviteChunk(GROUP, CHUNK),
    "message-invite-chunk-later": InviteChunk(GROUP, CHUNK, SLOT, attempt=3),
    "message-invite-chunk-revived": InviteChunk(GROUP, CHUNK, SLOT, attempt=3, redrives=2),
    "message-join-chunk": JoinChunk(GROUP, CHUNK, attempt=1),
    "message-join-chunk-revived": JoinChunk(GROUP, CHUNK, SLOT, attempt=3, redrives=2),
    "message-mail-chunk": MailChunk(GROUP, CHUNK),
    "message-mail-chunk-revived": MailChunk(GROUP, CHUNK, SLOT, attempt=3, redrives=2),
    "message-import-chunk": ImportChunk(GROUP, CHUNK, SLOT, attempt=2),
    "message-import-chunk-position": ImportChunk(GROUP, CHUNK, attempt=2, position=1240.5),
    "message-import-chunk-revived": ImportChunk(GROUP, CHUNK, attempt=2, redrives=3),
    "message-split-import": SplitImport(ImportId("fe62a1b2c3d40123456789"), 7, attempt=1),
    "message-undo-import": UndoImport(ImportId("fe62a1b2c3d40123456789"), GROUP, CHUNK, attempt=3),
    "message-setup-step": RunSetupStep(SetupId("5e7a00000000000000000a"), SetupStep.SINGLE_SIGN_ON, attempt=4),
    "message-mail-request": MailRequest(
        GROUP, RequestId("0123456789abcdef012345"), datetime(2026, 3, 2, 9, 0, 12, tzinfo=UTC), attempt=2
    ),
    "message-mail-request-turn": MailRequest(
        GROUP, RequestId("0123456789abcdef012345"), datetime(2026, 3, 2, 9, 0, 12, tzinfo=UTC), turn=True, attempt=2
    ),
    "message-mail-digest": MailDigest(
        UserId("11111111-1111-4111-8111-111111111111"), datetime(2026, 3, 2, 9, 0, 12, tzinfo=UTC), attempt=1
    ),
    "message-fulfil-request": FulfilRequest(GROUP, RequestId("0123456789abcdef012345"), attempt=1),
    "message-audit-task": RunAudit(AuditId("fe62a1b2c3d40123456789"), "members-0", attempt=2),
    "message-put-right": ApplyRemedies(
        AuditId("fe62a1b2c3d40123456789"), AppId("55555555-5555-4555-8555-555555555555"), True
    ),
    "message-put-right-later": ApplyRemedies(
        AuditId("fe62a1b2c3d40123456789"), AppId("55555555-5555-4555-8555-555555555555"), attempt=2
    ),
    "message-search-person": SearchPersonalData(SubjectRequestId("fe62a1b2c3d40123456789"), attempt=1),
    "message-round-trip": RoundTrip(datetime(2026, 3, 2, 9, 0, 0, 250000, tzinfo=UTC)),
    "message-round-trip-later": RoundTrip(datetime(2026, 3, 2, 9, 0, 0, 250000, tzinfo=UTC), attempt=1),
    "message-take-apart": RemoveApp(AppId("55555555-5555-4555-8555-555555555555")),
    "message-take-apart-later": RemoveApp(AppId("55555555-5555-4555-8555-555555555555"), attempt=2),
}
BODY = {"v": 1, "kind": "invite-chunk", "group": GROUP, "chunk": CHUNK}


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("message-*.json")), ids=lambda p: p.stem)
def test_a_message_of_version_1_is_read_for_ever(path: Path) -> None:
    assert MESSAGES.decode(path.read_bytes()) == AS_WRITTEN[path.stem]
    assert read_traceparent(path.read_bytes()) == TRACE


def without_sample(messages: Messages) -> set[tuple[str, str]]:
    """Kinds and their fields, as they are stored, that no sample has."""
    samples = [json.loads(path.read_bytes()) for path in SAMPLES.glob("message-*.json")]
    known = {(sample["kind"], name) for sample in samples for name in sample}
    of_code = [(r.kind, STORED_AS.get(f.name, f.name)) for r in messages.routes for f in fields(r.command)]
    return set(of_code) - known


def test_every_field_of_every_kind_of_message_is_in_a_sample_and_every_sample_is_read() -> None:
    assert without_sample(MESSAGES) == set()
    assert {p.stem for p in SAMPLES.glob("message-*.json")} == set(AS_WRITTEN)


def test_a_row_of_version_1_is_read_for_ever() -> None:
    first = from_row(json.loads((SAMPLES / "row-invitation-accepted.json").read_text()))
    last = from_row(json.loads((SAMPLES / "row-invitation-failed-mail.json").read_text()))

    assert (first.state, first.address.key, first.message) == (State.ACCEPTED, "ada@fabrikam.com", None)
    assert (last.state, last.reason, last.id.position) == (State.MEMBER, Reason.MAIL_NOT_SENT, 19)
    assert last.updated_at == datetime(2026, 3, 2, 9, 5, 1, 2, tzinfo=UTC)


def values(hint: Any, *meta: msgspec.Meta) -> st.SearchStrategy[Any]:
    """All that a field of this type may hold."""
    if isinstance(hint, TypeAliasType):
        return values(hint.__value__, *meta)
    if isinstance(hint, NewType):
        return values(hint.__supertype__, *meta)
    if get_origin(hint) is Annotated:
        return values(hint.__origin__, *meta, *hint.__metadata__)
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*(values(each) for each in get_args(hint)))
    if hint is str:
        [pattern] = [m.pattern for m in meta if m.pattern]
        return st.from_regex(pattern, fullmatch=True).map(lambda text: text.removesuffix("\n"))
    if hint is int:
        return st.integers(min((int(m.ge) for m in meta if m.ge is not None), default=-(2**53)), 2**53)
    if hint is datetime:
        return st.datetimes(timezones=st.just(UTC))
    if hint is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    return st.from_type(hint)


def commands(route: Route[Any]) -> st.SearchStrategy[Command]:
    """All that a route may carry, by the types of its command."""
    hints = get_type_hints(route.command, include_extras=True)
    return st.builds(route.command, **{f.name: values(hints[f.name]) for f in fields(route.command)})


def comes_back(messages: Messages, route: Route[Any]) -> None:
    """Raises AssertionError where a command is not read as it was written."""

    @settings(deadline=None)
    @given(command=commands(route), trace=st.none() | st.text(max_size=80))
    def check(command: Command, trace: str | None) -> None:
        body = messages.encode(command, trace)

        assert messages.decode(body) == command
        assert read_traceparent(body) == trace
        assert messages.queue_of(command) in route.queues

    check()


@pytest.mark.parametrize("route", MESSAGES.routes, ids=lambda route: route.kind)
def test_any_command_comes_back_from_its_bytes(route: Route[Any]) -> None:
    comes_back(MESSAGES, route)


def test_every_command_is_in_the_registry_and_none_has_a_field_that_every_message_has() -> None:
    written = {c for c in vars(domain_commands).values() if isinstance(c, type) and issubclass(c, Command)}

    assert written - {Command, ChunkCommand} == {route.command for route in MESSAGES.routes}
    assert {f.name for route in MESSAGES.routes for f in fields(route.command)} & {
        "v",
        "kind",
        "traceparent",
    } == set()


def test_a_message_tells_nothing_but_ids() -> None:
    body = json.loads(MESSAGES.encode(InviteChunk(GROUP, CHUNK, attempt=2), TRACE))

    assert body == {**BODY, "attempt": 2, "traceparent": TRACE}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"v": 2}, "version 2"),
        ({"v": 2, "kind": {"now": "an object"}, "chunk": None}, "version 2"),
        ({"kind": "dance"}, "dance"),
        ({"kind": {"now": "an object"}}, "now"),
        ({"group": "not a guid"}, "group"),
        ({"chunk": "../x"}, "chunk"),
        ({"attempt": -1}, "attempt"),
        ({"slot": "2026-03-02T09:00:00"}, "slot"),
        ({"slot": "soon"}, "slot"),
    ],
)
def test_a_message_of_another_shape_is_unreadable_and_says_why(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UnreadableMessage, match=says):
        MESSAGES.decode(json.dumps(BODY | changes).encode())


def test_the_trace_of_a_newer_message_can_be_read() -> None:
    assert read_traceparent(json.dumps({"v": 2, "traceparent": TRACE}).encode()) == TRACE


@settings(deadline=None)
@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda j: json.dumps(j).encode()))
def test_anything_else_is_unreadable_and_nothing_worse(body: bytes) -> None:
    assert read_traceparent(body) is None
    with pytest.raises(UnreadableMessage):
        MESSAGES.decode(body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b""])
def test_hostile_bytes_are_unreadable_and_nothing_worse(body: bytes) -> None:
    assert read_traceparent(body) is None
    with pytest.raises(UnreadableMessage):
        MESSAGES.decode(body)
