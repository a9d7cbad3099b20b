"""Names of the version before: each is taken, and noted; what is kept has the names that it always had."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.audits import schemas as audits
from shared.audits.model.records import ActionState, Phase
from shared.core import audit_rules
from shared.core.audit_rules import Remedy, Rule
from shared.core.errors import Refused
from shared.core.reasons import Reason
from shared.core.words import WORDS, word_of
from shared.http import deprecation
from shared.http.schemas import Body, decode
from shared.invitations.schemas import InvitationBody, decode_invitation
from shared.membership.model.apps import AuditPolicy
from shared.requests.model import RequestState
from tests.builders import GROUP

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "v1" / "audit-policy.json"
ADA: dict[str, Any] = {"address": "ada@fabrikam.com"}
TAKEN: list[tuple[type[Body], dict[str, Any], str, str, Any]] = [
    (InvitationBody, ADA, "sendAgain", "resend", True),
    (audits.Policy, {}, "carryOut", "autoApply", True),
    (audits.Policy, {}, "mostGuests", "maxGuests", 7),
    (audits.Policy, {}, "mostPercent", "maxPercent", 7),
    (audits.Policy, {}, "spareOthers", "skipGuestsWithOtherAccess", False),
    (audits.Policy, {}, "sendAgainAfterDays", "resendAfterDays", 7),
]


@pytest.fixture(autouse=True)
def noted() -> list[str]:
    """What the request at hand is noted to use."""
    return deprecation.begin()


def bodies() -> Iterator[type[Body]]:
    """Every body that a module of this test has loaded."""
    classes = [Body]
    while classes:
        yield (kind := classes.pop())
        classes += kind.__subclasses__()


def test_every_old_name_is_in_the_table() -> None:
    known = {(kind, old, new) for kind in bodies() for old, new in kind.old_names.items()}

    assert known == {(kind, old, new) for kind, _, old, new, _ in TAKEN}


@pytest.mark.parametrize(("kind", "more", "old", "new", "value"), TAKEN, ids=[row[2] for row in TAKEN])
def test_an_old_field_is_the_new_one(
    kind: type[Body], more: dict[str, Any], old: str, new: str, value: Any, noted: list[str]
) -> None:
    def read(**fields: Any) -> Body:
        return decode(kind, json.dumps(more | fields).encode())

    by_new = read(**{new: value})
    assert noted == []
    assert read(**{old: value}) == by_new != read()
    assert noted == [old]
    assert read(**{old: "nonsense", new: value}) == by_new


@pytest.mark.parametrize("remedy", Remedy)
def test_a_remedy_is_taken_by_either_name(remedy: Remedy, noted: list[str]) -> None:
    def read(name: str) -> AuditPolicy:
        return audits.decode_policy(json.dumps({"remedies": {"never-redeemed": name}}).encode())

    assert read(word_of(remedy)) == AuditPolicy(remedies={Rule.NEVER_REDEEMED: remedy})
    assert noted == []
    assert read(remedy.value) == read(word_of(remedy))
    assert noted == ([] if remedy.value == word_of(remedy) else [remedy.value])


@pytest.mark.parametrize("body", [b'{"remedies": {"no-owner": "judging"}}', b'{"most": 5}', b'{"carry_out": true}'])
def test_what_only_rows_know_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        audits.decode_policy(body)


def test_the_remedies_of_the_api_are_those_of_the_rules() -> None:
    assert {r.name: r.value for r in audits.Remedy} == {r.name: word_of(r) for r in audit_rules.Remedy}


def test_every_word_is_one_of_the_rows() -> None:
    stored = {member.value for kind in (Remedy, Phase, ActionState, RequestState) for member in kind}

    assert WORDS.keys() <= stored
    assert not stored & set(WORDS.values())


def test_a_policy_is_kept_under_the_names_that_it_always_had() -> None:
    policy = msgspec.json.decode(SAMPLE.read_bytes(), type=AuditPolicy)

    assert policy == AuditPolicy(
        remedies={
            Rule.EXPIRED: Remedy.REMOVE,
            Rule.NEVER_REDEEMED: Remedy.RESEND,
            Rule.ONE_OWNER: Remedy.NOTIFY_OWNER,
        },
        auto_apply=True,
        max_guests=7,
        max_percent=25,
        skip_guests_with_other_access=False,
        resend_after_days=30,
    )
    assert msgspec.json.encode(policy) == SAMPLE.read_bytes().strip()


@pytest.mark.parametrize("name", ["sendAgain", "resend"])
def test_a_repeat_after_the_update_is_the_same_request(name: str) -> None:
    """The digest is kept for as long as an idempotency key: this one is the version before's."""
    body = ADA | {"expires": "2027-01-01", name: True}

    taken = decode_invitation(GROUP, json.dumps(body).encode())

    assert taken.digest == "b3378d386587d5d68e46215a4065367de62615409497a3340f439ea4c66a3f2a"


@pytest.mark.parametrize("key", ["note", "carryOut", "resend", "apps"])
@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"a":', "}")])
def test_a_body_that_is_nested_too_deep_is_refused_as_one_that_cannot_be_read(
    key: str, open_: str, close: str
) -> None:
    bodies = [open_ * 20_000, f'{{"{key}": {open_ * 20_000}1{close * 20_000}}}']

    for body in bodies:
        for kind in (audits.Policy, InvitationBody):
            with pytest.raises(Refused) as caught:
                decode(kind, body.encode())
            assert caught.value.reason is Reason.BODY_INVALID
