"""Each endpoint for each kind of caller: who may, who may not, and that nobody is shown another group's guests."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.integration.conftest import ADMIN, AUDITOR, OWNER, STRANGER, Tenant, eventually
from tests.integration.test_setups import confirm_all, start

pytestmark = pytest.mark.xdist_group("stack")

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("anonymous", "other-owner", "owner", "admin", "auditor", "app")
"""Nobody; the owner of another group; the group's owner; app roles Admin and Auditor; an app with Inviter."""

# Endpoint: method, path with what the scene fills in, and what each of ROLES gets. A name in braces is the scene's;
# `{new}` is an address of the cell's own. An endpoint may have several rows.
CELLS: list[tuple[str, str, str, Any]] = [
    # The caller
    ("GET", "/api/me", "401 200 200 200 200 200", None),
    ("GET", "/api/sign-in", "200 200 200 200 200 200", None),
    ("GET", "/api/health", "200 200 200 200 200 200", None),
    ("GET", "/api/health/ready", "200 200 200 200 200 200", None),
    ("GET", "/api/problems", "200 200 200 200 200 200", None),
    ("GET", "/api/problems/not-owner", "200 200 200 200 200 200", None),
    ("GET", "/api/openapi.json", "200 200 200 200 200 200", None),
    ("GET", "/api/docs", "200 200 200 200 200 200", None),
    ("GET", "/api/docs.css", "200 200 200 200 200 200", None),
    # Groups and guests
    ("GET", "/api/groups", "401 200 200 200 200 200", None),
    ("GET", "/api/groups?all=true", "401 403 403 200 200 403", None),
    ("GET", "/api/groups/{group}", "401 403 200 200 200 403", None),
    ("GET", "/api/groups/{group}/guests", "401 403 200 200 200 403", None),
    ("DELETE", "/api/groups/{group}/guests/{nobody}", "401 403 404 404 403 403", None),
    ("PUT", "/api/groups/{group}/guests/{guest}/expiry", "401 403 200 200 403 403", {"expires": "2099-01-31"}),
    ("POST", "/api/groups/{group}/mail-preview", "401 403 200 200 403 403", {"welcomeMessage": "Hello {guest}"}),
    # Invitations
    ("POST", "/api/groups/{group}/invitations", "401 403 202 202 403 403", {"address": "{new}"}),
    ("GET", "/api/groups/{group}/invitations", "401 403 200 200 200 403", None),
    ("GET", "/api/invitations/{invitation}", "401 404 200 200 200 404", None),
    ("POST", "/api/invitations/{failed}/cancel", "401 404 409 409 404 404", None),
    # Imports
    ("POST", "/api/groups/{group}/imports?dryRun=true", "401 403 200 200 403 403", "address\n{new}\n"),
    ("POST", "/api/groups/{group}/imports", "401 403 202 202 403 403", "address\n{new}\n"),
    ("GET", "/api/groups/{group}/imports", "401 403 200 200 200 403", None),
    ("GET", "/api/groups/{group}/imports/{import}", "401 404 200 200 200 404", None),
    ("GET", "/api/groups/{group}/imports/{import}/results", "401 404 200 200 200 404", None),
    ("POST", "/api/groups/{group}/imports/{import}/pause", "401 404 409 409 404 404", None),
    ("POST", "/api/groups/{group}/imports/{import}/resume", "401 404 409 409 404 404", None),
    ("POST", "/api/groups/{group}/imports/{import}/cancel", "401 404 409 409 404 404", None),
    ("POST", "/api/groups/{group}/imports/{import}/undo?dryRun=true", "401 404 200 200 404 404", None),
    # Join requests
    ("POST", "/api/groups/{group}/requests", "202 202 202 202 202 202", {"address": "{new}"}),
    ("POST", "/api/groups/{other}/requests", "404 404 404 404 404 404", {"address": "{new}"}),
    ("GET", "/api/groups/{group}/requests", "401 403 200 200 200 403", None),
    ("POST", "/api/groups/{group}/requests/{request}/proof", "404 404 404 404 404 404", {"code": "0" * 32}),
    ("POST", "/api/groups/{group}/requests/{unknown}/approve", "401 403 404 404 403 403", None),
    ("POST", "/api/groups/{group}/requests/{unknown}/decline", "401 403 404 404 403 403", None),
    # Apps and templates
    ("GET", "/api/apps", "401 200 200 200 200 200", None),
    ("GET", "/api/apps/{app}", "401 404 200 200 200 404", None),
    ("DELETE", "/api/apps/{app}?dryRun=true", "401 403 403 200 403 403", None),
    ("GET", "/api/apps/{app}/templates", "401 404 200 200 200 404", None),
    ("PUT", "/api/apps/{app}/templates", "401 404 200 200 404 404", {"value": [{"name": "a", "text": "Hi {guest}"}]}),
    # Setups
    ("POST", "/api/setups?dryRun=true", "401 403 403 200 403 403", {"app": {"appId": "{app}"}, "owners": [OWNER]}),
    ("GET", "/api/setups", "401 403 403 200 200 403", None),
    ("GET", "/api/setups/{setup}", "401 403 403 200 200 403", None),
    ("POST", "/api/setups/{setup}/steps/verify/confirm", "401 403 403 409 403 403", None),
    ("POST", "/api/setups/{setup}/retry", "401 403 403 202 403 403", None),
    ("GET", "/api/doctor", "401 403 403 200 200 403", None),
    # Audits
    ("POST", "/api/audits", "401 403 403 202 403 403", None),
    ("GET", "/api/audits", "401 403 403 200 200 403", None),
    ("GET", "/api/audits/latest", "401 403 403 200 200 403", None),
    ("GET", "/api/audits/{audit}", "401 403 403 200 200 403", None),
    ("GET", "/api/audits/{audit}/findings", "401 403 403 200 200 403", None),
    ("GET", "/api/audits/{audit}/findings.csv", "401 403 403 200 200 403", None),
    ("GET", "/api/audits/{audit}/report.html", "401 403 403 200 200 403", None),
    ("GET", "/api/audits/{audit}/remedies", "401 403 403 200 200 403", None),
    ("GET", "/api/audits/{audit}/remedies/{app}", "401 403 403 404 404 403", None),
    ("POST", "/api/audits/{audit}/remedies/{app}", "401 403 403 404 403 403", None),
    ("POST", "/api/audits/{audit}/remedies/{app}/undo", "401 403 403 404 403 403", None),
    ("GET", "/api/apps/{app}/audit-policy", "401 404 200 200 200 404", None),
    ("PUT", "/api/apps/{app}/audit-policy", "401 403 403 200 403 403", {"mostGuests": 5}),
    ("GET", "/api/groups/{group}/findings", "401 403 200 200 200 403", None),
    ("GET", "/api/trail", "401 403 403 200 200 403", None),
    ("GET", "/api/trail.csv", "401 403 403 200 200 403", None),
    # People
    ("POST", "/api/people/exports", "401 403 403 202 403 403", {"address": "{new}"}),
    ("GET", "/api/people/exports/{unknown}", "401 403 403 404 403 403", None),
    ("POST", "/api/people/erasures", "401 403 403 202 403 403", {"address": "{new}"}),
    ("GET", "/api/people/erasures/{unknown}", "401 403 403 404 403 403", None),
    # Pages
    ("GET", "/portal", "200 200 200 200 200 200", None),
    ("GET", "/portal/groups/{group}", "200 200 200 200 200 200", None),
    ("GET", "/", "302 302 302 302 302 302", None),
    ("GET", "/page.css", "200 200 200 200 200 200", None),
    ("GET", "/request/style.css", "400 400 400 400 400 400", None),
    ("GET", "/request/{group}", "200 200 200 200 200 200", None),
    ("GET", "/request/{other}", "404 404 404 404 404 404", None),
    ("GET", "/request/{group}/sent", "200 200 200 200 200 200", None),
    ("GET", "/request/{group}/{request}?code=x", "404 404 404 404 404 404", None),
    ("GET", "/invite/{group}", "200 200 200 200 200 200", None),
    ("GET", "/invite/{group}/{invitation}", "200 404 200 200 200 404", None),
]


