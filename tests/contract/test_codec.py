"""Messages as bytes: what was ever written can be read, and what is none of ours is called so."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.queues.codec import UnreadableMessage, decode_command, encode_command, read_traceparent
from shared.adapters.tables.rows import from_row
from shared.domain.applications import AppId
from shared.domain.audits.records import AuditId
from shared.domain.commands import (
    Command,
    FulfilRequest,
    ImportChunk,
    InviteChunk,
    JoinChunk,
    MailChunk,
    MailDigest,
    MailRequest,
    PutRight,
    RoundTrip,
    RunAudit,
    RunSetupStep,
    SearchPerson,
    SplitImport,
    TakeApart,
    UndoImport,
)
from shared.domain.ids import ChunkId, GroupId, UserId
from shared.domain.import_ids import ImportId
from shared.domain.invitations import State
from shared.domain.people import CaseId
from shared.domain.reasons import Reason
from shared.domain.requests import RequestId
from shared.domain.setup.order import SetupStep
from shared.domain.setup.records import SetupId

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "v1"
GROUP = GroupId("22222222-2222-4222-8222-222222222222")
CHUNK = ChunkId("fe62a1b2c3d40123456789")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
AS_WRITTEN: dict[str, Command] = {
    "message-invite-chunk": InviteChunk(GROUP, CHUNK),
    "message-invite-chunk-later": InviteChunk(GROUP, CHUNK, 3, datetime(2026, 3, 2, 9, 0, 30, 250000, tzinfo=UTC)),
    "message-join-chunk": JoinChunk(GROUP, CHUNK, 1),
    "message-mail-chunk": MailChunk(GROUP, CHUNK),
    "message-import-chunk": ImportChunk(GROUP, CHUNK, 2, datetime(2026, 3, 2, 9, 0, 30, 250000, tzinfo=UTC)),
    "message-import-chunk-position": ImportChunk(GROUP, CHUNK, 2, position=1240.5),
    "message-import-chunk-revived": ImportChunk(GROUP, CHUNK, 2, revived=3),
    "message-split-import": SplitImport(ImportId("fe62a1b2c3d40123456789"), 7, 1),
    "message-undo-import": UndoImport(ImportId("fe62a1b2c3d40123456789"), GROUP, CHUNK, 3),
    "message-setup-step": RunSetupStep(SetupId("5e7a00000000000000000a"), SetupStep.SINGLE_SIGN_ON, 4),
    "message-mail-request": MailRequest(
        GROUP, RequestId("0123456789abcdef012345"), 2, datetime(2026, 3, 2, 9, 0, 12, tzinfo=UTC)
    ),
    "message-mail-request-turn": MailRequest(
        GROUP, RequestId("0123456789abcdef012345"), 2, datetime(2026, 3, 2, 9, 0, 12, tzinfo=UTC), turn=True
    ),
    "message-mail-digest": MailDigest(
        UserId("11111111-1111-4111-8111-111111111111"), 1, datetime(2026, 3, 2, 9, 0, 12, tzinfo=UTC)
    ),
    "message-fulfil-request": FulfilRequest(GROUP, RequestId("0123456789abcdef012345"), 1),
    "message-audit-task": RunAudit(AuditId("fe62a1b2c3d40123456789"), "members-0", 2),
    "message-put-right": PutRight(
        AuditId("fe62a1b2c3d40123456789"), AppId("55555555-5555-4555-8555-555555555555"), True
    ),
    "message-search-person": SearchPerson(CaseId("fe62a1b2c3d40123456789"), 1),
    "message-round-trip": RoundTrip(datetime(2026, 3, 2, 9, 0, 0, 250000, tzinfo=UTC)),
    "message-take-apart": TakeApart(AppId("55555555-5555-4555-8555-555555555555")),
}
BODY = {"v": 1, "kind": "invite-chunk", "group": GROUP, "chunk": CHUNK}


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("message-*.json")), ids=lambda p: p.stem)
def test_a_message_of_version_1_is_read_for_ever(path: Path) -> None:
    assert decode_command(path.read_bytes()) == AS_WRITTEN[path.stem]
    assert read_traceparent(path.read_bytes()) == TRACE


def test_every_kind_of_message_has_its_sample() -> None:
    assert {p.stem for p in SAMPLES.glob("message-*.json")} == set(AS_WRITTEN)


def test_a_row_of_version_1_is_read_for_ever() -> None:
    first = from_row(json.loads((SAMPLES / "row-invitation-accepted.json").read_text()))
    last = from_row(json.loads((SAMPLES / "row-invitation-failed-mail.json").read_text()))

    assert (first.state, first.address.key, first.message) == (State.ACCEPTED, "ada@fabrikam.com", None)
    assert (last.state, last.reason, last.id.position) == (State.MEMBER, Reason.MAIL_NOT_SENT, 19)
    assert last.updated_at == datetime(2026, 3, 2, 9, 5, 1, 2, tzinfo=UTC)


ids = st.builds(lambda n: ChunkId(f"{n:022x}"), st.integers(0, 16**22 - 1))
commands = st.builds(
    lambda kind, chunk, attempt, slot: kind(GROUP, chunk, attempt, slot),
    st.sampled_from([InviteChunk, JoinChunk, MailChunk, ImportChunk]),
    ids,
    st.integers(0, 10**6),
    st.none() | st.datetimes(timezones=st.just(UTC)),
) | st.builds(RunSetupStep, ids.map(SetupId), st.sampled_from(SetupStep), st.integers(0, 10**6))


@settings(deadline=None)
@given(command=commands, trace=st.none() | st.text(max_size=80))
def test_any_command_comes_back_from_its_bytes(command: Command, trace: str | None) -> None:
    body = encode_command(command, trace)

    assert decode_command(body) == command
    assert read_traceparent(body) == trace


def test_a_message_tells_nothing_but_ids() -> None:
    body = json.loads(encode_command(InviteChunk(GROUP, CHUNK, 2), TRACE))

    assert body == {**BODY, "attempt": 2, "traceparent": TRACE}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"v": 2}, "version 2"),
        ({"v": 2, "kind": {"now": "an object"}, "chunk": None}, "version 2"),
        ({"kind": "dance"}, "dance"),
        ({"group": "not a guid"}, "group"),
        ({"chunk": "../x"}, "chunk"),
        ({"attempt": -1}, "attempt"),
        ({"slot": "2026-03-02T09:00:00"}, "slot"),
        ({"slot": "soon"}, "slot"),
    ],
)
def test_a_message_of_another_shape_is_unreadable_and_says_why(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UnreadableMessage, match=says):
        decode_command(json.dumps(BODY | changes).encode())


def test_the_trace_of_a_newer_message_can_be_read() -> None:
    assert read_traceparent(json.dumps({"v": 2, "traceparent": TRACE}).encode()) == TRACE


@settings(deadline=None)
@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda j: json.dumps(j).encode()))
def test_anything_else_is_unreadable_and_nothing_worse(body: bytes) -> None:
    assert read_traceparent(body) is None
    with pytest.raises(UnreadableMessage):
        decode_command(body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b""])
def test_hostile_bytes_are_unreadable_and_nothing_worse(body: bytes) -> None:
    assert read_traceparent(body) is None
    with pytest.raises(UnreadableMessage):
        decode_command(body)
