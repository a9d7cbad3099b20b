"""Each endpoint for each kind of caller: who may, who may not, and that nobody is shown another group's guests.

Who may is not written here: each row names its action, and `shared.membership.model.access` says whose it is.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from functions import workers
from functions.http import ROUTES, Route
from local.stack import Stack
from shared.membership.model.access import RULES, Action, AppRole, Object, Role, may
from tests.integration.conftest import ADMIN, OTHER, OWNER, STRANGER, Tenant, eventually
from tests.integration.test_setups import confirm_all, start

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
GUS = "gus_adatum.com#EXT#@contoso.onmicrosoft.com"
FORMER_OWNER, FORMER_APPROVER, HOLDER = (
    "frida.former@contoso.com",
    "finn.former@contoso.com",
    "hal.holder@contoso.com",
)

NOBODY: tuple[Role, ...] = ()
COLUMNS: dict[str, tuple[Role, ...]] = {
    "other-owner": NOBODY,
    "owner": (Role.OWNER,),
    "former-owner": NOBODY,
    "approver": (Role.APPROVER,),
    "former-approver": NOBODY,
    "admin": (Role.ADMIN,),
    "setup-admin": (Role.SETUP_ADMIN,),
    "operator": (Role.OPERATOR,),
    "privacy-officer": (Role.PRIVACY_OFFICER,),
    "auditor": (Role.AUDITOR,),
    "inviter": (Role.INVITER,),
    "other-inviter": NOBODY,
}
"""Who comes with a token that counts, and what they are to the scene's group. The former ones stand in the app's
record, or did; `other-inviter` has the app role Inviter, and no app's record names it."""
TURNED_AWAY = {"anonymous": 401, "guest": 403, "unlisted-client": 403}
"""Who comes no further than the door, whatever they own: nobody, a guest who owns the group, and the group's owner in
an application that is not listed."""
ROLES = (*TURNED_AWAY, *COLUMNS)


@dataclass(frozen=True)
class Row:
    """One endpoint. `path` has what the scene fills in, in braces; `{new}` is an address of the cell's own.

    `opens` is the action, ANYBODY or SIGNED_IN; whoever may gets `ok`, who may not `refused`. `but` names what some
    get instead.
    """

    method: str
    path: str
    opens: Action | str
    ok: int = 200
    refused: int = 403
    body: Any = None
    but: dict[str, int] = field(default_factory=dict)

    def expected(self, role: str) -> int:
        if role in self.but:
            return self.but[role]
        if self.opens == ANYBODY:
            return self.ok
        if role in TURNED_AWAY:
            return TURNED_AWAY[role]
        may_do = self.opens == SIGNED_IN or may(COLUMNS[role], Action(self.opens))
        return self.ok if may_do else self.refused


ANYBODY, SIGNED_IN = "anybody", "signed-in"
SHOWN = "/api/groups/{group}"
IMPORT, THEIRS, REQUEST = f"{SHOWN}/imports/{{import}}", f"{SHOWN}/imports/{{theirs}}", f"{SHOWN}/requests"
AUDIT = "/api/audits/{audit}"

