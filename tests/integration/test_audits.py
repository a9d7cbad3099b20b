"""Audits of the whole product: over HTTP, through the queues, beside an import that goes on."""

import csv
import io
import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.integration.conftest import ADMIN, AUDITOR, OTHER, OWNER, QUICK, Tenant, eventually
from tests.integration.test_setups import confirm_all, start

pytestmark = pytest.mark.xdist_group("audits over HTTP")
"""One stack for all of them."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A storage of its own: audits look at everything that is there."""
    slow = {"GUESTLIST_IMPORT_GUESTS_PER_MINUTE": "1200", "GUESTLIST_IMPORT_BURST": "40"}
    with Stack(workers=1, lease_seconds=3, max_poll_ms=300, extra_settings=QUICK | slow) as running:
        yield running


@pytest.fixture
def scene(stack: Stack) -> Iterator[tuple[Tenant, str, str]]:
    """A tenant with one more app that is set up, its group and its id."""
    tenant = Tenant(stack)
    name = f"Partner Portal {uuid.uuid4().hex[:6]}"
    # Its own single sign-on: no certificate that could end.
    app = {"id": str(uuid.uuid4()), "appId": str(uuid.uuid4()), "displayName": name}
    app |= {"preferredSingleSignOnMode": "oidc", "loginUrl": "https://app.example/login"}
    tenant.simulator.post("/_sim/seed", json={"servicePrincipals": [app]}).raise_for_status()
    body = {"app": {"appId": app["appId"]}, "owners": [OWNER, OTHER], "group": {"name": f"{name} guests"}}
    found = confirm_all(tenant, start(tenant, body))["found"]
    yield tenant, str(found["group"]["id"]), str(found["app"]["appId"])
    tenant.close()


def graph(tenant: Tenant, method: str, path: str, body: Any = None) -> httpx.Response:
    """As somebody in the admin center."""
    token = tenant.token(client="guestlist", audience="https://graph.microsoft.com")
    answer = tenant.simulator.request(method, f"/v1.0{path}", json=body, headers={"Authorization": f"Bearer {token}"})
    return answer.raise_for_status()


def audit(tenant: Tenant) -> dict[str, Any]:
    """A whole audit."""
    admin = tenant.caller(ADMIN)
    begun = admin.post("/api/audits")
    assert begun.status_code == 202, begun.text
    location = begun.headers["location"]

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = admin.get(location).json()
        return found if found["state"] in ("done", "failed") else None

    found = eventually(ended)
    assert found is not None
    assert found["state"] == "done", found
    return found


def findings(tenant: Tenant, audit_id: str, **filters: str) -> list[dict[str, Any]]:
    """All of them, page by page."""
    caller, found = tenant.caller(AUDITOR), list[dict[str, Any]]()
    answer = caller.get(f"/api/audits/{audit_id}/findings", params={"limit": "2", **filters}).raise_for_status()
    while True:
        found += answer.json()["value"]
        link = answer.json()["nextLink"]
        if link is None:
            return found
        answer = caller.get(link).raise_for_status()


def test_a_run_during_an_import_raises_no_false_finding(scene: tuple[Tenant, str, str]) -> None:
    tenant, group, app = scene
    owner = tenant.caller(OWNER)
    lines = "".join(f"during{n:04d}@fabrikam.com\n" for n in range(240))
    answer = owner.post(
        f"/api/groups/{group}/imports?name=many.csv",
        content="address\n" + lines,
        headers={"content-type": "text/csv"},
    )
    assert answer.status_code == 202, answer.text
    path = answer.headers["location"]
    beside, seen = 0, set[int]()
    while owner.get(path).json()["state"] != "done":
        done = audit(tenant)
        assert findings(tenant, done["id"], app=app) == []
        seen.add(len(tenant.members(group)))
        beside += 1
    assert beside >= 2, "audits ran beside the import"
    assert len(seen) >= 2, "and the import went on meanwhile"
    time.sleep(1.2)
    done = audit(tenant)
    assert findings(tenant, done["id"], app=app) == []
    assert len(tenant.members(group)) >= 240


def add_by_hand(tenant: Tenant, group: str, *addresses: str) -> None:
    """Guests whom nobody invited, made members in the admin center."""
    for address in addresses:
        user = {"id": str(uuid.uuid4()), "mail": address, "displayName": address, "userType": "Guest"}
        user["userPrincipalName"] = f"{user['id']}#EXT#@contoso.com"
        tenant.simulator.post("/_sim/seed", json={"users": [user]}).raise_for_status()
        reference = {"@odata.id": f"{tenant.stack.simulator_url}/v1.0/directoryObjects/{user['id']}"}
        graph(tenant, "POST", f"/groups/{group}/members/$ref", reference)


