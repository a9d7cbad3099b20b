"""The running product with nothing but inviting switched on, under exactly the permissions that inviting needs; and
what it says of itself when one of them is missing."""

import json
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from local.stack import Stack
from local.tenant import SAMPLE_TENANT
from shared.core.features import PERMISSIONS, Feature, needed_by
from shared.core.reasons import Reason
from tests.integration.conftest import ADMIN, AUDITOR, OWNER, QUICK, Tenant, eventually
from tests.integration.test_invitations import problem

pytestmark = pytest.mark.xdist_group("small-stack")

INVITING = [p.name for p in needed_by(Feature.INVITING)]
CSV = {"Content-Type": "text/csv"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A second product of its own: its storage must not share queues with one that has every feature."""
    seed = json.loads(SAMPLE_TENANT.read_text())
    for client in seed["clients"]:
        if client.get("isManagedIdentity"):
            client["graphPermissions"] = INVITING
    file = tmp_path_factory.mktemp("small") / "tenant.json"
    file.write_text(json.dumps(seed))
    settings = QUICK | {
        "GUESTLIST_FEATURES": "inviting",
        "GUESTLIST_MAIL_MAILBOX": "",
        "GUESTLIST_AUDIT_SCHEDULE": "*/2 * * * * *",
        "GUESTLIST_KEY_KEPT": "PT48H",
    }
    with Stack(workers=1, lease_seconds=3, max_poll_ms=400, extra_settings=settings, seed=file) as stack:
        tenant = Tenant(stack)
        yield tenant
        tenant.close()


@pytest.fixture
def stranger(small: Tenant) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=small.stack.host_url, timeout=60) as client:
        yield client


def ready(client: httpx.Client) -> tuple[int, dict[str, Any]]:
    """What it says once storage has answered and the first sweep's message is back: a process that has just started
    may be slow to load its libraries."""

    def looked() -> httpx.Response | None:
        answer = client.get("/api/health/ready")
        assert answer.headers["content-type"] == "application/json"
        said = answer.json()
        fine = {said[part]["status"] for part in ("storage", "sweep", "roundTrip")} == {"ok"}
        return answer if fine else None

    answer = eventually(looked, every_s=1)
    assert answer is not None
    return answer.status_code, answer.json()


def is_logged(tenant: Tenant, said: str) -> bool:
    return any(said in path.read_text() for path in tenant.stack.logs.glob("host-*.log"))


def some() -> str:
    return f"{uuid.uuid4().hex[:12]}@fabrikam.com"


def test_inviting_alone_is_ready_and_the_rest_is_said_to_be_off(small: Tenant, stranger: httpx.Client) -> None:
    status, said = ready(stranger)

    assert (status, said["status"]) == (200, "ready")
    assert said["storage"] == said["token"] == {"status": "ok", "detail": None}
    assert {f["feature"]: f["status"] for f in said["features"]} == {
        f.value: "ready" if f is Feature.INVITING else "off" for f in Feature
    }


def test_guests_are_invited_looked_at_and_taken_out_under_invitings_permissions_alone(small: Tenant) -> None:
    address, owner = some(), small.caller(OWNER)
    invitation = small.end_of(small.invite(address))

    assert invitation["state"] == "member"
    # Which app a group opens that nobody set up takes a reader of the directory.
    assert urlsplit(invitation["directLink"]).hostname == "myapps.microsoft.com"
    page = owner.get(f"/api/groups/{small.group}/guests").json()
    [guest] = [g for g in page["value"] if g["address"] == address]
    assert owner.delete(f"/api/groups/{small.group}/guests/{guest['userId']}").status_code == 204
    assert address not in small.members()
    assert small.group in {g["id"] for g in owner.get("/api/groups").json()["value"]}


def test_an_invitation_can_be_cancelled_and_the_account_stays(small: Tenant) -> None:
    address = some()
    invitation = small.invite(address)
    user = small.end_of(invitation)["userId"]

    undone = small.caller(OWNER).post(f"/api/invitations/{invitation}/cancel").json()

    assert undone["state"] == "undone"
    assert "the account stays" in undone["detail"]
    assert address not in small.members()
    headers = {"Authorization": f"Bearer {small.token(client='guestlist', audience='https://graph.microsoft.com')}"}
    assert small.simulator.get(f"/v1.0/users/{user}", headers=headers).status_code == 200


def test_an_import_works_and_is_not_undone(small: Tenant) -> None:
    owner, path = small.caller(OWNER), f"/api/groups/{small.group}/imports"
    made = owner.post(path, content=f"address\n{some()}\n", headers=CSV).headers["location"]
    eventually(lambda: owner.get(made).json()["state"] == "done")

    for query in ("", "?dryRun=true"):
        said = problem(owner.post(f"{made}/undo{query}"), Reason.FEATURE_OFF)
        assert "'undo' is off" in said["detail"]
    assert owner.get(f"{made}/results").status_code == 200


APP = "0dd74e1b-5173-474c-8994-83b0718bd229"
DOORS: list[tuple[str, str, str, Any]] = [
    ("setup", "POST", "/api/setups", {"app": {"appId": APP}, "owners": [OWNER]}),
    ("setup", "POST", "/api/setups?dryRun=true", {"app": {"appId": APP}, "owners": [OWNER]}),
    ("setup", "POST", f"/api/setups/{'a' * 22}/retry", None),
    ("setup", "POST", f"/api/setups/{'a' * 22}/steps/group/confirm", None),
    ("setup", "DELETE", f"/api/apps/{APP}", None),
    ("audits", "POST", "/api/audits", None),
    ("remedies", "POST", f"/api/audits/{'a' * 22}/remedies/{APP}", None),
    ("remedies", "POST", f"/api/audits/{'a' * 22}/remedies/{APP}/undo", None),
    ("remedies", "PUT", f"/api/apps/{APP}/audit-policy", {"remedies": {"membership-expired": "remove"}}),
]


@pytest.mark.parametrize(("feature", "method", "path", "body"), DOORS, ids=[f"{d[1]} {d[2]}" for d in DOORS])
def test_what_is_off_is_refused_at_its_door(small: Tenant, feature: str, method: str, path: str, body: Any) -> None:
    headers = {"If-Match": '"tag"'} if method == "DELETE" else {}
    answer = small.caller(ADMIN).request(method, path, json=body, headers=headers)

    said = problem(answer, Reason.FEATURE_OFF)
    assert f"'{feature}' is off" in said["detail"]
    assert "GUESTLIST_FEATURES" in said["remedy"]
    problem(small.caller(AUDITOR).request(method, path, json=body, headers=headers), Reason.NOT_ADMIN)


@pytest.mark.parametrize("path", ["/api/setups", "/api/audits", "/api/apps", "/api/change-log", "/api/doctor"])
def test_what_is_there_can_be_read(small: Tenant, path: str) -> None:
    assert small.caller(AUDITOR).get(path).status_code == 200


def test_the_doctor_asks_for_invitings_permissions_and_names_what_is_off(small: Tenant) -> None:
    checks = {c["check"]: c for c in small.caller(ADMIN).get("/api/doctor").json()["checks"]}

    asked = {name.split()[0] for name in checks if name.split()[0] in {p.name for p in PERMISSIONS}}
    assert asked == set(INVITING)
    for feature in Feature:
        found = checks[f"Feature '{feature.value}'"]
        assert found["state"] == "ok"
        assert found["detail"].startswith("ready" if feature is Feature.INVITING else "switched off")
    assert checks["Names of settings"]["state"] == "attention"
    assert checks["Names of settings"]["detail"] == "GUESTLIST_KEY_KEPT is called GUESTLIST_KEY_RETENTION now"


def test_the_timer_of_audits_is_quiet_and_a_process_says_what_it_can_do(
    small: Tenant, stranger: httpx.Client
) -> None:
    small.stack.kill_workers()
    ready(stranger)

    for said in (
        "every feature that is on has its permissions (inviting)",
        "GUESTLIST_KEY_KEPT is called GUESTLIST_KEY_RETENTION now",
    ):
        eventually(partial(is_logged, small, said))
    assert small.caller(ADMIN).get("/api/audits").json()["value"] == []


def test_what_inviting_lacks_makes_it_not_ready_and_is_logged_by_a_sweep(
    small: Tenant, stranger: httpx.Client
) -> None:
    missing = "GroupMember.ReadWrite.All"
    small.permissions(*(p for p in INVITING if p != missing))
    small.stack.kill_workers()

    status, said = ready(stranger)

    assert (status, said["status"]) == (503, "not-ready")
    [inviting] = [f for f in said["features"] if f["status"] == "missing"]
    [lacked] = inviting["missing"]
    purpose = next(p for p in PERMISSIONS if p.name == missing).purposes[Feature.INVITING]
    assert lacked == {"permission": missing, "purpose": purpose}
    line = f"feature 'inviting' lacks {missing} (else it cannot {purpose})"
    eventually(lambda: any(line in path.read_text() for path in small.stack.logs.glob("host-*.log")))
    small.permissions(*INVITING)
    small.stack.kill_workers()
    assert ready(stranger)[0] == 200


def test_a_stranger_learns_no_names_of_anything(small: Tenant, stranger: httpx.Client) -> None:
    text = stranger.get("/api/health/ready").text

    identity = next(c for c in small.stack.tenant.seed["clients"] if c.get("isManagedIdentity"))
    for secret in (small.stack.tenant.id, identity["clientId"], "127.0.0.1", "devstoreaccount1"):
        assert secret not in text
