"""The whole product, running: Azurite, the simulator, and the app under the local host."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.conftest import shares_the_product
from tests.integration.privacy import Sent

QUICK = {
    "GUESTLIST_WORK_LEASE": "PT2S",
    "GUESTLIST_CLAIM_LEASE": "PT2S",
    "GUESTLIST_REPLICATION_WINDOW": "PT6S",
    "GUESTLIST_STALL_TIMEOUT": "PT4S",
    "GUESTLIST_PROBE_INTERVAL": "PT2S",
    "GUESTLIST_KEY_LEASE": "PT2S",
    "GUESTLIST_SWEEP_SCHEDULE": "*/2 * * * * *",
    "GUESTLIST_AUDIT_GRACE_PERIOD": "PT1S",
    "GUESTLIST_MAILS_PER_MINUTE": "600",
    "GUESTLIST_INVITATIONS_PER_MINUTE": "60000",
    "GUESTLIST_IMPORT_GUESTS_PER_MINUTE": "100000",
    "GUESTLIST_IMPORT_BURST": "5000",
    "GUESTLIST_IMPORT_GUESTS_PER_DAY": "1000000",
    "GUESTLIST_IMPORT_GUESTS_PER_DAY_AND_INVITER": "1000000",
    "GUESTLIST_IMPORT_GUESTS_FIRST_DAY": "1000000",
    "GUESTLIST_INVITATIONS_PER_DAY": "1000000",
    "GUESTLIST_INVITATIONS_PER_DAY_AND_INVITER": "1000000",
    "GUESTLIST_INVITATIONS_PER_DAY_AND_GROUP": "1000000",
    "GUESTLIST_REQUESTS_PER_HOUR_AND_SOURCE": "100000",
    "GUESTLIST_REQUESTS_PER_HOUR_AND_GROUP": "100000",
    "GUESTLIST_REQUEST_DIGEST_EVERY": "PT2S",
    **dict.fromkeys(
        (
            "GUESTLIST_REQUESTS_PER_DAY",
            "GUESTLIST_REQUESTS_PER_DAY_AND_DOMAIN",
            "GUESTLIST_REQUESTS_PER_DAY_AND_SOURCE",
        ),
        "100000",
    ),
}
"""Settings that make faults pass quickly; nothing else is special about the app under test."""

OWNER, OTHER, ADMIN, AUDITOR, STRANGER = (
    "olivia.owner@contoso.com",
    "oscar.owner@contoso.com",
    "adam.admin@contoso.com",
    "audrey.auditor@contoso.com",
    "emma.employee@contoso.com",
)


SENT = Sent()
"""By all tests of this process."""


@dataclass
class Patience:
    """How many times as long as elsewhere is waited: a product with a process for each function starts many."""

    times: float = 1


PATIENCE = Patience()


def eventually[T](what: Callable[[], T], *, within_s: float = 60, every_s: float = 0.1) -> T:
    """What `what` gives as soon as it is true; fails at the deadline."""
    within_s *= PATIENCE.times
    deadline = time.monotonic() + within_s
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s: {found!r}"
        time.sleep(every_s)


@dataclass
class Tenant:
    """The simulated tenant in a test's hands, and callers of the app."""

    stack: Stack

    def __post_init__(self) -> None:
        self._clients: dict[str, httpx.Client] = {}
        self._lock = threading.Lock()
        self._made: list[str] = []
        self.simulator = httpx.Client(base_url=self.stack.simulator_url, timeout=30)
        self.group = self.group_named("Travel app guests")

    def group_named(self, name: str) -> str:
        return next(str(g["id"]) for g in self.stack.tenant.seed["groups"] if g["displayName"] == name)

    def token(self, *, username: str | None = None, client: str | None = None, **order: Any) -> str:
        body = {"audience": self.stack.tenant.api_client_id, **order}
        body |= {"username": username, "clientId": self.stack.tenant.cli_client_id} if username else {}
        if client:
            body["clientId"] = next(c["clientId"] for c in self.stack.tenant.seed["clients"] if c["name"] == client)
        return str(self.simulator.post("/_sim/tokens", json=body).json()["access_token"])

    def caller(self, username: str = OWNER, *, client: str | None = None) -> httpx.Client:
        who = client or username
        with self._lock:
            if who not in self._clients:
                token = self.token(client=client) if client else self.token(username=username)
                headers = {"Authorization": f"Bearer {token}"}
                hooks = {"request": [SENT.look]}
                self._clients[who] = httpx.Client(
                    base_url=self.stack.host_url, headers=headers, timeout=60, event_hooks=hooks
                )
            return self._clients[who]

    def close(self) -> None:
        for client in (*self._clients.values(), self.simulator):
            client.close()

    def settings(self, **change: Any) -> None:
        self.simulator.patch("/_sim/settings", json=change).raise_for_status()

    def fault(self, **order: Any) -> str:
        answer = self.simulator.post("/_sim/faults", json=order)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def hits(self, fault: str) -> int:
        return int(next(f["hits"] for f in self.simulator.get("/_sim/faults").json() if f["id"] == fault))

    @property
    def _identity(self) -> dict[str, Any]:
        return next(c for c in self.stack.tenant.seed["clients"] if c.get("isManagedIdentity"))

    def all_permissions(self) -> None:
        """Those of the beginning again, in the app as well: its processes ask for a token as soon as they start."""
        self.permissions(*self._identity["graphPermissions"])
        self.stack.kill_workers()

    def permissions(self, *granted: str) -> None:
        client = self._identity
        answer = self.simulator.patch(f"/_sim/clients/{client['clientId']}", json={"graphPermissions": granted})
        answer.raise_for_status()

    def invite(
        self, address: str, *, caller: httpx.Client | None = None, group: str | None = None, **body: Any
    ) -> str:
        answer = self.ask(address, caller=caller, group=group, **body)
        assert answer.status_code == 202, answer.text
        assert answer.headers["location"] == f"/api/invitations/{answer.json()['id']}"
        return str(answer.json()["id"])

    def ask(
        self,
        address: str,
        *,
        caller: httpx.Client | None = None,
        group: str | None = None,
        key: str | None = None,
        **body: Any,
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        answer = (caller or self.caller()).post(
            f"/api/groups/{group or self.group}/invitations", json={"address": address, **body}, headers=headers
        )
        if answer.status_code == 202:
            self._made.append(answer.json()["id"])
        return answer

    def drain(self) -> None:
        """Let everything that was asked for come to its end: the next test finds a quiet app."""
        self.simulator.delete("/_sim/faults")
        admin = self.caller(ADMIN)
        for invitation in self._made:
            path = f"/api/invitations/{invitation}"
            eventually(lambda path=path: bool(admin.get(path).json().get("isFinal")))  # type: ignore[misc]

    def see(self, invitation: str) -> dict[str, Any]:
        answer = self.caller().get(f"/api/invitations/{invitation}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def end_of(self, invitation: str, *, within_s: float = 60) -> dict[str, Any]:
        """The invitation when nothing more will happen to it."""

        def ended() -> dict[str, Any] | None:
            found = self.see(invitation)
            return found if found["isFinal"] else None

        found = eventually(ended, within_s=within_s)
        assert found is not None
        return found

    def in_state(self, invitation: str, state: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            found = self.see(invitation)
            return found if found["state"] == state else None

        found = eventually(there)
        assert found is not None
        return found

    def mails(self, address: str) -> list[dict[str, Any]]:
        return [m for m in self.simulator.get("/_sim/mails").json() if address in m["to"]]

    def tickets(self, address: str) -> int:
        found = self.simulator.get("/_sim/invitations").json()
        return sum(int(g["tickets"]) for g in found if g["email"] == address)

    def members(self, group: str | None = None) -> list[str]:
        """Addresses of a group's members, read as any Graph client reads them."""
        token = self.token(client="guestlist", audience="https://graph.microsoft.com")
        path = f"/v1.0/groups/{group or self.group}/members?$select=id,mail&$top=999"
        answer = self.simulator.get(path, headers={"Authorization": f"Bearer {token}"})
        return [m["mail"] for m in answer.json()["value"]]

    def calls(self, method_and_path: str) -> int:
        """How often the directory was asked: all calls whose 'METHOD /template' contains the text."""
        found = self.simulator.get("/_sim/calls").json()
        return sum(int(c["count"]) for c in found if method_and_path in c["call"])


_shared: list[Stack] = []
"""The product that most of these tests share, while it runs."""


@pytest.fixture(scope="session")
def stack() -> Stack:
    """Runs until the last of these tests is over, and not beside the tests that come after: it never stops asking
    storage for messages."""
    _shared.append(Stack(workers=2, lease_seconds=3, max_poll_ms=800, extra_settings=QUICK, telemetry=True))
    _shared[0].start()
    return _shared[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    yield
    if _shared and (nextitem is None or not shares_the_product(nextitem)):
        _end(_shared.pop())


def _end(running: Stack) -> None:
    running.stop()
    # The whole run of these tests: no line of the app's log and nothing that it told holds a person's data.
    assert running.told is not None
    files = [running.logs / f"host-{os.getpid()}.log", running.told]
    assert not list(itertools.islice(SENT.found_in(*files), 20))


@pytest.fixture
def tenant(stack: Stack) -> Iterator[Tenant]:
    """The tenant as it is seeded; what earlier tests left in storage is other groups' and other addresses'."""
    tenant = Tenant(stack)
    tenant.simulator.post("/_sim/reset").raise_for_status()
    yield tenant
    tenant.drain()
    tenant.close()
