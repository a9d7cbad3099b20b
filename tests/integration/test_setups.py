"""Apps are set up through the running product: the article line by line, two at once, people's part, taking apart."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from shared.core.reasons import Reason
from shared.messages.commands import SetupStep
from tests.integration.conftest import ADMIN, AUDITOR, OTHER, OWNER, STRANGER, Tenant, eventually
from tests.integration.test_invitations import problem

DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"


class Graph:
    """The directory, read as any Graph client reads it."""

    def __init__(self, tenant: Tenant) -> None:
        token = tenant.token(client="guestlist", audience="https://graph.microsoft.com")
        self._http = tenant.simulator
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        answer = self._http.get(f"/v1.0{path}", headers=self._headers)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def all(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(path)["value"]
        return found


@pytest.fixture
def app(tenant: Tenant) -> dict[str, Any]:
    """An app of this test's own, as the gallery would have added it."""
    app_id = str(uuid.uuid4())
    app = {
        "id": str(uuid.uuid4()),
        "appId": app_id,
        "displayName": f"App {app_id[:8]}",
        "preferredSingleSignOnMode": "saml",
        "loginUrl": "https://app.example/login",
        "appRoleAssignmentRequired": True,
    }
    tenant.simulator.post("/_sim/seed", json={"servicePrincipals": [app]}).raise_for_status()
    return app


def body(app: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"app": {"appId": app["appId"]}, "owners": [OWNER]} | more