ROWS: list[Row] = [
    # The caller
    Row("GET", "/api/me", SIGNED_IN),
    *(
        Row("GET", path, ANYBODY)
        for path in (
            *("/api/sign-in", "/api/health", "/api/health/ready", "/api/problems", "/api/problems/not-owner"),
            *("/api/openapi.json", "/api/docs", "/api/docs.css"),
        )
    ),
    # Groups and guests
    Row("GET", "/api/groups", SIGNED_IN),
    Row("GET", "/api/groups?all=true", Action.LIST_ALL_GROUPS),
    Row("GET", SHOWN, Action.SEE_GROUP),
    Row("GET", f"{SHOWN}/guests", Action.READ_GUESTS),
    Row("DELETE", f"{SHOWN}/guests/{{nobody}}", Action.CHANGE_GUESTS, 404),
    Row("PUT", f"{SHOWN}/guests/{{guest}}/expiry", Action.CHANGE_GUESTS, body={"expires": "2099-01-31"}),
    Row("POST", f"{SHOWN}/mail-preview", Action.INVITE, body={"welcomeMessage": "Hello {guest}"}),
    # Invitations
    Row("POST", f"{SHOWN}/invitations", Action.INVITE, 202, body={"address": "{new}"}),
    Row("GET", f"{SHOWN}/invitations", Action.READ_GUESTS),
    Row("GET", "/api/invitations/{invitation}", Action.READ_GUESTS, refused=404),
    Row("POST", "/api/invitations/{failed}/cancel", Action.CANCEL_INVITATION, 409, 404),
    # Imports: an owner's, and an administrator's for many groups
    Row("POST", f"{SHOWN}/imports?dryRun=true", Action.INVITE, body="address\n{new}\n"),
    Row("POST", f"{SHOWN}/imports", Action.INVITE, 202, body="address\n{new}\n"),
    Row("GET", f"{SHOWN}/imports", Action.READ_GUESTS),
    Row("GET", IMPORT, Action.READ_GUESTS, refused=404),
    Row("GET", f"{IMPORT}/results", Action.READ_GUESTS, refused=404),
    Row("POST", f"{IMPORT}/pause", Action.CHANGE_IMPORT, 409, 404),
    Row("POST", f"{IMPORT}/resume", Action.CHANGE_IMPORT, 409, 404),
    Row("POST", f"{IMPORT}/cancel", Action.CHANGE_IMPORT, 409, 404),
    Row("POST", f"{IMPORT}/undo?dryRun=true", Action.CHANGE_IMPORT, refused=404),
    Row("GET", THEIRS, Action.READ_ADMIN_IMPORT, refused=404),
    Row("GET", f"{THEIRS}/results", Action.READ_ADMIN_IMPORT, refused=404),
    Row("POST", f"{THEIRS}/pause", Action.CHANGE_ADMIN_IMPORT, 409, 404),
    Row("POST", f"{THEIRS}/resume", Action.CHANGE_ADMIN_IMPORT, 409, 404),
    Row("POST", f"{THEIRS}/cancel", Action.CHANGE_ADMIN_IMPORT, 409, 404),
    Row("POST", f"{THEIRS}/undo?dryRun=true", Action.CHANGE_ADMIN_IMPORT, refused=404),
    # Join requests
    Row("POST", REQUEST, ANYBODY, 202, body={"address": "{new}"}),
    Row("POST", "/api/groups/{other}/requests", ANYBODY, 404, body={"address": "{new}"}),
    Row("GET", REQUEST, Action.READ_REQUESTS),
    Row("POST", f"{REQUEST}/{{request}}/proof", ANYBODY, 404, body={"code": "0" * 32}),
    Row("POST", f"{REQUEST}/{{unknown}}/approve", Action.DECIDE_REQUESTS, 404),
    Row("POST", f"{REQUEST}/{{unknown}}/decline", Action.DECIDE_REQUESTS, 404),
    # Apps and templates
    Row("GET", "/api/apps", SIGNED_IN),
    Row("GET", "/api/apps/{app}", Action.READ_APP, refused=404),
    Row("DELETE", "/api/apps/{app}?dryRun=true", Action.RUN_SETUP),
    Row("PUT", "/api/apps/{app}/inviters", Action.RUN_SETUP, body={"value": ["{inviter}"]}),
    Row("GET", "/api/apps/{app}/templates", Action.READ_APP, refused=404),
    Row(
        *("PUT", "/api/apps/{app}/templates", Action.WRITE_TEMPLATES, 200, 404),
        body={"value": [{"name": "a", "text": "Hi {guest}"}]},
    ),
    # Setups
    Row("POST", "/api/setups?dryRun=true", Action.RUN_SETUP, body={"app": {"appId": "{app}"}, "owners": [OWNER]}),
    Row("GET", "/api/setups", Action.READ_SETUPS),
    Row("GET", "/api/setups/{setup}", Action.READ_SETUPS),
    Row("POST", "/api/setups/{setup}/steps/verify/confirm", Action.RUN_SETUP, 409),
    Row("POST", "/api/setups/{setup}/retry", Action.RUN_SETUP, 202),
    Row("GET", "/api/doctor", Action.DIAGNOSE),
    # The stop. Whether the caller may comes before the body, which is wrong: nothing is stopped here.
    Row("GET", "/api/stop", SIGNED_IN),
    Row("POST", "/api/stop", Action.STOP, 400, body={"reason": 5}),
    Row("DELETE", "/api/stop", Action.STOP),
    # Audits
    Row("POST", "/api/audits", Action.RUN_AUDITS, 202),
    *(
        Row("GET", path, Action.READ_AUDITS)
        for path in (
            *("/api/audits", "/api/audits/latest", AUDIT, f"{AUDIT}/findings", f"{AUDIT}/findings.csv"),
            *(
                f"{AUDIT}/report.html",
                f"{AUDIT}/remedies",
                "/api/change-log",
                "/api/change-log.csv",
                "/api/trail",
                "/api/trail.csv",
            ),
        )
    ),
    Row("GET", f"{AUDIT}/remedies/{{app}}", Action.READ_AUDITS, 404),
    Row("POST", f"{AUDIT}/remedies/{{app}}", Action.RUN_AUDITS, 404),
    Row("POST", f"{AUDIT}/remedies/{{app}}/undo", Action.RUN_AUDITS, 404),
    Row("GET", "/api/apps/{app}/audit-policy", Action.READ_APP, refused=404),
    Row("PUT", "/api/apps/{app}/audit-policy", Action.RUN_AUDITS, body={"maxGuests": 5}),
    Row("GET", f"{SHOWN}/findings", Action.READ_GUESTS),
    # People
    Row("POST", "/api/people/exports", Action.HANDLE_PERSONAL_DATA, 202, body={"address": "{new}"}),
    Row("GET", "/api/people/exports/{unknown}", Action.HANDLE_PERSONAL_DATA, 404),
    Row("POST", "/api/people/erasures", Action.HANDLE_PERSONAL_DATA, 202, body={"address": "{new}"}),
    Row("GET", "/api/people/erasures/{unknown}", Action.HANDLE_PERSONAL_DATA, 404),
    # Pages
    Row("GET", "/portal", ANYBODY),
    Row("GET", "/portal/groups/{group}", ANYBODY),
    Row("GET", "/", ANYBODY, 302),
    Row("GET", "/page.css", ANYBODY),
    Row("GET", "/request/style.css", ANYBODY, 400),
    Row("GET", "/request/{group}", ANYBODY),
    Row("GET", "/request/{other}", ANYBODY, 404),
    Row("GET", "/request/{group}/sent", ANYBODY),
    Row("GET", "/request/{group}/{request}?code=x", ANYBODY, 404),
    Row("GET", "/invite/{group}", ANYBODY),
    # To nobody it says that the invitation was taken, and no more.
    Row("GET", "/invite/{group}/{invitation}", Action.READ_GUESTS, refused=404, but={"anonymous": 200}),
]