def test_the_auditor_reads_pages_files_and_a_report(scene: tuple[Tenant, str, str]) -> None:
    tenant, group, app = scene
    strays = [f'=cmd("{uuid.uuid4().hex[:8]}")@adatum.com', *(f"{uuid.uuid4().hex[:8]}@adatum.com" for _ in range(2))]
    audit(tenant)
    add_by_hand(tenant, group, *strays)
    done = audit(tenant)

    assert done["byRule"]["guest-not-invited"] >= 3
    found = findings(tenant, done["id"], app=app)
    assert {f["rule"] for f in found} == {"guest-not-invited"}
    assert {f["address"] for f in found} == set(strays)
    assert found[0]["appId"] == app
    assert findings(tenant, done["id"], severity="high", app=app) == []
    assert len(findings(tenant, "latest", rule="guest-not-invited", app=app, group=group)) == 3

    auditor = tenant.caller(AUDITOR)
    file = auditor.get(f"/api/audits/{done['id']}/findings.csv?app={app}")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert len(rows) == 3
    assert [r["address"] for r in rows if "cmd" in r["address"]] == ["'" + strays[0]], "nothing is computed"
    report = auditor.get(f"/api/audits/{done['id']}/report.html").text
    assert "Guest who was not invited through Guestlist" in report
    addresses = set(re.findall(r"https?://[\w.]+", report))
    assert addresses <= {"http://www.w3.org"}, "names of SVG, and nothing that could be loaded"

    owners = tenant.caller(OWNER).get(f"/api/groups/{group}/findings").raise_for_status().json()
    assert {f["address"] for f in owners["value"]} == set(strays)
    listed = auditor.get("/api/audits", params={"limit": "1"}).json()
    assert [a["id"] for a in listed["value"]] == [done["id"]]
    assert listed["nextLink"]
    for wrong in ("severity=worst", "rule=none", "group=x", "limit=0", "continuation=x"):
        answer = auditor.get(f"/api/audits/latest/findings?{wrong}")
        assert (answer.status_code, answer.json()["field"]) == (400, wrong.partition("=")[0])
    assert auditor.get(f"/api/audits/{'0' * 22}").json()["reason"] == "audit-missing"


def test_what_policy_asks_for_is_done_written_down_and_taken_back(scene: tuple[Tenant, str, str]) -> None:
    tenant, group, app = scene
    admin, auditor = tenant.caller(ADMIN), tenant.caller(AUDITOR)
    add_by_hand(tenant, group, *(f"{uuid.uuid4().hex[:8]}@adatum.com" for _ in range(3)))
    policy = {"remedies": {"guest-not-invited": "remove"}, "maxGuests": 2}
    assert admin.put(f"/api/apps/{app}/audit-policy", json={"remedies": {"no-owner": "delete"}}).status_code == 400
    assert admin.put(f"/api/apps/{app}/audit-policy", json=policy | {"autoApply": True}).status_code == 200
    held = audit(tenant)
    path = f"/api/audits/{held['id']}/remedies/{app}"
    plan = auditor.get(path).raise_for_status().json()
    assert plan["plan"]["state"] == "held"
    assert "2 is the most" in plan["plan"]["detail"]
    assert {a["state"] for a in plan["value"]} == {"planned"}

    def in_state(state: str) -> dict[str, Any]:
        eventually(lambda: auditor.get(path).json()["plan"]["state"] == state)
        found: dict[str, Any] = auditor.get(path).json()
        return found

    assert admin.post(path).status_code == 202
    done = in_state("done")
    assert {(a["state"], a["after"]) for a in done["value"]} == {("done", "no member of the group")}
    strays = {a["address"] for a in done["value"]}
    assert not strays & set(tenant.members(group))
    change_log = auditor.get("/api/change-log?limit=1000").raise_for_status().json()["value"]
    assert {(e["what"], e["rule"]) for e in change_log[:3]} == {("remove", "guest-not-invited")}
    assert all(e["requestId"] and e["who"].startswith("Adam Admin") for e in change_log[:3])
    assert len(auditor.get("/api/change-log.csv").text.splitlines()) == len(change_log) + 1

    assert admin.post(f"{path}/undo").status_code == 202
    in_state("undone")
    assert strays <= set(tenant.members(group))
    assert admin.post(path).json()["reason"] == "remedies-ended"


def test_a_second_audit_is_refused_while_one_runs(scene: tuple[Tenant, str, str], stack: Stack) -> None:
    tenant, _, _ = scene
    admin = tenant.caller(ADMIN)
    tenant.fault(method="GET", path="/users/delta", times=1, delayMs=3000)
    begun = admin.post("/api/audits").json()
    refused = admin.post("/api/audits")
    assert (refused.status_code, refused.json()["reason"]) == (409, "audit-running")
    assert begun["id"] in json.dumps(refused.json()) + str(refused.headers)
    eventually(lambda: admin.get(f"/api/audits/{begun['id']}").json()["state"] == "done")


def test_the_timer_begins_audits_by_itself() -> None:
    with Stack(max_poll_ms=300, extra_settings=QUICK | {"GUESTLIST_AUDIT_SCHEDULE": "*/3 * * * * *"}) as stack:
        tenant = Tenant(stack)
        caller = tenant.caller(AUDITOR)

        def done() -> list[dict[str, Any]]:
            listed = caller.get("/api/audits").raise_for_status().json()["value"]
            return [a for a in listed if a["state"] == "done"]

        eventually(lambda: len(done()) >= 2)
        assert {a["startedBy"] for a in done()} == {"the timer"}
        assert [a["isFull"] for a in done()][::-1][:2] == [True, False], "the second reads what changed"
        tenant.close()
