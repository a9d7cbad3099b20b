"""The main flows with each function in a process of its own, as they run in Flex Consumption.

The flows are the tests of the other modules, on another product. `GUESTLIST_ISOLATE=1` runs any test so.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.integration import test_audits, test_imports, test_invitations, test_portal, test_setups
from tests.integration.conftest import PATIENCE, QUICK, Tenant, eventually

pytestmark = [pytest.mark.xdist_group("isolate"), pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    # No process is idle for so long before the last of these tests: each function starts once.
    with Stack(
        lease_seconds=3,
        max_poll_ms=300,
        extra_settings=QUICK,
        isolate=True,
        always_ready=["http"],
        idle_seconds=120,
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def time_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PATIENCE, "times", 3)


@pytest.fixture(autouse=True)
def directory_as_seeded(stack: Stack) -> Iterator[None]:
    """What one module's tests set in the directory, such as replication, is not left to those of another."""
    yield
    with httpx.Client(base_url=stack.simulator_url) as simulator:
        simulator.post("/_sim/reset").raise_for_status()


address, imports = test_invitations.address, test_imports.imports
group, anybody = test_portal.group, test_portal.anybody
app = test_setups.app
scene = test_audits.scene

test_a_message = test_invitations.test_a_welcome_message_arrives_once_in_guestlists_own_mail
test_replication = test_invitations.test_replication_is_waited_out
test_a_throttled_import = test_imports.test_a_throttled_import_waits_and_nobody_fails
test_a_request = test_portal.test_a_request_is_proven_approved_and_becomes_a_member
test_a_setup = test_setups.test_the_article_line_by_line
test_an_audit_with_a_remedy = test_audits.test_what_policy_asks_for_is_done_written_down_and_taken_back


def test_the_functions_of_one_invitation_ran_in_processes_of_their_own(tenant: Tenant, address: str) -> None:
    # Who has to wait joins by another message.
    tenant.fault(path=r"/members/\$ref$", method="POST", status=429, headers={"Retry-After": "1"})

    tenant.end_of(tenant.invite(address, welcomeMessage="Welcome"))

    groups = ("http", "function:invite_chunk", "function:join_chunk")
    # Another delivery of the first may have added the guest before this process was there.
    eventually(lambda: tenant.stack.worker_pids(groups[-1]))
    pids = [tenant.stack.worker_pids(group) for group in groups]
    assert [len(of_group) for of_group in pids] == [1, 1, 1]
    assert len({pid for of_group in pids for pid in of_group}) == 3


GUESTS = 300
LEASE_S, SWEEP_S, SLACK_S = 10, 5, 45
"""How long a dead instance's work seems to be in hand, how often the sweeper looks, and the work itself with the
start of processes. With the settings of an installation, 45 s and a minute, it is within the two minutes."""
AS_INSTALLED = {
    "GUESTLIST_WORK_LEASE": f"PT{LEASE_S}S",
    "GUESTLIST_SWEEP_SCHEDULE": f"*/{SWEEP_S} * * * * *",
    # Only to be done sooner: nothing of these brings back what an instance held.
    "GUESTLIST_IMPORT_GUESTS_PER_MINUTE": "100000",
    "GUESTLIST_IMPORT_BURST": "5000",
    "GUESTLIST_IMPORT_GUESTS_FIRST_DAY": "1000000",
}


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("isolate")
def test_what_a_killed_instance_held_of_an_import_goes_on_long_before_the_hosts_lease_ends() -> None:
    stack = Stack(max_poll_ms=500, extra_settings=AS_INSTALLED, isolate=True, always_ready=["http"])
    with stack, closing(Tenant(stack)) as tenant:
        assert stack.lease_seconds == 600, "the host's own lease is as long as in Azure"
        tenant.settings(latency={"allMs": 1000})
        guests = {f"{uuid.uuid4().hex[:12]}@fabrikam.com" for _ in range(GUESTS)}
        location = test_imports.Imports(tenant).begin("address\n" + "\n".join(guests))
        eventually(lambda: len(invited(tenant)) >= GUESTS // 10, every_s=0.02)

        killed = stack.kill_workers("function:import_chunk")
        killed_at = time.monotonic()
        tenant.settings(latency={"allMs": 0})

        assert killed
        assert len(tenant.members()) < GUESTS, "it was over before the kill: not much of an examination"
        deadline = killed_at + LEASE_S + SWEEP_S + SLACK_S
        PATIENCE.times = 1  # a bound of the product
        eventually(lambda: guests <= set(tenant.members()), within_s=deadline - time.monotonic())
        eventually(lambda: tenant.caller().get(location).json()["state"] == "done")
        assert {guest["email"] for guest in invited(tenant)} == guests
        assert {guest["mails"] for guest in invited(tenant)} == {1}
        assert len(tenant.members()) == len(set(tenant.members()))


def invited(tenant: Tenant) -> list[dict[str, Any]]:
    """Each guest that the directory was asked to invite, with tickets and mails."""
    found: list[dict[str, Any]] = tenant.simulator.get("/_sim/invitations").json()
    return found