@dataclass
class Scene:
    """A group with a guest, an invitation that failed, an import, a request; and everybody who may come."""

    names: dict[str, str]
    callers: dict[str, httpx.Client]
    secrets: tuple[str, ...]

    def fill(self, text: str) -> str:
        for name, value in (self.names | {"new": f"{uuid.uuid4().hex[:12]}@fabrikam.com"}).items():
            text = text.replace(f"{{{name}}}", value)
        return text


@pytest.fixture(scope="module")
def scene(stack: Stack) -> Iterator[Scene]:
    tenant = Tenant(stack)
    tenant.simulator.post("/_sim/reset").raise_for_status()
    app, other = str(uuid.uuid4()), str(uuid.uuid4())
    stranger = tenant.stack.tenant.person(STRANGER)["id"]
    seed = {
        "servicePrincipals": [
            {
                "id": str(uuid.uuid4()),
                "appId": app,
                "displayName": f"App {app[:8]}",
                "preferredSingleSignOnMode": "saml",
                "loginUrl": "https://app.example/login",
            }
        ],
        "groups": [{"id": other, "displayName": "Somebody else's guests", "owners": [stranger]}],
    }
    tenant.simulator.post("/_sim/seed", json=seed).raise_for_status()
    location = start(tenant, {"app": {"appId": app}, "owners": [OWNER]})
    group = str(confirm_all(tenant, location)["found"]["group"]["id"])
    secret, failed = f"secret-{uuid.uuid4().hex[:8]}@fabrikam.com", "nobody@contoso.com"
    invitation = tenant.invite(secret, group=group)
    unable = tenant.invite(failed, group=group)
    guest = str(tenant.end_of(invitation)["userId"])
    assert tenant.end_of(unable)["state"] == "failed"
    owner = tenant.caller(OWNER)
    headers = {"content-type": "text/csv"}
    answer = owner.post(f"/api/groups/{group}/imports?name=x.csv", content=f"address\n{secret}\n", headers=headers)
    imported = str(answer.json()["id"])
    eventually(lambda: owner.get(f"/api/groups/{group}/imports/{imported}").json()["state"] == "done")
    asked = owner.post(f"/api/groups/{group}/requests", json={"address": "asks@fabrikam.com"})
    assert asked.status_code == 202, asked.text
    admin = tenant.caller(ADMIN)
    audit = str(admin.post("/api/audits").raise_for_status().json()["id"])
    eventually(lambda: admin.get(f"/api/audits/{audit}").json()["state"] == "done")
    anonymous = httpx.Client(base_url=stack.host_url, timeout=60)
    # Not before the first sweep's message is back.
    eventually(lambda: anonymous.get("/api/health/ready").status_code == 200)
    yield Scene(
        names={
            "group": group,
            "other": other,
            "app": app,
            "setup": location.rsplit("/", 1)[1],
            "guest": guest,
            "nobody": str(uuid.uuid4()),
            "invitation": invitation,
            "failed": unable,
            "import": imported,
            "request": "a" * 22,
            "audit": audit,
            "unknown": "b" * 22,
        },
        callers={
            "anonymous": anonymous,
            "other-owner": tenant.caller(STRANGER),
            "owner": owner,
            "admin": admin,
            "auditor": tenant.caller(AUDITOR),
            "app": tenant.caller(client="inviting-daemon"),
        },
        secrets=(secret, failed, group),
    )
    tenant.drain()
    anonymous.close()
    tenant.close()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path", "expected", "body"), CELLS, ids=[f"{c[0]} {c[1]}" for c in CELLS])
