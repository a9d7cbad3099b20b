"""Setup under an identity of its own: two apps of one package, each with its own permissions."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import MASTER_KEY, Stack
from local.tenant import SAMPLE_TENANT
from tests.integration.conftest import OWNER, QUICK, Tenant, eventually
from tests.integration.test_setups import at_rest, confirm_all, start

OF_SETUP = {
    "Group.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Application.ReadWrite.All",
    "Policy.Read.All",
    "EntitlementManagement.ReadWrite.All",
}
PUBLIC_ID, SETUP_ID = "00000403-0000-4000-8000-000000000403", "00000407-0000-4000-8000-000000000407"
APP = {
    "id": "00000500-0000-4000-8000-000000000500",
    "appId": "00000501-0000-4000-8000-000000000501",
    "displayName": "Contoso Orders",
    "preferredSingleSignOnMode": "saml",
    "loginUrl": "https://orders.example/login",
}


def seed() -> dict[str, Any]:
    """The sample tenant, with a second identity that has what the first one lacks."""
    found: dict[str, Any] = json.loads(SAMPLE_TENANT.read_text(encoding="utf-8"))
    public = next(c for c in found["clients"] if c["clientId"] == PUBLIC_ID)
    setup = copy.deepcopy(public) | {
        "clientId": SETUP_ID,
        "objectId": "00000417-0000-4000-8000-000000000417",
        "name": "guestlist-setup",
        "graphPermissions": sorted(OF_SETUP | {"Directory.Read.All"}),
    }
    public["graphPermissions"] = [p for p in public["graphPermissions"] if p not in OF_SETUP]
    found["clients"].append(setup)
    found["servicePrincipals"].append(APP)
    return found


@pytest.fixture(scope="module")
def stack_of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    file: Path = tmp_path_factory.mktemp("tenant") / "tenant.json"
    file.write_text(json.dumps(seed()), encoding="utf-8")
    settings = QUICK | {
        "GUESTLIST_WORKER": "public",
        "GUESTLIST_IDENTITY_CLIENT_ID": PUBLIC_ID,
        "GUESTLIST_SETUP_IDENTITY_CLIENT_ID": SETUP_ID,
    }
    setup = {"GUESTLIST_WORKER": "setup", "GUESTLIST_IDENTITY_CLIENT_ID": SETUP_ID, "GUESTLIST_MAIL_MAILBOX": ""}
    with Stack(
        seed=file, extra_settings=settings, setup_settings=setup, max_poll_ms=200, lease_seconds=10, isolate=False
    ) as stack:
        yield stack


@pytest.fixture
def tenant(stack_of_two: Stack) -> Iterator[Tenant]:
    tenant = Tenant(stack_of_two)
    yield tenant
    tenant.close()


def test_a_setup_goes_through_the_worker_that_may(tenant: Tenant) -> None:
    location = start(tenant, {"app": {"appId": APP["appId"]}, "owners": [OWNER]})
    at_rest(tenant, location)

    assert confirm_all(tenant, location)["state"] == "done"


def test_the_public_identity_may_do_nothing_of_a_setup(tenant: Tenant) -> None:
    token = tenant.token(client="guestlist", audience="https://graph.microsoft.com")
    headers = {"Authorization": f"Bearer {token}"}
    for method, path, body in (
        ("PATCH", f"/servicePrincipals/{APP['id']}", {"loginUrl": "https://evil.example"}),
        ("PATCH", "/groups(uniqueName='evil')", {"displayName": "Evil"}),
        (
            "POST",
            f"/servicePrincipals/{APP['id']}/appRoleAssignedTo",
            {
                "principalId": tenant.group,
                "resourceId": APP["id"],
                "appRoleId": "00000000-0000-0000-0000-000000000000",
            },
        ),
    ):
        answer = tenant.simulator.request(method, f"/v1.0{path}", json=body, headers=headers)
        assert answer.status_code == 403, (path, answer.text)


@pytest.mark.parametrize("path", ["/api/health", "/api/setups", "/portal/", "/join/x", "/api/apps"])
def test_setup_s_worker_answers_no_request(stack_of_two: Stack, path: str) -> None:
    for method in ("GET", "POST"):
        assert httpx.request(method, f"{stack_of_two.setup_host_url}{path}", timeout=30).status_code == 404


def test_the_worker_says_which_permissions_it_holds_and_readiness_reads_it(
    stack_of_two: Stack, tenant: Tenant
) -> None:
    def lacks() -> bool:
        found = httpx.get(f"{stack_of_two.host_url}/api/health/ready", timeout=30).json()
        return "Application.ReadWrite.All" in json.dumps(found)

    assert eventually(lacks, within_s=60)
    # The timer, now, as an administrator of the host runs it.
    httpx.post(
        f"{stack_of_two.setup_host_url}/admin/functions/report_setup_worker",
        json={"input": ""},
        headers={"x-functions-key": MASTER_KEY},
        timeout=30,
    ).raise_for_status()

    assert eventually(lambda: not lacks(), within_s=60)
