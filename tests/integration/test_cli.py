"""The command line against the running product: an administrator and an owner do their work in a terminal."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import ADMIN, AUDITOR, OWNER, STRANGER, Tenant
from tests.integration.test_setups import Graph

DONE, SOME_FAILED, USAGE, WAITS = 0, 1, 2, 3
GUESTLIST = Path(sys.executable).with_name("guestlist")


class Terminal:
    """Somebody at a terminal, signed in with the organization's account."""

    def __init__(self, tenant: Tenant, user: str) -> None:
        self._env = {k: v for k, v in os.environ.items() if not k.startswith("GUESTLIST_")} | {
            "GUESTLIST_URL": tenant.stack.host_url,
            "GUESTLIST_USER": user,
            "GUESTLIST_PASSWORD": "Pa55-for-development",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [GUESTLIST, *arguments], env=self._env, capture_output=True, text=True, timeout=120, check=False
        )

    def json(self, *arguments: str, code: int = DONE) -> Any:
        found = self.run("--json", *arguments)
        assert found.returncode == code, (found.stdout, found.stderr)
        return json.loads(found.stdout)


@pytest.fixture
def app(tenant: Tenant) -> dict[str, Any]:
    app_id = str(uuid.uuid4())
    app = {"id": str(uuid.uuid4()), "appId": app_id, "displayName": f"App {app_id[:8]}"}
    app |= {"preferredSingleSignOnMode": "saml"}
    tenant.simulator.post("/_sim/seed", json={"servicePrincipals": [app]}).raise_for_status()
    return app


def test_an_app_is_set_up_shown_used_and_taken_apart(tenant: Tenant, app: dict[str, Any]) -> None:
    admin, owner = Terminal(tenant, ADMIN), Terminal(tenant, OWNER)
    asked = ("setup", "create", "--app-name", app["displayName"], "--owner", OWNER)

    dry = admin.json(*asked, "--dry-run")
    assert any("create the security group" in said for step in dry["steps"] for said in step["wouldDo"])
    waits = admin.run(*asked)
    assert waits.returncode == WAITS, (waits.stdout, waits.stderr)
    assert "Owners can manage group membership requests" in waits.stdout
    done = admin.json(*asked, "--confirm-manual")
    assert done["state"] == "done"
    assert all(step["state"] == "done" for step in done["steps"])

    assert app["appId"] in {a["appId"] for a in owner.json("app", "list")["value"]}
    guest = f"guest-{uuid.uuid4().hex[:10]}@fabrikam.com"
    [invited] = owner.json("invitation", "create", guest, "--app", app["displayName"])["value"]
    assert (invited["address"], invited["state"]) == (guest, "member")
    mixed = owner.json("invitation", "create", "no address", f"x{guest}", "--app", app["appId"], code=SOME_FAILED)[
        "value"
    ]
    assert [(i["state"], (i["problem"] or {}).get("reason")) for i in mixed] == [
        ("refused", "address-invalid"),
        ("member", None),
    ]

    assert admin.run("app", "remove", app["appId"], "--yes").returncode == DONE
    assert Graph(tenant).all(f"/servicePrincipals/{app['id']}/appRoleAssignedTo") == []


def test_a_question_ends_with_a_way_to_answer_it(tenant: Tenant) -> None:
    roles = [
        {
            "id": str(uuid.uuid4()),
            "displayName": name,
            "description": name,
            "value": name.lower(),
            "isEnabled": True,
            "allowedMemberTypes": ["User"],
        }
        for name in ("Reader", "Writer")
    ]
    app = {"id": str(uuid.uuid4()), "appId": str(uuid.uuid4()), "displayName": "Two roles", "appRoles": roles}
    app |= {"preferredSingleSignOnMode": "oidc"}
    tenant.simulator.post("/_sim/seed", json={"servicePrincipals": [app]}).raise_for_status()
    admin = Terminal(tenant, ADMIN)

    failed = admin.run("setup", "create", "--app-id", str(app["appId"]), "--owner", OWNER, "--confirm-manual")

    assert failed.returncode == SOME_FAILED, (failed.stdout, failed.stderr)
    assert "Reader" in failed.stdout + failed.stderr
    setups = admin.json(
        "setup", "create", "--app-id", str(app["appId"]), "--owner", OWNER, "--confirm-manual", code=SOME_FAILED
    )
    again = admin.json("setup", "retry", setups["id"], "--app-role", "Reader", "--confirm-manual")
    assert again["state"] == "done"


def test_the_doctor_finds_what_is_missing(tenant: Tenant) -> None:
    found = Terminal(tenant, AUDITOR).run("doctor")

    assert "User.Invite.All" in found.stdout, found.stderr
    assert found.returncode in (DONE, SOME_FAILED)


def test_who_may_not_is_told_so_in_words(tenant: Tenant, app: dict[str, Any]) -> None:
    found = Terminal(tenant, STRANGER).run("setup", "create", "--app-id", app["appId"], "--owner", OWNER)

    assert found.returncode == SOME_FAILED
    assert "This takes an app role that you do not have" in found.stdout + found.stderr
    assert "Traceback" not in found.stdout + found.stderr
    assert Terminal(tenant, STRANGER).run("setup").returncode == USAGE


def test_a_file_is_imported_looked_at_and_taken_back(tenant: Tenant, tmp_path: Path) -> None:
    owner, file = Terminal(tenant, OWNER), tmp_path / "guests.csv"
    guests = [f"guest-{uuid.uuid4().hex[:10]}@fabrikam.com" for _ in range(3)]
    file.write_text("address\n" + "\n".join([*guests, "nobody"]) + "\n")
    where = ("--group", tenant.group)

    dry = owner.json("import", "create", str(file), *where, "--dry-run")
    assert (dry["counts"]["new"], dry["counts"]["invalid"]) == (3, 1)
    assert owner.run("import", "create", str(file), *where).returncode == WAITS
    done = owner.run("import", "create", str(file), *where, "--yes")
    assert done.returncode == SOME_FAILED, (done.stdout, done.stderr)
    assert "This import will take about" in done.stderr
    outcomes = (tmp_path / "guests.results.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[:4] for line in outcomes[1:]] == [
        *([str(n), guest, "member", ""] for n, guest in enumerate(guests, 2)),
        ["5", "nobody", "failed", "address-invalid"],
    ]
    again = owner.run("import", "create", str(file), *where, "--yes")
    assert again.returncode == USAGE, "the file of outcomes is there already"

    [found, *_] = owner.json("import", "list", *where)["value"]
    assert (found["state"], found["counts"]["member"]) == ("done", 3)
    assert owner.json("import", "undo", found["id"], *where, "--dry-run")["memberships"] == 3
    assert owner.json("import", "undo", found["id"], *where, "--yes")["state"] == "undone"
    assert not set(guests) & set(tenant.members())
    assert owner.run("import", "create", str(tmp_path / "nothing.csv"), *where).returncode == USAGE