@dataclass
class Scene:
    """A group with a guest, an invitation that failed, two imports; and everybody who may come."""

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
        "users": [_person(each) for each in (FORMER_OWNER, FORMER_APPROVER, HOLDER)],
        "groups": [{"id": other, "displayName": "Somebody else's guests", "owners": [stranger]}],
    }
    tenant.simulator.post("/_sim/seed", json=seed).raise_for_status()
    wanted: dict[str, Any] = {"app": {"appId": app}, "owners": [OWNER, FORMER_OWNER]}
    policy = {"policy": {"requests": "approval", "approvers": [OTHER, FORMER_APPROVER]}}
    group = str(confirm_all(tenant, start(tenant, wanted | policy))["found"]["group"]["id"])
    inviter = next(str(c["objectId"]) for c in stack.tenant.seed["clients"] if c["name"] == "inviting-daemon")
    tenant.caller(ADMIN).put(f"/api/apps/{app}/inviters", json={"value": [inviter]}).raise_for_status()
    # One approver less. The former owner stays in the app's record; in the directory a guest owns the group instead.
    policy = {"policy": {"requests": "approval", "approvers": [OTHER]}}
    location = start(tenant, wanted | policy | {"group": {"id": group}})
    confirm_all(tenant, location)
    _owners(tenant, group, add=GUS, remove=FORMER_OWNER)
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
    headers = {"content-type": "text/csv"}
    answer = admin.post(f"/api/groups/{group}/imports?name=y.csv", content=f"address\n{secret}\n", headers=headers)
    theirs = str(answer.json()["id"])
    eventually(lambda: admin.get(f"/api/groups/{group}/imports/{theirs}").json()["state"] == "done")
    audit = str(admin.post("/api/audits").raise_for_status().json()["id"])
    eventually(lambda: admin.get(f"/api/audits/{audit}").json()["state"] == "done")
    anonymous = httpx.Client(base_url=stack.host_url, timeout=60)
    # Not before the first sweep's message is back.
    eventually(lambda: anonymous.get("/api/health/ready").status_code == 200)
    callers = _callers(tenant, anonymous)
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
            "theirs": theirs,
            "request": "a" * 22,
            "audit": audit,
            "unknown": "b" * 22,
            "inviter": inviter,
        },
        callers=callers,
        secrets=(secret, failed, group),
    )
    for client in callers.values():
        client.close()
    tenant.drain()
    tenant.close()


