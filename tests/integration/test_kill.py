"""The app is killed at every request it makes, just before its effect and just after: one mail, one membership.

The requests of one invitation with a welcome message are noted first, from the HTTP call to the last write.
Then the whole flow is run once for each of them, and at that request every process of the app gets SIGKILL.
"""

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx
import pytest

from local.stack import Stack
from tests.integration.conftest import OWNER, QUICK, Tenant, eventually
from tests.integration.gate import Gate, Passage, Side
from tests.integration.test_setups import confirm_all, start

SENDS = re.compile(r"/messages$")
ONE_MESSAGE = re.compile(r"/messages/")
OPENS = re.compile(r"Reminders\(PartitionKey='open-")
"""What has not ended is written down, moved on, or forgotten."""
AROUND = re.compile(
    r"RowKey='i-|OpenChunks|/(Imports|Setups|Apps|Requests|Audits|People)\(\)|RowKey='log-key'"
    r"|/Audits\(PartitionKey='position'|/Requests\(PartitionKey='counts'"
)
"""What is read by this test, by the sweeper, and once by each process that starts."""
ROUND_TRIP = re.compile(r"/health/messages|/Tenant\(\)|PartitionKey='chain'|RowKey='gauges'")
"""The message that each sweep sends through a queue, what is noted of it, and when all was looked at."""
QUICKER = QUICK | {
    "GUESTLIST_WORK_LEASE": "PT2S",
    "GUESTLIST_CLAIM_LEASE": "PT2S",
    "GUESTLIST_REPLICATION_WINDOW": "PT3S",
    "GUESTLIST_STALL_TIMEOUT": "PT3S",
    "GUESTLIST_SWEEP_SCHEDULE": "* * * * * *",
}


def counts(service: str, method: str, path: str) -> bool:
    """The app's own requests, and the host's deletion of a message that is done; not the polling and the
    renewing of the host, the sweeper's looking around and its round trips, nor this test's own looking at the
    invitation. What a process notes in Reminders of the messages it works on comes when it comes;
    tests/contract/test_in_hand.py and test_outbox.py end a process around those."""
    if (service == "table" and "Reminders" in path and not OPENS.search(path)) or ROUND_TRIP.search(path):
        return False
    if service == "queue":
        return (method == "POST" and bool(SENDS.search(path))) or (
            method == "DELETE" and bool(ONE_MESSAGE.search(path))
        )
    return not (service == "table" and method == "GET" and AROUND.search(path))


@dataclass
class Scene:
    gate: Gate
    tenant: Tenant

    def run(self, passage: Passage | None, side: Side) -> Passage | None:
        """One invitation, killed at that request; None where it ended without making it."""
        address = f"guest-{uuid.uuid4().hex[:12]}@fabrikam.com"
        self.gate.hold(passage, side)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(self.ask_until_taken, address)
            killed_at = self.wait(asked)
            if killed_at is not None:
                self.tenant.stack.kill_workers()
                self.gate.release()
            invitation = self.tenant.end_of(asked.result(150), within_s=150)
        at = f"killed {side} {killed_at}"
        assert (invitation["state"], invitation["reason"]) == ("mailed", None), at
        assert invitation["alreadyInDirectory"] is False, at
        assert self.tenant.tickets(address) == 1, at
        assert [m["kind"] for m in self.tenant.mails(address)] == ["message"], at
        assert self.tenant.members().count(address) == 1, at
        listed = self.tenant.caller().get(f"/api/groups/{self.tenant.group}/invitations?limit=5").json()["value"]
        assert [i["address"] for i in listed].count(address) == 1, at
        return killed_at

    def noted(self, side: Side) -> list[Passage]:
        """The requests of a run as in those that follow: tables and queues are there, processes have just started."""
        self.run(None, side)
        self.tenant.stack.kill_workers()
        self.run(None, side)
        return list(self.gate.passages)

    def wait(self, asked: Future[str]) -> Passage | None:
        """The held request, or None when the invitation ended without reaching it."""

        def seen() -> bool:
            if self.gate.held.done():
                return True
            if asked.done():
                with suppress(httpx.HTTPError):
                    return bool(self.tenant.see(asked.result())["isFinal"]) and self.quiet()
            return False

        eventually(seen, within_s=120)
        return self.gate.held.result() if self.gate.held.done() else None

    def quiet(self) -> bool:
        """Nothing has passed for a while: the last message is deleted after the last write."""
        before = len(self.gate.passages)
        with suppress(TimeoutError):
            self.gate.held.result(0.7)
        return len(self.gate.passages) == before

    def ask_until_taken(self, address: str) -> str:
        """What a careful client does: the same request with the same key until it has an answer."""
        key = uuid.uuid4().hex

        def once() -> str | None:
            try:
                answer = self.tenant.ask(address, key=key, welcomeMessage="Welcome")
            except httpx.TransportError:
                return None
            assert answer.status_code in (202, 409, 500, 503), answer.text
            return str(answer.json()["id"]) if answer.status_code == 202 else None

        found = eventually(once, within_s=150, every_s=0.3)
        assert found is not None
        return found


