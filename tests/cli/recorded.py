"""Answers of the API, in the shapes of its contract."""

from typing import Any

SETUP = "0123456789abcdef012345"
APP_ID = "5a000000-0000-4000-8000-000000000001"
GROUP = "60000000-0000-4000-8000-000000000001"
ETAG = '"0badc0de"'
TITLES = {
    "self-service-groups": "Owners can manage group membership requests in the Access Panel",
    "group": "A security group with assigned membership",
    "owners": "The responsible people own the group",
    "application": "The enterprise application",
    "single-sign-on": "Single sign-on",
    "self-service-access": "Self-service access through the group",
    "group-assignment": "The group is assigned to the app",
    "owner-assignment": "The owners are assigned to the app",
    "verify": "Everything is read back",
}
TASK = {
    "title": "Let owners manage membership requests",
    "instructions": ["Open Groups, General", "Set the switch to Yes"],
    "link": "https://entra.microsoft.com/#view/Groups",
    "values": [{"name": "Owners can manage requests", "value": "Yes"}],
}


def a_step(name: str, state: str = "done", **more: Any) -> dict[str, Any]:
    return {
        "step": name,
        "title": TITLES[name],
        "state": state,
        "after": [],
        "startedAt": "2026-03-01T10:00:00Z",
        "finishedAt": None,
        "attempts": 1,
        "changes": [],
        "notes": [],
        "manualTask": TASK if state == "manual" else None,
        "confirmedBy": None,
        "checks": [],
        "reason": None,
        "titleOfReason": None,
        "detail": None,
        "remedy": None,
    } | more


def a_checklist(state: str, default: str = "done", **steps: dict[str, Any] | str) -> dict[str, Any]:
    """`steps` are states, or steps whole, by name with `_` for `-`; all others are in `default`."""
    drawn = []
    for name in TITLES:
        given = steps.get(name.replace("-", "_"), default)
        drawn.append(a_step(name, given) if isinstance(given, str) else given)
    return {
        "id": SETUP,
        "state": state,
        "app": {"appId": None, "name": "Contoso Travel", "template": None},
        "found": {"app": {"appId": APP_ID, "name": "Contoso Travel"}, "group": None, "owners": [], "appRole": None},
        "createdAt": "2026-03-01T10:00:00Z",
        "createdBy": {"id": "00000103-0000-4000-8000-000000000103", "name": "Adam Admin"},
        "steps": drawn,
    }


STARTED = a_checklist("running", "waiting", self_service_groups="ready", application="ready")
HALFWAY = a_checklist(
    "running",
    "waiting",
    application="done",
    group=a_step("group", changes=[{"what": "group 'Travel guests'", "kind": "group", "id": GROUP}]),
)
WAITING = a_checklist("waiting-for-person", self_service_groups="manual", verify="waiting")
FAILED = a_checklist(
    "failed",
    verify="waiting",
    owners=a_step(
        "owners",
        "failed",
        reason="owner-missing",
        titleOfReason="Nobody has that address",
        detail="nobody@contoso.com is not in the directory",
        remedy="Name somebody of the organization",
    ),
)
DONE = a_checklist("done")


def an_app(**more: Any) -> dict[str, Any]:
    return {
        "appId": APP_ID,
        "name": "Contoso Travel",
        "servicePrincipalId": "50000000-0000-4000-8000-000000000001",
        "groupId": GROUP,
        "groupName": "Contoso Travel guests",
        "owners": [{"id": "00000101-0000-4000-8000-000000000101", "name": "Olivia Owner"}],
        "policy": {"requests": "approval", "approvers": [], "allowedDomains": ["fabrikam.com"], "blockedDomains": []},
        "inviters": [],
        "directLink": f"https://launcher.myapps.microsoft.com/api/signin/{APP_ID}?tenantId=t",
        "setupId": SETUP,
        "state": "ready",
        "updatedAt": "2026-03-01T10:00:00Z",
    } | more


REMOVAL = {
    "wouldRemove": [{"what": "group 'Contoso Travel guests'", "kind": "group", "id": GROUP}],
    "wouldKeep": ["The app: it was there before"],
}


def an_invitation(id_: str, address: str, state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "groupId": GROUP,
        "address": address,
        "displayName": None,
        "state": state,
        "meaning": f"Meaning of {state}",
        "isFinal": state in ("member", "mailed", "failed"),
        "reason": None,
        "title": None,
        "detail": None,
        "remedy": None,
        "alreadyInDirectory": False,
        "alreadyMember": False,
        "appName": "Contoso Travel",
        "directLink": "https://launcher.myapps.microsoft.com/travel",
    } | more


REHEARSAL = {
    "steps": [
        {
            "step": "self-service-groups",
            "title": TITLES["self-service-groups"],
            "wouldDo": [],
            "alreadyDone": [],
            "notes": [],
            "manual": True,
            "manualTask": TASK,
            "reason": None,
            "titleOfReason": None,
            "detail": None,
            "remedy": None,
        },
        {
            "step": "group",
            "title": TITLES["group"],
            "wouldDo": ["make the group 'Contoso Travel guests'"],
            "alreadyDone": [],
            "notes": [],
            "manual": False,
            "manualTask": None,
            "reason": None,
            "titleOfReason": None,
            "detail": None,
            "remedy": None,
        },
        {
            "step": "application",
            "title": TITLES["application"],
            "wouldDo": [],
            "alreadyDone": ["The app: Contoso Travel"],
            "notes": [],
            "manual": False,
            "manualTask": None,
            "reason": None,
            "titleOfReason": None,
            "detail": None,
            "remedy": None,
        },
    ]
}