def see(tenant: Tenant, location: str) -> dict[str, Any]:
    answer = tenant.caller(ADMIN).get(location)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def start(tenant: Tenant, request: dict[str, Any], **headers: str) -> str:
    answer = tenant.caller(ADMIN).post("/api/setups", json=request, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/setups/{answer.json()['id']}"
    return str(answer.headers["location"])


def at_rest(tenant: Tenant, location: str, *, within_s: float = 120) -> dict[str, Any]:
    """The checklist when nothing more happens by itself."""

    def rests() -> dict[str, Any] | None:
        found = see(tenant, location)
        return found if found["state"] != "running" else None

    found = eventually(rests, within_s=within_s)
    assert found is not None
    return found


def step(checklist: dict[str, Any], name: str) -> dict[str, Any]:
    return next(s for s in checklist["steps"] if s["step"] == name)


def confirm_all(tenant: Tenant, location: str) -> dict[str, Any]:
    """Do what a person would, until nothing waits for one."""
    while (found := at_rest(tenant, location))["state"] == "waiting-for-person":
        for waiting in [s for s in found["steps"] if s["state"] == "manual"]:
            answer = tenant.caller(ADMIN).post(f"{location}/steps/{waiting['step']}/confirm", json={"note": "done"})
            assert answer.status_code == 200, answer.text
    return found


def test_the_article_line_by_line(tenant: Tenant, app: dict[str, Any]) -> None:
    """https://learn.microsoft.com/entra/external-id/add-users-information-worker, the setup by an administrator."""
    graph = Graph(tenant)
    groups_before = {g["id"] for g in graph.all("/groups?$select=id&$top=999")}
    location = start(tenant, body(app, group={"name": "Expenses guests", "description": "May use expenses"}))
    checklist = at_rest(tenant, location)

    # "Enable self-service group management for your tenant": no API has the switch, so a person is told where it
    # is (step 1) and confirms it. Nothing else was called for it.
    switch = step(checklist, "self-service-groups")["manualTask"]
    assert switch["values"] == [
        {"name": "Owners can manage group membership requests in the Access Panel", "value": "Yes"}
    ]
    assert switch["link"].startswith("https://entra.microsoft.com/")
    # "Under Manage, select Self-service, and set up self-service app access … select the group you created" (step 6).
    blade = step(checklist, "self-service-access")["manualTask"]
    group_id = checklist["found"]["group"]["id"]
    assert {"name": "To which group should assigned users be added?", "value": f"Expenses guests ({group_id})"} in (
        blade["values"]
    )
    assert app["id"] in blade["link"]
    checklist = confirm_all(tenant, location)
    assert checklist["state"] == "done", checklist

    # "Create a group": Security, a name and a description, membership type Assigned (step 2).
    made = [
        g
        for g in graph.all(
            "/groups?$top=999&$select=id,displayName,description,groupTypes,securityEnabled,"
            "mailEnabled,membershipRule"
        )
        if g["id"] not in groups_before
    ]
    assert [
        (g["displayName"], g["description"], g["groupTypes"], g["securityEnabled"], g["mailEnabled"]) for g in made
    ] == [("Expenses guests", "May use expenses", [], True, False)]
    # "Owners > Add owners": exactly the responsible person (step 3).
    assert [o["userPrincipalName"] for o in graph.all(f"/groups/{group_id}/owners")] == [OWNER]
    # "Find and open the app" (step 4): nothing was added, nothing renamed.
    principal = graph.get(f"/servicePrincipals(appId='{app['appId']}')")
    assert (principal["id"], principal["displayName"]) == (app["id"], app["displayName"])
    # "Configure the application for single sign-on" (step 5): it was, and was left as it is.
    assert principal["preferredSingleSignOnMode"] == "saml"
    # "Users and groups, and verify that the self-service group … appears" (step 7), and "Add user … the group owner
    # … Assign" (step 8): exactly these two.
    assigned = graph.all(f"/servicePrincipals/{app['id']}/appRoleAssignedTo")
    assert sorted((a["principalType"], a["principalDisplayName"], a["appRoleId"]) for a in assigned) == [
        ("Group", "Expenses guests", DEFAULT_ACCESS),
        ("User", "Olivia Owner", DEFAULT_ACCESS),
    ]
    # It shows in the owner's Access Panel: an assignment of the person, not only of a group.
    owner = next(a["principalId"] for a in assigned if a["principalType"] == "User")
    mine = graph.all(f"/users/{owner}/appRoleAssignments")
    assert app["id"] in {a["resourceId"] for a in mine}
    # "Verify" (step 9): all of it read back, and who confirmed what no API shows.
    checks = step(checklist, "verify")["checks"]
    assert {c["state"] for c in checks} <= {"ok", "unknown"}
    assert next(c["found"] for c in checks if "Access Panel" in c["check"]).startswith("Adam Admin confirmed it on")
    # And the owner invites a guest from the first minute.
    guest = f"guest-{uuid.uuid4().hex[:10]}@fabrikam.com"
    invitation = tenant.end_of(tenant.invite(guest, group=group_id))
    assert (invitation["state"], invitation["appName"]) == ("member", app["displayName"])
    assert app["appId"] in invitation["directLink"]
    assert tenant.members(group_id) == [guest]


def test_again_on_a_finished_app_changes_nothing_and_verifies_everything(tenant: Tenant, app: dict[str, Any]) -> None:
    first = confirm_all(tenant, start(tenant, body(app)))
    writes = tenant.calls("POST /servicePrincipals") + tenant.calls("PATCH /groups") + tenant.calls("POST /groups")

    again = at_rest(tenant, start(tenant, body(app)))

    assert again["state"] == "done", "what was confirmed is not asked for again"
    assert all(s["changes"] == [] for s in again["steps"])
    assert step(again, "self-service-access")["confirmedBy"]["name"] == "Adam Admin"
    assert step(again, "verify")["checks"] == step(first, "verify")["checks"]
    assert writes == (
        tenant.calls("POST /servicePrincipals") + tenant.calls("PATCH /groups") + tenant.calls("POST /groups")
    )


def test_two_setups_of_one_app_at_a_time_end_as_one(tenant: Tenant, app: dict[str, Any]) -> None:
    tenant.settings(latency={"allMs": 60})
    barrier = threading.Barrier(2)

    def one(_: int) -> dict[str, Any]:
        barrier.wait()
        return at_rest(tenant, start(tenant, body(app)))

    with ThreadPoolExecutor(2) as both:
        checklists = list(both.map(one, range(2)))

    assert [c["state"] for c in checklists] == ["waiting-for-person"] * 2, checklists
    graph = Graph(tenant)
    groups = graph.all(f"/groups?$filter=displayName eq '{app['displayName']} guests'")
    assert len(groups) == 1
    assert {c["found"]["group"]["id"] for c in checklists} == {groups[0]["id"]}
    assert len(graph.all(f"/groups/{groups[0]['id']}/owners")) == 1
    assert len(graph.all(f"/servicePrincipals/{app['id']}/appRoleAssignedTo")) == 2
    # Each thing was made by one of the two; no checklist claims what the other did alone.
    for name in ("group", "owners", "group-assignment", "owner-assignment"):
        claims = [step(c, name)["changes"] for c in checklists]
        assert any(claims), name
    done = [confirm_all(tenant, f"/api/setups/{c['id']}") for c in checklists]
    assert [d["state"] for d in done] == ["done"] * 2
    assert len(tenant.caller(ADMIN).get("/api/apps").json()["value"]) == len(
        {a["appId"] for a in tenant.caller(ADMIN).get("/api/apps").json()["value"]}
    )


def test_two_setups_from_the_gallery_at_a_time_add_one_app(tenant: Tenant) -> None:
    tenant.settings(latency={"allMs": 60})
    name = f"Reisen {uuid.uuid4().hex[:6]}"
    request = {"app": {"template": "Contoso Travel", "name": name}, "owners": [OWNER], "appRole": "User"}

    with ThreadPoolExecutor(2) as both:
        checklists = list(both.map(lambda _: at_rest(tenant, start(tenant, request)), range(2)))

    assert [c["state"] for c in checklists] == ["waiting-for-person"] * 2, checklists
    graph = Graph(tenant)
    assert len(graph.all(f"/servicePrincipals?$filter=displayName eq '{name}'")) == 1
    assert len(graph.all(f"/applications?$filter=displayName eq '{name}'")) == 1
    assert len({c["found"]["app"]["appId"] for c in checklists}) == 1


def test_a_dry_run_shows_the_plan_and_changes_nothing(tenant: Tenant, app: dict[str, Any]) -> None:
    answer = tenant.caller(ADMIN).post("/api/setups?dryRun=true", json=body(app))

    assert answer.status_code == 200, answer.text
    said = {s["step"]: s for s in answer.json()["steps"]}
    assert list(said) == [s.value for s in SetupStep]
    assert said["group"]["wouldDo"] == [
        f"create the security group '{app['displayName']} guests' with assigned membership"
    ]
    assert said["self-service-groups"]["manual"] is True
    graph = Graph(tenant)
    assert graph.all(f"/groups?$filter=displayName eq '{app['displayName']} guests'") == []
    assert graph.all(f"/servicePrincipals/{app['id']}/appRoleAssignedTo") == []
    problem(tenant.caller(ADMIN).get(f"/api/apps/{app['appId']}"), Reason.APP_MISSING)


def test_an_idempotency_key_makes_one_setup_of_two_requests(tenant: Tenant, app: dict[str, Any]) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    assert start(tenant, body(app), **key) == start(tenant, body(app), **key)
    other = tenant.caller(ADMIN).post("/api/setups", json=body(app, appRole="X"), headers=key)
    problem(other, Reason.IDEMPOTENCY_KEY_REUSED)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"app": {}}, "app"),
        ({"app": {"appId": str(uuid.uuid4()), "name": "x"}}, "app"),
        ({"app": {"appId": "no id"}}, "app.appId"),
        ({"owners": []}, "owners"),
        ({"colour": "red"}, "colour"),
        ({"group": {"id": str(uuid.uuid4()), "name": "x"}}, "group"),
        ({"policy": {"requests": "sometimes"}}, "policy.requests"),
        ({"policy": {"requests": "open"}}, "policy.allowedDomains"),
        ({"policy": {"allowedDomains": ["not a domain"]}}, "policy.allowedDomains"),
        (
            {"singleSignOn": {"mode": "saml", "identifiers": [], "replyUrls": ["https://x.example"]}},
            "singleSignOn.identifiers",
        ),
        (
            {"singleSignOn": {"mode": "oidc", "identifiers": ["api://x"], "replyUrls": ["https://x.example"]}},
            "singleSignOn.mode",
        ),
    ],
)
def test_a_body_that_is_wrong_names_the_field(
    tenant: Tenant, app: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    answer = tenant.caller(ADMIN).post("/api/setups", json=body(app) | change)

    assert problem(answer, Reason.BODY_INVALID)["field"] == field


@pytest.mark.parametrize("who", [OWNER, OTHER, STRANGER])
def test_only_administrators_set_up_and_only_they_and_auditors_look(
    tenant: Tenant, app: dict[str, Any], who: str
) -> None:
    location = start(tenant, body(app))
    caller = tenant.caller(who)

    problem(caller.post("/api/setups", json=body(app)), Reason.NOT_ADMIN)
    problem(caller.get(location), Reason.NOT_ADMIN)
    problem(caller.post(f"{location}/retry"), Reason.NOT_ADMIN)
    problem(caller.post(f"{location}/steps/group/confirm"), Reason.NOT_ADMIN)
    problem(caller.get("/api/doctor"), Reason.NOT_ADMIN)
    assert tenant.caller(AUDITOR).get(location).status_code == 200
    problem(tenant.caller(AUDITOR).post("/api/setups", json=body(app)), Reason.NOT_ADMIN)
    anonymous = httpx.Client(base_url=tenant.stack.host_url)
    problem(anonymous.get(location), Reason.TOKEN_MISSING)
    anonymous.close()
    at_rest(tenant, location)


def test_apps_are_seen_by_those_who_are_responsible(tenant: Tenant, app: dict[str, Any]) -> None:
    at_rest(tenant, start(tenant, body(app)))

    def seen(who: str) -> set[str]:
        return {a["appId"] for a in tenant.caller(who).get("/api/apps").json()["value"]}

    for who in (ADMIN, AUDITOR, OWNER):
        assert app["appId"] in seen(who), who
    for who in (OTHER, STRANGER):
        assert app["appId"] not in seen(who)
        problem(tenant.caller(who).get(f"/api/apps/{app['appId']}"), Reason.APP_MISSING)
    [found] = [a for a in tenant.caller(OWNER).get("/api/apps").json()["value"] if a["appId"] == app["appId"]]
    assert found["policy"] == {
        "requests": "approval",
        "approvers": [],
        "allowedDomains": [],
        "blockedDomains": [],
    }
    assert found["directLink"].startswith("https://launcher.myapps.microsoft.com/api/signin/")


def test_the_recorded_policy_is_enforced_for_invitations(tenant: Tenant, app: dict[str, Any]) -> None:
    policy = {"allowedDomains": ["fabrikam.com"], "blockedDomains": ["sales.fabrikam.com"]}
    checklist = at_rest(tenant, start(tenant, body(app, policy=policy)))
    group = checklist["found"]["group"]["id"]

    for address in ("a@adatum.com", "a@sales.fabrikam.com", "a@notfabrikam.com"):
        assert problem(tenant.ask(address, group=group), Reason.DOMAIN_NOT_ALLOWED)["field"] == "address"
    tenant.end_of(tenant.invite(f"{uuid.uuid4().hex[:8]}@fabrikam.com", group=group))
    tenant.end_of(tenant.invite(f"{uuid.uuid4().hex[:8]}@eu.fabrikam.com", group=group))


def test_a_failed_step_is_mended_and_tried_again(tenant: Tenant, app: dict[str, Any]) -> None:
    location = start(tenant, body(app, owners=["gus@adatum.com"]))
    checklist = at_rest(tenant, location)

    assert checklist["state"] == "failed"
    failed = step(checklist, "owners")
    assert (failed["state"], failed["reason"]) == ("failed", "owner-is-guest")
    assert "Gus Guest" in failed["detail"]
    assert failed["remedy"]
    # What does not depend on it went on, and nothing that depends on it began.
    assert step(checklist, "group-assignment")["state"] == "done"
    assert step(checklist, "owner-assignment")["state"] == "waiting"
    user = {
        "id": "00000107-0000-4000-8000-000000000107",
        "displayName": "Gus",
        "mail": "gus@adatum.com",
        "userPrincipalName": "gus@contoso.com",
        "userType": "Member",
    }
    tenant.simulator.post("/_sim/seed", json={"users": [user]}).raise_for_status()

    assert tenant.caller(ADMIN).post(f"{location}/retry").status_code == 202

    assert confirm_all(tenant, location)["state"] == "done"
    problem(tenant.caller(ADMIN).post(f"{location}/steps/group/confirm"), Reason.STEP_NOT_MANUAL)


def test_a_retry_of_what_has_not_failed_is_refused(tenant: Tenant, app: dict[str, Any]) -> None:
    location = start(tenant, body(app))
    at_rest(tenant, location)

    problem(tenant.caller(ADMIN).post(f"{location}/retry"), Reason.NOTHING_TO_RETRY)
    problem(tenant.caller(ADMIN).get(f"/api/setups/{'0' * 22}"), Reason.SETUP_MISSING)
    problem(tenant.caller(ADMIN).post(f"{location}/steps/dance/confirm"), Reason.PARAMETER_INVALID)


def test_taking_apart_removes_only_what_guestlist_made(tenant: Tenant, app: dict[str, Any]) -> None:
    confirm_all(tenant, start(tenant, body(app)))
    admin, path = tenant.caller(ADMIN), f"/api/apps/{app['appId']}"
    group = admin.get(path).json()["groupId"]
    tenant.end_of(tenant.invite(f"{uuid.uuid4().hex[:8]}@fabrikam.com", group=group))

    look = admin.delete(f"{path}?dryRun=true")
    assert look.status_code == 200
    assert sorted(c["kind"] for c in look.json()["wouldRemove"]) == ["assignment", "assignment", "group", "owner"]
    assert any("1 members" in kept for kept in look.json()["wouldKeep"])
    assert admin.get(path).json()["state"] == "ready"
    problem(admin.delete(path), Reason.DRY_RUN_NEEDED)
    problem(admin.delete(path, headers={"If-Match": '"another"'}), Reason.PLAN_CHANGED)
    problem(tenant.caller(OWNER).delete(path, headers={"If-Match": look.headers["etag"]}), Reason.NOT_ADMIN)

    removal = admin.delete(path, headers={"If-Match": look.headers["etag"]})

    assert (removal.status_code, removal.headers["location"]) == (202, path)
    eventually(lambda: admin.get(path).status_code == 404)
    graph = Graph(tenant)
    assert graph.all(f"/servicePrincipals/{app['id']}/appRoleAssignedTo") == []
    assert group not in {g["id"] for g in graph.all("/groups?$select=id&$top=999")}
    assert graph.get(f"/servicePrincipals/{app['id']}")["displayName"] == app["displayName"]


def test_the_doctor_says_what_is_missing_and_what_mends_it(tenant: Tenant) -> None:
    checks = {c["check"]: c for c in tenant.caller(ADMIN).get("/api/doctor").json()["checks"]}

    assert checks["User.Invite.All (inviting, remedies)"]["state"] == "ok"
    assert checks["Who may invite guests"]["state"] == "ok"
    for check in checks.values():
        assert check["state"] == "ok" or check["link"] or check["command"] or check["remedy"], check
    assert tenant.caller(AUDITOR).get("/api/doctor").status_code == 200


def test_people_learn_where_to_sign_in_without_signing_in(tenant: Tenant) -> None:
    anonymous = httpx.Client(base_url=tenant.stack.host_url)
    said = anonymous.get("/api/sign-in").json()
    anonymous.close()

    assert said == {
        "authority": tenant.stack.simulator_url,
        "tenantId": tenant.stack.tenant.id,
        "audience": tenant.stack.tenant.api_client_id,
        "scope": f"api://{tenant.stack.tenant.api_client_id}/access_as_user",
        "clientId": tenant.stack.tenant.cli_client_id,
    }