class Waiting(Scene):
    """Each guest has to wait twice: the directory is busy, and so is the mail service."""

    def run(self, passage: Passage | None, side: Side) -> Passage | None:
        tenant = self.tenant
        tenant.simulator.delete("/_sim/faults")
        tenant.fault(path=r"/members/\$ref$", method="POST", status=429, headers={"Retry-After": "1"})
        tenant.fault(path="/messages$", method="POST", status=429, headers={"Retry-After": "1"})
        try:
            return super().run(passage, side)
        finally:
            tenant.simulator.delete("/_sim/faults")


@dataclass
class Door(Scene):
    """A group that people may ask to join; one request is asked, proven and approved, as by careful clients."""

    group: str

    def run(self, passage: Passage | None, side: Side) -> Passage | None:
        address = f"asks-{uuid.uuid4().hex[:12]}@fabrikam.com"
        asked: list[int] = []
        self.gate.hold(passage, side)
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(self._walk, address, asked)
            eventually(lambda: self.gate.held.done() or done.done(), within_s=150)
            killed_at = self.gate.held.result() if self.gate.held.done() else None
            if killed_at is not None:
                self.tenant.stack.kill_workers()
                self.gate.release()
            invitation = done.result(300)
        at = f"killed {side} {killed_at}"
        end = self.tenant.end_of(invitation, within_s=150)
        assert (end["state"], end["reason"]) == ("mailed", None), at
        assert self.tenant.tickets(address) == 1, at
        assert self.tenant.members(self.group).count(address) == 1, at
        mails = self.tenant.mails(address)
        proofs = [m for m in mails if "Confirm" in str(m)]
        assert 1 <= len(proofs) <= len(asked), f"{at}: a mail for each time it was asked, and no more"
        assert len(mails) - len(proofs) == 1, at
        return killed_at

    def _walk(self, address: str, asked: list[int]) -> str:
        """Gives the invitation that the request became."""
        path = f"/api/groups/{self.group}/requests"

        def ask() -> int:
            asked.append(1)
            return self._post(path, {"address": address})

        eventually(lambda: ask() == 202, within_s=150, every_s=0.3)
        mail = eventually(lambda: self.tenant.mails(address), within_s=150)[-1]
        found = re.search(r"/request/[0-9a-f-]{36}/([0-9a-f]{22})\?code=([0-9a-f]{32})", str(mail))
        assert found is not None
        one = f"{path}/{found[1]}"
        before = len(self.tenant.mails(OWNER))
        eventually(lambda: self._post(f"{one}/proof", {"code": found[2]}) == 200, within_s=150, every_s=0.3)
        eventually(lambda: len(self.tenant.mails(OWNER)) > before, within_s=150)  # the digest of who decides
        eventually(lambda: self._post(f"{one}/approve", {}) == 200, within_s=150, every_s=0.3)

        def invited() -> str | None:
            with suppress(httpx.TransportError):
                listed = self.tenant.caller().get(path).json().get("value", [])
                return next((r["invitationId"] for r in listed if r["id"] == found[1]), None)
            return None

        invitation = eventually(invited, within_s=150, every_s=0.3)
        assert invitation is not None
        return invitation

    def _post(self, path: str, body: dict[str, str]) -> int:
        try:
            return self.tenant.caller().post(path, json=body).status_code
        except httpx.TransportError:
            return 0


