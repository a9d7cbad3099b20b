"""The directory simulator as a process of its own, and one tenant in it to try the adapters on."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
TENANT = "0aaf1c8e-6f4d-4c3c-9f3c-6d5f3d9c1a01"
IDENTITY_HEADER = "examination"
CLIENT = "c0000000-0000-4000-8000-000000000001"
OWNER = "00000000-0000-4000-8000-000000000001"
COLLEAGUE = "00000000-0000-4000-8000-000000000002"
BLOCKED_COLLEAGUE = "00000000-0000-4000-8000-000000000003"
TRAVEL, HIDDEN_APP, DISABLED_APP = (f"50000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
TRAVEL_APP_ID = "5a000000-0000-4000-8000-000000000001"
GUESTS, DYNAMIC, SYNCED, LIST, ROLES, MANY_APPS, UNIFIED = (
    f"60000000-0000-4000-8000-00000000000{n}" for n in range(1, 8)
)
NOWHERE = "60000000-0000-4000-8000-0000000000ff"
DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"
PERMISSIONS = [
    "User.Invite.All",
    "User.Read.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Application.Read.All",
    "Directory.Read.All",
]


async def no_key() -> bytes:
    """For sealing continuations where nobody else has any."""
    return bytes(32)


def _app(id_: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "appId": id_.replace("50000000", "5a000000"), "displayName": name} | more


def _opens(group: str, *apps: str) -> list[dict[str, Any]]:
    return [{"principalId": group, "resourceId": app, "appRoleId": DEFAULT_ROLE} for app in apps]


SEED: dict[str, Any] = {
    "tenant": {
        "id": TENANT,
        "displayName": "Contoso",
        "initialDomain": "contoso.onmicrosoft.com",
        "verifiedDomains": ["contoso.com"],
    },
    "users": [
        {"id": OWNER, "mail": "olivia@contoso.com", "displayName": "Olivia Owner"},
        # A colleague whose mail is of a domain that the tenant has not verified.
        {"id": COLLEAGUE, "mail": "cleo@subsidiary.com", "displayName": "Cleo Colleague"},
        {"id": BLOCKED_COLLEAGUE, "mail": "bob@subsidiary.com", "displayName": "Bob", "accountEnabled": False},
    ],
    "groups": [
        {"id": GUESTS, "displayName": "Travel guests", "owners": [OWNER]},
        {
            "id": DYNAMIC,
            "displayName": "Dynamic",
            "groupTypes": ["DynamicMembership"],
            "membershipRule": "user.userType -eq 'Guest'",
        },
        {"id": SYNCED, "displayName": "Synced", "onPremisesSyncEnabled": True},
        {"id": LIST, "displayName": "List", "mailEnabled": True, "mail": "list@fabrikam.com"},
        {"id": ROLES, "displayName": "Roles", "isAssignableToRole": True},
        {"id": MANY_APPS, "displayName": "Many apps"},
        {"id": UNIFIED, "displayName": "Unified", "groupTypes": ["Unified"], "mailEnabled": True},
    ],
    "servicePrincipals": [
        _app(TRAVEL, "Contoso Travel"),
        _app(HIDDEN_APP, "Hidden", tags=["HideApp"]),
        _app(DISABLED_APP, "Disabled", accountEnabled=False),
        *(_app(f"50000000-0000-4000-8000-0000000001{n:02}", f"App {n:02}") for n in range(22)),
    ],
    "appRoleAssignments": [
        *_opens(GUESTS, TRAVEL, HIDDEN_APP, DISABLED_APP),
        *_opens(MANY_APPS, *(f"50000000-0000-4000-8000-0000000001{n:02}" for n in range(22))),
    ],
    "clients": [
        {
            "clientId": CLIENT,
            "objectId": "c0000000-0000-4000-8000-0000000000ff",
            "name": "guestlist",
            "secret": None,
            "graphPermissions": PERMISSIONS,
            "isManagedIdentity": True,
        }
    ],
}


@dataclass
class SimulatedTenant:
    """The control plane of a running simulator."""

    url: str
    http: httpx.Client

    @property
    def graph_url(self) -> str:
        return f"{self.url}/v1.0"

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.url}/_sim/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def reset(self) -> None:
        self._ask("POST", "reset", {"seed": SEED})

    def seed(self, **sections: Any) -> None:
        self._ask("POST", "seed", sections)

    def settings(self, **sections: Any) -> None:
        self._ask("PATCH", "settings", sections)

    def fault(self, **order: Any) -> None:
        self._ask("POST", "faults", order)

    def permit(self, *permissions: str) -> None:
        self._ask("PATCH", f"clients/{CLIENT}", {"graphPermissions": list(permissions)})

    def redeem(self, user_id: str) -> None:
        self._ask("POST", "redeem", {"userId": user_id})

    def mails(self) -> list[dict[str, Any]]:
        return list(self._ask("GET", "mails"))

    def tickets(self) -> dict[str, int]:
        return {i["email"]: i["tickets"] for i in self._ask("GET", "invitations")}

    def calls(self, call: str) -> int:
        """How often the operation was asked for, however it was answered."""
        return sum(c["count"] for c in self._ask("GET", "calls") if c["call"] == call)

    def all_calls(self) -> int:
        """How many calls of any kind there were."""
        return sum(c["count"] for c in self._ask("GET", "calls"))

    def invite(self, *addresses: str) -> list[str]:
        """Make guests; their ids."""
        ids = []
        for address in addresses:
            id_ = str(uuid.uuid5(uuid.NAMESPACE_DNS, address))
            user = {"id": id_, "mail": address, "userType": "Guest", "externalUserState": "PendingAcceptance"}
            self.seed(users=[user | {"creationType": "Invitation"}])
            ids.append(id_)
        return ids


@contextmanager
def simulator(folder: Path) -> Iterator[SimulatedTenant]:
    """Run a simulator on a free port until the block is left."""
    seed, ready = folder / "seed.json", folder / "ready.json"
    seed.write_text(json.dumps(SEED))
    traffic = os.environ.get("GUESTLIST_TRAFFIC")
    recorded = ["--traffic", f"{traffic}directory-{os.getpid()}.jsonl"] if traffic else []
    process = subprocess.Popen(
        [sys.executable, "-m", "local.simulator", "--port", "0", "--ready-file", ready, "--seed", seed, *recorded],
        cwd=ROOT,
        env={**os.environ, "IDENTITY_HEADER": IDENTITY_HEADER},
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert process.poll() is None, "the simulator ended at its start"
            assert time.monotonic() < deadline, "the simulator did not start in time"
            time.sleep(0.02)
        with httpx.Client(timeout=10) as http:
            yield SimulatedTenant(json.loads(ready.read_text())["url"], http)
    finally:
        process.terminate()
        process.wait(10)
