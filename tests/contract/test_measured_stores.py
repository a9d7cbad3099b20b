"""What is counted is what was saved, once; and the key that logs hash addresses with."""

import asyncio
import logging
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.audits.model.records import Audit, Phase
from shared.core.audit_rules import RULES, Rule
from shared.core.errors import Conflict
from shared.core.ids import AppId, AuditId, GroupId, InvitationId, PrincipalId, SetupId
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.invitations.model.invitations import Invitation, State, advance, failed
from shared.membership.model.apps import AppRecord, Policy
from shared.pace.pacing import Pace
from shared.setup.rows import TableSetupStore
from shared.storage.key import TENANT, TableKey
from shared.telemetry.logs import pseudonyms
from shared.wiring.measured_stores import MeasuredAuditStore, MeasuredStore
from tests.builders import CHUNK, NOW, an_invitation
from tests.contract.metered import Meter

SOON = NOW + timedelta(seconds=30)


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def store(tables: TableServiceClient) -> MeasuredStore:
    return MeasuredStore(tables)


def guests(count: int) -> list[Invitation]:
    group = GroupId(str(uuid.uuid4()))
    return [an_invitation(n, id=InvitationId(group, CHUNK, n)) for n in range(count)]


async def saved(store: MeasuredStore, invitations: list[Invitation]) -> list[Versioned[Invitation]]:
    await store.accept(invitations, None)
    return await store.read_chunk(invitations[0].id.group, CHUNK)


async def test_guests_are_counted_as_they_come_into_a_state(store: MeasuredStore, meter: Meter) -> None:
    rows = await saved(store, guests(3))
    was = [row.value for row in rows]
    joining = [advance(i, State.JOINING, SOON) for i in was]

    rows = await store.save([Versioned(i, r.version) for i, r in zip(joining, rows, strict=True)], before=was)
    again = [replace(r.value, claimed_until=SOON) for r in rows]
    rows = await store.save(
        [Versioned(i, r.version) for i, r in zip(again, rows, strict=True)], before=[r.value for r in rows]
    )
    member = advance(rows[0].value, State.MEMBER, SOON)
    await store.save([Versioned(member, rows[0].version)], before=[rows[0].value])

    told = meter.told()
    assert told["guestlist.guests", "", "accepted"] == 3
    assert told["guestlist.guests", "", "joining"] == 3, "a claim is no new state"
    assert told["guestlist.guests", "", "member"] == 1
    assert told["guestlist.time_to_member",] == 1


async def test_a_write_that_met_another_counts_nothing(store: MeasuredStore, meter: Meter) -> None:
    [row] = await saved(store, guests(1))
    changed = advance(row.value, State.JOINING, SOON)
    await store.save([Versioned(changed, row.version)], before=[row.value])

    with pytest.raises(Conflict):
        await store.save([Versioned(changed, row.version)], before=[row.value])

    assert meter.told()["guestlist.guests", "", "joining"] == 1


async def test_who_failed_is_written_down_by_hash_and_reason(
    store: MeasuredStore, meter: Meter, caplog: pytest.LogCaptureFixture
) -> None:
    pseudonyms.use(bytes(32))
    [row] = await saved(store, guests(1))
    over = failed(row.value, Reason.GUEST_MISSING, "gone", SOON)

    with caplog.at_level(logging.INFO, "guestlist"):
        await store.save([Versioned(over, row.version)], before=[row.value])

    [record] = [r for r in caplog.records if "failed" in r.getMessage()]
    said: Any = vars(record)
    assert said["guestlist.guest"] == pseudonyms.of(row.value.address.key)
    assert "fabrikam" not in str(said)
    assert meter.told()["guestlist.guests", Reason.GUEST_MISSING.value, "failed"] == 1


async def test_who_asks_for_how_many_is_counted_by_hash(
    store: MeasuredStore, meter: Meter, caplog: pytest.LogCaptureFixture
) -> None:
    pseudonyms.use(bytes(32))
    asked = guests(3)

    with caplog.at_level(logging.INFO, "guestlist"):
        await store.accept(asked, None)

    told, person = meter.told(), pseudonyms.of_person(asked[0].inviter_id)
    assert person.startswith("person-")
    assert told["guestlist.invitations", person, "single"] == 3
    assert told["guestlist.guest_domains", pseudonyms.of_domain(asked[0].address.domain)] == 3
    # The hash leads to the group, and no further.
    [record] = [r for r in caplog.records if "asked for" in r.getMessage()]
    said: Any = vars(record)
    assert (said["guestlist.person"], said["guestlist.group"]) == (person, asked[0].id.group)
    assert asked[0].inviter_id not in str(said)
    assert asked[0].inviter_name not in str(said)


@pytest.mark.parametrize("is_of_app", [True, False], ids=["of an app", "of none"])
async def test_a_guest_who_joins_is_counted_with_whether_the_group_was_set_up(
    store: MeasuredStore, tables: TableServiceClient, meter: Meter, *, is_of_app: bool
) -> None:
    [row] = await saved(store, guests(1))
    group = row.value.id.group
    if is_of_app:
        app = AppRecord(
            *(
                AppId(str(uuid.uuid4())),
                "App",
                PrincipalId("sp"),
                group,
                "Guests",
                (),
                (),
                Policy(),
                SetupId("s"),
                NOW,
            )
        )
        await TableSetupStore(tables).save_app(Versioned(app, None))
    joining = advance(row.value, State.JOINING, SOON)
    [row] = await store.save([Versioned(joining, row.version)], before=[row.value])
    member = advance(joining, State.MEMBER, SOON)
    [row] = await store.save([Versioned(member, row.version)], before=[joining])
    await store.save([Versioned(replace(member, claimed_until=SOON), row.version)], before=[member])

    told = meter.told()
    assert told["guestlist.memberships", "yes" if is_of_app else "no", group] == 1
    assert ("guestlist.memberships", "no" if is_of_app else "yes", group) not in told


async def test_lanes_tell_how_far_they_are_taken(store: MeasuredStore, meter: Meter) -> None:
    lane = f"lane-{uuid.uuid4().hex[:6]}"
    for _ in range(3):
        await store.reserve(lane, Pace(60, timedelta(minutes=1), 20), 20, NOW)

    assert meter.told()["guestlist.pace.ahead", lane] == 40


async def test_an_audit_is_counted_once_with_what_it_found(tables: TableServiceClient, meter: Meter) -> None:
    store, rule = MeasuredAuditStore(tables), next(iter(Rule))
    audit = Audit(AuditId(uuid.uuid4().hex[:22]), NOW, "timer")
    begun = await store.save(Versioned(audit, None))
    done = replace(audit, phase=Phase.DONE, counts={f"rule:{rule.value}": 7, "severity:high": 7, "findings": 7})
    ended = await store.save(Versioned(done, begun.version))
    await store.save(Versioned(replace(done, is_tidied=True), ended.version))

    told = meter.told()
    assert told["guestlist.audits.completed", "done"] == 1
    assert told["guestlist.audit.findings", rule.value, RULES[rule].severity.value] == 7


async def test_the_key_of_the_logs_is_made_once_and_anew_when_it_was_deleted(tables: TableServiceClient) -> None:
    table = tables.get_table_client(TENANT)
    await tables.create_table_if_not_exists(TENANT)
    await table.delete_entity("tenant", "log-key")

    keys = await asyncio.gather(*(TableKey(tables).of_logs() for _ in range(5)))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32

    await table.delete_entity("tenant", "log-key")
    assert await TableKey(tables).of_logs() != keys[0]
