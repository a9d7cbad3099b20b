"""One examination for every store of join requests: the one in memory, and the real one on Azurite."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.addresses import parse_address
from shared.core.errors import Conflict, Refused
from shared.core.ids import GroupId, InvitationId, RequestId, UserId
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.requests.model import Asked, Digest, JoinRequest, Limit, RequestMail, RequestState, request_id
from shared.requests.ports import RequestStore
from shared.requests.rows import TableRequestStore
from tests.builders import CHUNK, NOW, OWNER
from tests.fakes.request_store import FakeRequestStore


@pytest.fixture(params=["memory", "azurite"])
def store(request: pytest.FixtureRequest) -> RequestStore:
    return FakeRequestStore() if request.param == "memory" else TableRequestStore(request.getfixturevalue("tables"))


@pytest.fixture
def group() -> GroupId:
    return GroupId(str(uuid.uuid4()))


def a_request(group: GroupId, name: str = "ada", **changes: Any) -> JoinRequest:
    address = parse_address(f"{name}@fabrikam.com")
    facts: dict[str, Any] = {
        "id": request_id(group, address),
        "group": group,
        "address": address,
        "code": "0" * 32,
        "app_name": "Contoso Travel",
        "requested_at": NOW,
        "updated_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    return JoinRequest(**(facts | changes))


def pending(group: GroupId, name: str = "ada", **changes: Any) -> JoinRequest:
    return a_request(group, name, **({"state": RequestState.PENDING, "proven_at": NOW} | changes))


async def test_what_is_written_comes_back(store: RequestStore, group: GroupId) -> None:
    full = a_request(
        group,
        state=RequestState.FAILED,
        display_name="Ada",
        reason_given="Please",
        language="de",
        proven_at=NOW,
        decided_at=NOW,
        decided_by=OWNER,
        decided_by_name="Olivia",
        note="Welcome",
        invitation=InvitationId(group, CHUNK, 3),
        reason=Reason.DOMAIN_BLOCKED,
        detail="blocked",
        mail=RequestMail.DECLINED,
        mails=2,
        mail_handle="draft",
        mail_since=NOW,
        claimed_until=NOW,
        again=Asked("1" * 32, "Contoso Travel", NOW, NOW + timedelta(days=1), "Ada", "Please", "de"),
    )

    await store.save(Versioned(full, None))

    there = await store.read(group, full.id)
    assert there is not None
    assert there.value == full


async def test_of_two_writers_one_wins(store: RequestStore, group: GroupId) -> None:
    first = await store.save(Versioned(a_request(group), None))

    await store.save(Versioned(replace(first.value, note="one"), first.version))

    with pytest.raises(Conflict):
        await store.save(Versioned(replace(first.value, note="two"), first.version))
    with pytest.raises(Conflict):
        await store.save(Versioned(a_request(group), None))


async def test_lists_hold_what_was_proven_page_by_page(store: RequestStore, group: GroupId) -> None:
    for number in range(5):
        await store.save(Versioned(pending(group, f"p{number}"), None))
    await store.save(Versioned(pending(group, "done", state=RequestState.APPROVED), None))
    await store.save(Versioned(a_request(group, "unproven"), None))
    await store.save(Versioned(a_request(group, "never", state=RequestState.EXPIRED), None))

    found, continuation = [], None
    for _ in range(5):
        page = await store.list_group(group, state=RequestState.PENDING, continuation=continuation, limit=2)
        found += [r.address.key for r in page.requests]
        continuation = page.continuation
        if continuation is None:
            break

    assert sorted(found) == [f"p{n}@fabrikam.com" for n in range(5)]
    whole = await store.list_group(group, state=None, continuation=None, limit=100)
    assert len(whole.requests) == 6
    with pytest.raises(Refused, match="never given out"):
        await store.list_group(group, state=None, continuation="bm9uc2Vuc2U", limit=2)


async def test_a_request_is_forgotten_unless_it_changed_meanwhile(store: RequestStore, group: GroupId) -> None:
    first = await store.save(Versioned(a_request(group), None))
    changed = await store.save(Versioned(replace(first.value, note="changed"), first.version))

    await store.forget(first)
    assert [r async for r in store.list_all() if r.value.group == group] == [changed]

    await store.forget(changed)
    await store.forget(changed)
    assert await store.read(group, first.value.id) is None


async def test_what_somebody_is_to_be_told_comes_back_and_is_listed_when_its_time_has_come(
    store: RequestStore, group: GroupId
) -> None:
    decider = UserId(str(uuid.uuid4()))
    full = Digest(decider, (group,), (group,), NOW, NOW, 2, "draft", NOW, NOW)
    first = await store.save_digest(Versioned(full, None), NOW)
    with pytest.raises(Conflict):
        await store.save_digest(Versioned(full, None), NOW)

    there = await store.read_digest(decider)
    assert there is not None
    assert there.value == full
    assert decider in [d async for d in store.list_digests(due_before=NOW + timedelta(seconds=1))]
    assert decider not in [d async for d in store.list_digests(due_before=NOW)]
    assert [r async for r in store.list_all() if r.value.group == group] == [], "it is no request"

    second = await store.save_digest(Versioned(Digest(decider), first.version), NOW)
    await store.forget_digest(first)
    assert await store.read_digest(decider) is not None, "it changed meanwhile"
    await store.forget_digest(second)
    assert await store.read_digest(decider) is None


async def test_open_requests_are_listed_when_their_time_has_come(store: RequestStore, group: GroupId) -> None:
    await store.open((group, RequestId("a" * 22)), NOW)
    await store.open((group, RequestId("b" * 22)), NOW + timedelta(hours=2))
    await store.open((group, RequestId("c" * 22)), NOW)
    await store.close((group, RequestId("c" * 22)))
    await store.close((group, RequestId("c" * 22)))

    found = [key async for key in store.list_open(due_before=NOW + timedelta(hours=1)) if key[0] == group]

    assert found == [(group, RequestId("a" * 22))]


async def test_a_limit_holds_for_all_who_count_at_once_and_ends_with_its_window(
    store: RequestStore, group: GroupId
) -> None:
    limit = Limit(3, timedelta(hours=1))

    counted = await asyncio.gather(*(store.count_up(group, limit, NOW) for _ in range(5)))

    assert sorted(counted) == [False, False, True, True, True]
    assert await store.count_up("another", limit, NOW)
    assert await store.count_up(group, limit, NOW + timedelta(hours=1))
    assert await store.forget_counts(NOW + timedelta(hours=1, seconds=1)) >= 2
    assert await store.forget_counts(NOW + timedelta(hours=1, seconds=1)) == 0
