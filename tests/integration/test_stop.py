"""An operator stops everything, and starts it again: nothing leaves meanwhile, and nothing is lost."""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient

from local.stack import Stack
from shared.core.reasons import Reason
from shared.membership.stop import REMEMBERED
from tests.integration.conftest import ADMIN, OWNER, Tenant, eventually
from tests.integration.test_invitations import problem


@pytest.fixture
def started_after(tenant: Tenant) -> Iterator[None]:
    """Other tests work with the same product."""
    yield
    tenant.caller(ADMIN).delete("/api/stop").raise_for_status()


def parked(stack: Stack) -> int:
    with closing(TableServiceClient.from_connection_string(stack.azurite.connection_string)) as tables:
        try:
            return len(list(tables.get_table_client("Reminders").query_entities("PartitionKey eq 'parked'")))
        except ResourceNotFoundError:
            return 0


@pytest.mark.usefixtures("started_after")
def test_what_is_asked_for_while_all_is_stopped_waits_and_arrives_once_after_the_start(
    stack: Stack, tenant: Tenant
) -> None:
    before = f"before-{uuid.uuid4().hex[:8]}@fabrikam.com"
    guest = tenant.end_of(tenant.invite(before))
    assert guest["state"] == "member"
    sent, admin, owner = tenant.calls("POST /invitations"), tenant.caller(ADMIN), tenant.caller(OWNER)
    there = parked(stack)

    stopped = admin.post("/api/stop", json={"reason": "Nobody here sent these"}).raise_for_status().json()
    assert (stopped["isStopped"], stopped["reason"]) == (True, "Nobody here sent these")
    time.sleep(REMEMBERED.total_seconds())  # until then an instance may work on
    assert all(owner.get("/api/stop").json()["isStopped"] for _ in range(10)), "whichever instance answers"

    few = [f"few{n}-{uuid.uuid4().hex[:8]}@fabrikam.com" for n in range(3)]
    many = [f"many{n}-{uuid.uuid4().hex[:8]}@fabrikam.com" for n in range(25)]
    invitations = [tenant.invite(address) for address in few]
    content = "address\n" + "\n".join(many)
    taken = owner.post(f"/api/groups/{tenant.group}/imports", content=content, headers={"content-type": "text/csv"})
    assert taken.status_code == 202, taken.text
    eventually(lambda: parked(stack) >= there + len(few) + 1)

    assert tenant.calls("POST /invitations") == sent
    assert {tenant.see(each)["state"] for each in invitations} == {"accepted"}
    remove = owner.delete(f"/api/groups/{tenant.group}/guests/{guest['userId']}")
    assert problem(remove, Reason.STOPPED)["detail"] == "Nobody here sent these"
    assert remove.status_code == 503
    assert remove.headers["Retry-After"]
    assert owner.delete("/api/stop").status_code == 403
    # The platform may take every instance away meanwhile.
    stack.kill_workers()

    assert not admin.delete("/api/stop").raise_for_status().json()["isStopped"]
    for each in invitations:
        assert tenant.end_of(each)["state"] == "member"
    eventually(lambda: owner.get(taken.headers["location"]).json()["state"] == "done", within_s=90)
    assert [tenant.tickets(address) for address in (*few, *many)] == [1] * 28
    assert set(few) | set(many) <= set(tenant.members())
    assert eventually(lambda: parked(stack) == 0)

    change_log = admin.get("/api/change-log?limit=50").raise_for_status().json()["value"]
    mine = [e for e in change_log if e["what"] in ("stop", "start")][:2]
    assert [e["what"] for e in mine] == ["start", "stop"]
    assert all(e["who"].startswith("Adam Admin (") for e in mine)
    assert "Nobody here sent these" in mine[1]["after"]