def _person(name: str) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "userPrincipalName": name, "displayName": name, "mail": name}


def _owners(tenant: Tenant, group: str, *, add: str, remove: str) -> None:
    """Change the group's owners in the directory, as an administrator does there."""
    token = tenant.token(client="guestlist", audience="https://graph.microsoft.com")
    graph = {"base_url": f"{tenant.simulator.base_url}/v1.0", "headers": {"Authorization": f"Bearer {token}"}}
    with httpx.Client(**graph, timeout=30) as http:  # type: ignore[arg-type]

        def id_of(name: str) -> str:
            return str(http.get(f"/users/{name.replace('#', '%23')}").raise_for_status().json()["id"])

        body = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{id_of(add)}"}
        http.post(f"/groups/{group}/owners/$ref", json=body).raise_for_status()
        http.delete(f"/groups/{group}/owners/{id_of(remove)}/$ref").raise_for_status()


def _callers(tenant: Tenant, anonymous: httpx.Client) -> dict[str, httpx.Client]:
    def bearer(token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=tenant.stack.host_url, headers=headers, timeout=60)

    def holds(role: AppRole) -> httpx.Client:
        return bearer(tenant.token(username=HOLDER, claims={"roles": [role.value]}))

    unnamed = {"oid": str(uuid.uuid4()), "azp": str(uuid.uuid4())}
    return {
        "anonymous": anonymous,
        "guest": bearer(tenant.token(username=GUS, claims={"roles": [AppRole.ADMIN.value]})),
        "unlisted-client": bearer(tenant.token(username=OWNER, claims={"azp": AZURE_CLI})),
        "other-owner": bearer(tenant.token(username=STRANGER)),
        "owner": bearer(tenant.token(username=OWNER)),
        "former-owner": bearer(tenant.token(username=FORMER_OWNER)),
        "approver": bearer(tenant.token(username=OTHER)),
        "former-approver": bearer(tenant.token(username=FORMER_APPROVER)),
        "admin": holds(AppRole.ADMIN),
        "setup-admin": holds(AppRole.SETUP_ADMIN),
        "operator": holds(AppRole.OPERATOR),
        "privacy-officer": holds(AppRole.PRIVACY_OFFICER),
        "auditor": holds(AppRole.AUDITOR),
        "inviter": bearer(tenant.token(client="inviting-daemon")),
        "other-inviter": bearer(tenant.token(client="inviting-daemon", claims=unnamed | {"sub": unnamed["oid"]})),
    }


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
def test_each_caller_gets_what_is_theirs_and_no_more(scene: Scene, role: str, row: Row) -> None:
    status = row.expected(role)
    content, headers = None, {"X-Forwarded-For": "198.51.100.7"}
    if row.body is not None:
        is_file = isinstance(row.body, str)
        content = scene.fill(row.body if is_file else json.dumps(row.body))
        headers["content-type"] = "text/csv" if is_file else "application/json"

    answer = scene.callers[role].request(row.method, scene.fill(row.path), content=content, headers=headers)

    assert answer.status_code == status, answer.text
    is_page = row.path.startswith(("/portal", "/request", "/invite"))
    if status in (401, 403, 404):
        assert not [s for s in scene.secrets[:2] if s in answer.text], "a refusal tells of a guest"
        if not is_page:
            assert answer.headers["content-type"] == "application/problem+json"
    if role in TURNED_AWAY and status in (401, 403) and not is_page:
        reasons = {"anonymous": "token-missing", "guest": "guest-caller", "unlisted-client": "client-not-allowed"}
        assert answer.json()["reason"] == reasons[role]
    if status == 200 and (role in TURNED_AWAY or not may(COLUMNS[role], Action.READ_GUESTS)):
        assert not [s for s in scene.secrets[:2] if s in answer.text], "somebody is shown another group's guests"