def test_each_caller_gets_what_is_theirs_and_no_more(
    scene: Scene, role: str, method: str, path: str, expected: str, body: Any
) -> None:
    status = int(expected.split()[ROLES.index(role)])
    content, headers = None, {"X-Forwarded-For": "198.51.100.7"}
    if body is not None:
        is_file = isinstance(body, str)
        content = scene.fill(body if is_file else json.dumps(body))
        headers["content-type"] = "text/csv" if is_file else "application/json"

    answer = scene.callers[role].request(method, scene.fill(path), content=content, headers=headers)

    assert answer.status_code == status, answer.text
    if status in (401, 403, 404):
        assert not [s for s in scene.secrets[:2] if s in answer.text], "a refusal tells of a guest"
        if not path.startswith(("/portal", "/request", "/invite")):
            assert answer.headers["content-type"] == "application/problem+json"
    if role in ("anonymous", "other-owner", "app") and status == 200:
        assert not [s for s in scene.secrets[:2] if s in answer.text], "somebody is shown another group's guests"


def test_every_endpoint_of_the_app_is_in_the_table() -> None:
    program = (
        "import json, function_app\n"
        "found = [(b.methods, b.route) for f in function_app.app.get_functions() for b in f.get_bindings()"
        " if b.type == 'httpTrigger']\n"
        "print(json.dumps([(str(getattr(m, 'value', m)), route) for methods, route in found for m in methods]))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    routes = {(method, "/" + route.strip("/")) for method, route in json.loads(found.stdout)}

    def fits(method: str, path: str) -> set[tuple[str, str]]:
        parts = path.partition("?")[0].strip("/").split("/")
        found = set()
        for verb, route in routes:
            names = route.strip("/").split("/")
            whole = len(names) == len(parts) or (names[-1] == "{*path}" and len(parts) >= len(names))
            same = all(n == p or n.startswith("{") for n, p in zip(names, parts, strict=False))
            if verb == method and whole and same:
                found.add((verb, route))
        fewest = min((route.count("{") for _, route in found), default=0)
        return {(verb, route) for verb, route in found if route.count("{") == fewest}

    covered = {route for method, path, *_ in CELLS for route in fits(method, path)}
    assert routes - covered == set(), "endpoints without a row"