@contextmanager
def gated(stack: Stack) -> Iterator[Scene]:
    """That product, with a gate before all that it speaks to. Its host must not have been started."""
    with stack:
        azurite = stack.azurite
        services = {
            "graph": stack.simulator_url,
            "queue": f"http://127.0.0.1:{azurite.queue_port}",
            "table": f"http://127.0.0.1:{azurite.table_port}",
        }
        with Gate(services, counts) as gate:
            ports = {name: int(url.rsplit(":", 1)[1]) for name, url in gate.urls.items()}
            stack.storage_connection = azurite.connection_string_via(
                queue_port=ports["queue"], table_port=ports["table"]
            )
            stack.simulator_url_of_app = gate.urls["graph"]
            stack.restart_host()
            tenant = Tenant(stack)
            yield Scene(gate, tenant)
            tenant.close()
            gate.release()
            stack.stop()  # before the gate: an app that cannot reach its storage waits for what runs in it


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    stack = Stack(workers=1, lease_seconds=1.5, max_poll_ms=300, extra_settings=QUICKER, start_host=False)
    with gated(stack) as scene:
        yield scene


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    "side",
    [
        pytest.param("before", marks=pytest.mark.xdist_group("kill-before")),
        pytest.param("after", marks=pytest.mark.xdist_group("kill-after")),
    ],
)
def test_a_kill_at_any_request_leaves_one_mail_and_one_membership(scene: Scene, side: Side) -> None:
    # A read has no effect: just after it is the same place as just before it, where the other side kills.
    noted = [passage for passage in scene.noted(side) if side == "before" or " GET " not in passage.kind]
    killed: list[Passage] = []
    for passage in noted:
        if scene.run(passage, side) is not None:
            killed.append(passage)
            print(f"killed {side} {passage}")

    # The kill points that matter are among them: effects, writes and the message that one delivery does it all for.
    at = "\n".join(str(passage) for passage in killed)
    for effect in ("/v1.0/invitations", "/members/", "/messages #", "/send"):
        assert re.search(rf"graph POST \S*{effect}", at), at
    assert re.search(r"queue POST \S*/invitations/messages", at), at
    assert re.search(r"queue DELETE \S*/invitations/messages", at), at
    assert len(re.findall(r"table (POST|PUT|MERGE|PATCH|DELETE)", at)) >= 9, at


OF_THE_REST = re.compile(
    r"queue (POST|DELETE) \S*/(invitations|memberships|mails)/messages"
    r"|graph POST \S*(/members/\$ref|/messages|/send) #"
)


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    "side",
    [
        pytest.param("before", marks=pytest.mark.xdist_group("kill-before")),
        pytest.param("after", marks=pytest.mark.xdist_group("kill-after")),
    ],
)
def test_a_kill_while_the_rest_waits_leaves_one_mail_and_one_membership(scene: Scene, side: Side) -> None:
    waiting = Waiting(scene.gate, scene.tenant)
    wanted = [passage for passage in waiting.noted(side) if OF_THE_REST.search(str(passage))]

    killed = [str(found) for passage in wanted if (found := waiting.run(passage, side)) is not None]

    at = "\n".join(killed)
    for queue in ("invitations", "memberships", "mails"):
        assert re.search(rf"queue POST \S*/{queue}/messages", at), at
        assert re.search(rf"queue DELETE \S*/{queue}/messages", at), at
    for effect in ("/members/", "/messages #", "/send"):
        assert re.search(rf"graph POST \S*{effect}", at), at


@pytest.fixture(scope="module")
def door(scene: Scene) -> Door:
    tenant, app_id = scene.tenant, str(uuid.uuid4())
    app = {"id": str(uuid.uuid4()), "appId": app_id, "displayName": "App", "preferredSingleSignOnMode": "saml"}
    app["loginUrl"] = "https://app.example/login"
    tenant.simulator.post("/_sim/seed", json={"servicePrincipals": [app]}).raise_for_status()
    scene.gate.hold(None, "before")
    location = start(tenant, {"app": {"appId": app_id}, "owners": [OWNER]})
    group = str(confirm_all(tenant, location)["found"]["group"]["id"])
    return Door(scene.gate, tenant, group)


OF_REQUESTS = re.compile(
    r"queue (POST|DELETE) \S*/(requests|request-mails|request-digests)/messages|graph POST \S*/(messages|send) #1$"
)
_TABLE_WRITES = 5
"""Writes of the request itself; those of the invitation that follows are looked at by the test above."""


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    "side",
    [
        pytest.param("before", marks=pytest.mark.xdist_group("kill-before")),
        pytest.param("after", marks=pytest.mark.xdist_group("kill-after")),
    ],
)
def test_a_kill_while_somebody_asks_to_join_leaves_one_invitation_and_no_mail_too_many(
    door: Door, side: Side
) -> None:
    noted = door.noted(side)
    writes = [p for p in noted if p.kind.startswith("table POST") and "$batch" in p.kind][:_TABLE_WRITES]
    wanted = [p for p in noted if OF_REQUESTS.search(str(p)) or p in writes]

    killed = [str(found) for passage in wanted if (found := door.run(passage, side)) is not None]

    at = "\n".join(killed)
    for queue in ("requests", "request-mails", "request-digests"):
        assert re.search(rf"queue POST \S*/{queue}/messages", at), at
    assert re.search(r"graph POST \S*/send", at), at
    assert len(re.findall(r"table POST", at)) >= 4, at
