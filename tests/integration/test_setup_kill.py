"""The app is killed at every call with which a setup changes the directory, just before its effect and just after.

The setup adds an app from the gallery, sets SAML with a certificate, makes the group, its owner and both assignments.
The calls are noted in a first run; then the whole setup is run once for each of them, and at that call every process
of the app gets SIGKILL. Each ends with one app, one certificate, one group, one of each assignment.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from local.stack import Stack
from tests.integration.conftest import ADMIN, OWNER, Tenant, eventually
from tests.integration.gate import Gate, Passage, Side
from tests.integration.test_kill import QUICKER
from tests.integration.test_setups import Graph, confirm_all, start

EFFECTS = (
    "instantiate",
    "PATCH /v1.0/groups",
    "/owners/$ref",
    "appRoleAssignedTo",
    "PATCH /v1.0/servicePrincipals",
    "PATCH /v1.0/applications",
)


def counts(service: str, method: str, path: str) -> bool:
    """The calls that change the directory. A setup's batches only read."""
    return service == "graph" and method != "GET" and path.startswith("/v1.0/") and not path.endswith("/$batch")


class Scene:
    def __init__(self, gate: Gate, tenant: Tenant) -> None:
        self.gate, self.tenant = gate, tenant

    def run(self, passage: Passage | None, side: Side) -> Passage | None:
        """One setup, killed at that call; None where it ended without making it."""
        name = f"Reisen {uuid.uuid4().hex[:8]}"
        self.gate.hold(passage, side)
        location = start(self.tenant, self.request(name))
        killed_at = self.wait(location)
        if killed_at is not None:
            self.tenant.stack.kill_workers()
            self.gate.release()
        checklist = confirm_all(self.tenant, location)
        self.check(name, checklist, f"killed {side} {killed_at}")
        return killed_at

    def request(self, name: str) -> dict[str, Any]:
        saml = {"mode": "saml", "identifiers": [f"api://{name[-8:]}"], "replyUrls": ["https://reisen.example/acs"]}
        return {
            "app": {"template": "Contoso Travel", "name": name},
            "owners": [OWNER],
            "appRole": "User",
            "singleSignOn": saml,
        }

    def wait(self, location: str) -> Passage | None:
        """The held call, or None when the setup came to rest without reaching it."""

        def seen() -> bool:
            if self.gate.held.done():
                return True
            return bool(self.tenant.caller(ADMIN).get(location).json()["state"] != "running")

        eventually(seen, within_s=120)
        return self.gate.held.result() if self.gate.held.done() else None

    def check(self, name: str, checklist: dict[str, Any], at: str) -> None:
        assert checklist["state"] == "done", (at, checklist)
        graph = Graph(self.tenant)
        [principal] = graph.all(f"/servicePrincipals?$filter=displayName eq '{name}'")
        assert len(graph.all(f"/applications?$filter=displayName eq '{name}'")) == 1, at
        keys = graph.get(f"/servicePrincipals/{principal['id']}?$select=keyCredentials")["keyCredentials"]
        assert len({key["customKeyIdentifier"] for key in keys}) == 1, at
        [group] = graph.all(f"/groups?$filter=displayName eq '{name} guests'")
        assert len(graph.all(f"/groups/{group['id']}/owners")) == 1, at
        assigned = graph.all(f"/servicePrincipals/{principal['id']}/appRoleAssignedTo")
        assert sorted(a["principalType"] for a in assigned) == ["Group", "User"], at
        # The checklist tells what was made, whichever delivery made it: nothing is lost, nothing told twice.
        made = [change["kind"] for step in checklist["steps"] for change in step["changes"]]
        assert sorted(made) == [
            "application",
            "assignment",
            "assignment",
            "certificate",
            "group",
            "owner",
            "single-sign-on",
        ], at


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    stack = Stack(workers=1, lease_seconds=1.5, max_poll_ms=300, extra_settings=QUICKER, start_host=False)
    with stack, Gate({"graph": stack.simulator_url}, counts) as gate:
        stack.simulator_url_of_app = gate.urls["graph"]
        stack.restart_host()
        tenant = Tenant(stack)
        yield Scene(gate, tenant)
        tenant.close()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "side",
    [
        pytest.param("before", marks=pytest.mark.xdist_group("setup-kill-before")),
        pytest.param("after", marks=pytest.mark.xdist_group("setup-kill-after")),
    ],
)
def test_a_kill_at_any_change_of_the_directory_leaves_one_of_each_thing(scene: Scene, side: Side) -> None:
    scene.run(None, side)
    noted = list(scene.gate.passages)
    killed = []
    for passage in noted:
        if scene.run(passage, side) is not None:
            killed.append(str(passage))
            print(f"killed {side} {passage}")

    for effect in EFFECTS:
        assert any(effect in passage for passage in killed), (effect, killed)
