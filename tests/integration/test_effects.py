"""Rights that are taken away in mid-work, and groups that no app was set up with: the running product, as it is
installed, on the simulated directory."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from local.stack import Stack
from shared.core.reasons import Reason
from tests.integration.conftest import ADMIN, OTHER, OWNER, QUICK, Tenant, eventually
from tests.integration.test_imports import Imports
from tests.integration.test_invitations import problem
from tests.integration.test_setups import app, confirm_all, start  # noqa: F401

pytestmark = pytest.mark.xdist_group("effects")

SLOW = {
    "GUESTLIST_INVITE_TO": "",
    "GUESTLIST_IMPORT_GUESTS_PER_MINUTE": "600",
    "GUESTLIST_IMPORT_BURST": "20",
    "GUESTLIST_IMPORT_HORIZON": "PT2S",
}
"""A file of some hundred rows is read in many pieces."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(workers=1, lease_seconds=3, max_poll_ms=400, extra_settings=QUICK | SLOW) as running:
        yield running


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Iterator[Tenant]:
    tenant = Tenant(stack)
    yield tenant
    tenant.close()


@pytest.fixture
def group(tenant: Tenant, app: dict[str, Any]) -> str:  # noqa: F811
    """A group that an app was set up with, of two owners."""
    location = start(tenant, {"app": {"appId": app["appId"]}, "owners": [OWNER, OTHER]})
    return str(confirm_all(tenant, location)["found"]["group"]["id"])


def guests(count: int) -> list[str]:
    return [f"g{uuid.uuid4().hex[:12]}@fabrikam.com" for _ in range(count)]


def graph(tenant: Tenant, method: str, path: str) -> Any:
    """As somebody in the admin center."""
    token = tenant.token(client="guestlist", audience="https://graph.microsoft.com")
    answer = tenant.simulator.request(method, f"/v1.0{path}", headers={"Authorization": f"Bearer {token}"})
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def take_group_from(tenant: Tenant, group: str, owner: str) -> None:
    graph(tenant, "DELETE", f"/groups/{group}/owners/{tenant.stack.tenant.person(owner)['id']}/$ref")


def take_roles_from(tenant: Tenant, username: str) -> None:
    who = tenant.stack.tenant.person(username)["id"]
    for each in graph(tenant, "GET", f"/users/{who}/appRoleAssignments")["value"]:
        graph(tenant, "DELETE", f"/servicePrincipals/{each['resourceId']}/appRoleAssignedTo/{each['id']}")


def tickets(tenant: Tenant, addresses: list[str]) -> int:
    found = tenant.simulator.get("/_sim/invitations").json()
    return sum(int(g["tickets"]) for g in found if g["email"] in addresses)


def test_a_group_that_no_app_was_set_up_with_takes_nobody(tenant: Tenant) -> None:
    [guest] = guests(1)

    for caller in (tenant.caller(), tenant.caller(ADMIN)):
        problem(tenant.ask(guest, caller=caller), Reason.GROUP_NOT_SET_UP)
        imports = Imports(tenant, caller=caller)
        problem(imports.ask(f"address\n{guest}\n"), Reason.GROUP_NOT_SET_UP)
        problem(imports.ask(f"address\n{guest}\n", "?dryRun=true"), Reason.GROUP_NOT_SET_UP)

    assert tickets(tenant, [guest]) == 0


def test_an_import_whose_owner_loses_the_group_stands_still_until_another_resumes_it(
    tenant: Tenant, group: str
) -> None:
    addresses, other = guests(160), Imports(tenant, group, caller=tenant.caller(OTHER))
    location = Imports(tenant, group).begin("address\n" + "\n".join(addresses))
    eventually(lambda: tenant.members(group))

    take_group_from(tenant, group, OWNER)
    found = other.in_state(location, "paused")

    assert "no longer invite guests" in found["waitsFor"]
    still = found["counts"]["member"]
    assert not found["allRead"], "it was read before: not much of an examination"
    assert found["counts"]["failed"] == 0
    assert found["resumedBy"] is None
    let_in = len(tenant.members(group))
    assert still <= let_in < len(addresses)
    # Parked for a moment, where the sweep had not sent all of its chunks again yet.
    assert other.caller.post(f"{location}/resume").json()["state"] in ("running", "parked")
    ended = other.in_state(location, "done")
    assert (ended["counts"]["member"], ended["resumedBy"]["name"]) == (len(addresses), "Oscar Owner")
    assert tickets(tenant, addresses) == len(addresses), "each once"


def test_what_was_parked_invites_nobody_when_its_owner_lost_the_group(tenant: Tenant, group: str) -> None:
    [alone, *several] = guests(6)
    other = Imports(tenant, group, caller=tenant.caller(OTHER))
    tenant.settings(policies={"suspiciousActivityBlock": True})
    invitation = tenant.invite(alone, group=group)
    location = Imports(tenant, group).begin("address\n" + "\n".join(several))
    eventually(lambda: other.caller.get(f"/api/invitations/{invitation}").json()["state"] == "parked")
    other.in_state(location, "parked")

    take_group_from(tenant, group, OWNER)
    # Before the block ends: a probe that had begun may take a guest whose inviter was an owner a moment ago.
    ended = eventually(lambda: _final(other.caller.get(f"/api/invitations/{invitation}").json()))
    tenant.settings(policies={"suspiciousActivityBlock": False})

    assert "no longer invite guests" in other.in_state(location, "paused")["waitsFor"]
    assert ended is not None
    assert (ended["state"], ended["reason"]) == ("failed", Reason.AUTHORITY_LOST.value)
    assert "no longer invite guests" in ended["detail"]
    assert tickets(tenant, [alone, *several]) == 0
    assert tenant.members(group) == []


def test_a_file_of_an_administrator_who_is_none_any_more_stands_still(tenant: Tenant, group: str) -> None:
    """The last: the simulated administrator has no role after it."""
    addresses = guests(160)
    admin = Imports(tenant, group, caller=tenant.caller(ADMIN))
    location = admin.begin("address\n" + "\n".join(addresses))
    eventually(lambda: tenant.members(group))

    take_roles_from(tenant, ADMIN)
    found = admin.in_state(location, "paused")

    assert "import a file whose rows name groups" in found["waitsFor"]
    assert not found["allRead"]
    assert len(tenant.members(group)) < len(addresses)
    tenant.simulator.post("/_sim/reset").raise_for_status()


def _final(found: dict[str, Any]) -> dict[str, Any] | None:
    return found if found["isFinal"] else None