def test_an_app_sees_the_import_that_it_sent_and_no_other(scene: Scene) -> None:
    imports, content = scene.fill("/api/groups/{group}/imports"), scene.fill("address\n{new}\n")
    sent = scene.callers["inviter"].post(imports, content=content, headers={"content-type": "text/csv"})
    path = str(sent.raise_for_status().headers["location"])

    seen = {name: client.get(path).status_code for name, client in scene.callers.items()}
    stopped = {name: scene.callers[name].post(f"{path}/pause").status_code for name in ("inviter", "other-inviter")}

    readers = {name for name, roles in COLUMNS.items() if may(roles, Action.READ_GUESTS)}
    assert {name for name, status in seen.items() if status == 200} == {*readers, "inviter"}
    assert stopped == {"inviter": 404, "other-inviter": 404}


def test_an_app_that_is_named_no_more_is_refused_at_once(scene: Scene) -> None:
    setup_admin, app = scene.callers["setup-admin"], scene.callers["inviter"]
    path, invitations = scene.fill("/api/apps/{app}/inviters"), scene.fill("/api/groups/{group}/invitations")
    sent = app.post(invitations, json={"address": scene.fill("{new}")}).raise_for_status().headers["location"]
    assert app.get(sent).status_code == 200
    try:
        assert setup_admin.put(path, json={"value": []}).json() == {"value": []}
        assert setup_admin.get(scene.fill("/api/apps/{app}")).json()["inviters"] == []

        refused = app.post(invitations, json={"address": scene.fill("{new}")})

        assert (refused.status_code, refused.json()["reason"]) == (403, "not-owner")
        assert app.get(sent).status_code == 404
    finally:
        setup_admin.put(path, json={"value": [scene.names["inviter"]]}).raise_for_status()
    assert app.post(invitations, json={"address": scene.fill("{new}")}).status_code == 202


@pytest.mark.parametrize("value", [["no guid"], ["7c9e6679-7425-40de-944b-e07fc1f90ae7"] * 51, [None], "x"], ids=str)
def test_what_is_no_list_of_apps_is_refused(scene: Scene, value: Any) -> None:
    answer = scene.callers["setup-admin"].put(scene.fill("/api/apps/{app}/inviters"), json={"value": value})

    assert (answer.status_code, answer.json()["reason"]) == (400, "body-invalid")


def test_a_group_says_what_the_caller_may_do_as_the_table_does(scene: Scene) -> None:
    for name, roles in COLUMNS.items():
        told = {*scene.callers[name].get("/api/me").raise_for_status().json()["may"]}
        assert told == {a.value for a, rule in RULES.items() if rule.object is Object.TENANT and may(roles, a)}
        group = scene.callers[name].get(scene.fill("/api/groups/{group}"))
        if group.status_code == 200:
            told = {*group.json()["may"]}
            assert told == {a.value for a, rule in RULES.items() if rule.object is Object.GROUP and may(roles, a)}


@pytest.mark.usefixtures("scene")
def test_every_action_has_a_row() -> None:
    # The link is a part of an invitation; what a file may name is known when it is read.
    no_route = {Action.SEE_REDEEM_LINK, Action.IMPORT_TO_MANY}

    assert {row.opens for row in ROWS} - {ANYBODY, SIGNED_IN} == set(Action) - no_route


def routes_of(row: Row) -> list[Route]:
    parts = row.path.partition("?")[0].strip("/").split("/")
    found = []
    for route in ROUTES:
        names = route.path.strip("/").split("/")
        whole = len(names) == len(parts) or (names[-1] == "{*path}" and len(parts) >= len(names))
        same = all(n == p or n.startswith("{") for n, p in zip(names, parts, strict=False))
        if route.method == row.method and whole and same:
            found.append(route)
    fewest = min((route.path.count("{") for route in found), default=0)
    return [route for route in found if route.path.count("{") == fewest]


@pytest.mark.usefixtures("scene")
def test_every_endpoint_of_the_app_is_in_the_table() -> None:
    assert workers.PUBLIC, "importing the modules declares the routes"
    covered = {route.name for row in ROWS for route in routes_of(row)}

    assert {route.name for route in ROUTES} - covered == set(), "endpoints without a row"


@pytest.mark.usefixtures("scene")
def test_every_operation_names_the_action_of_its_rows() -> None:
    # More than the operation's own: by a parameter, or by who began an import.
    more = {Action.LIST_ALL_GROUPS, Action.READ_ADMIN_IMPORT, Action.CHANGE_ADMIN_IMPORT}
    for row in ROWS:
        for route in routes_of(row):
            if route.operation is not None and row.opens not in more:
                opens = route.action or (ANYBODY if route.operation.is_open else SIGNED_IN)
                assert opens == row.opens, route.name
