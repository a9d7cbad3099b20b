"""What a second audit costs of a first one, in requests to directory and storage, where few guests have changed."""

import asyncio
import os
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bench.imports.storage_meter import StorageMeter
from bench.rows import Row
from local.stack import Stack
from shared import wiring
from shared.audits.model.records import Phase
from shared.audits.run import RunAuditTask, StartAudit
from shared.core.addresses import parse_address
from shared.core.directory import DirectoryUser
from shared.core.ids import AppId, GroupId, InvitationId, PrincipalId, SetupId, UserId, new_id
from shared.core.versions import Versioned
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.rows.invitations import INVITATIONS, to_row
from shared.membership.model.apps import AppRecord, Policy
from shared.messages.commands import Command, RunAudit
from shared.settings import read_settings
from shared.storage.accounts import table_service
from shared.storage.table import Table, insert

FILES = ("bench/imports/storage_meter.py", "shared/audits/run.py", "shared/audits/read.py")
AREA = ("shared/audits", "shared/storage")
GUESTS, CHANGED, GOAL = 100_000, 100, 0.02
_SLAB = 5_000
_OF_QUEUE = 3
"""Requests that a message costs: sent, received, deleted."""
_APP, _PRINCIPAL = AppId("5b000000-0000-4000-8000-0000000000e0"), "5c000000-0000-4000-8000-0000000000e0"


@dataclass
class _Outbox:
    waiting: list[Command] = field(default_factory=list)
    sent: int = 0

    async def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        self.sent += 1
        self.waiting.append(command)


def run(guests: int | None = None) -> list[Row]:
    count = guests or GUESTS
    with ExitStack() as exits:
        stack = exits.enter_context(Stack(start_host=False))
        meter = exits.enter_context(StorageMeter(stack.azurite))
        stack.storage_connection = meter.connection_string
        exits.callback(os.environ.update, dict(os.environ))
        os.environ.update(stack.settings)
        first, second = asyncio.run(_both(stack, meter, count))
    rows = []
    for what, name in (("graph", "requests to Microsoft Graph"), ("storage", "requests to storage")):
        ratio = second[what] / first[what]
        note = (
            f"{count:,} guests of one app, then {CHANGED} changed: invited, removed, blocked; the reference is the "
            f"first audit, which took {first['seconds']:.0f} s, the second {second['seconds']:.1f} s"
        )
        rows.append(
            Row(
                f"second audit, {name}", second[what], "", first[what], ratio, f"ratio <= {GOAL}", ratio <= GOAL, note
            )
        )
    return rows


async def _both(stack: Stack, meter: StorageMeter, count: int) -> tuple[Counter[str], Counter[str]]:
    app = wiring.App(read_settings(os.environ))
    outbox = _Outbox()
    # What is young is not judged: the guests were invited long ago.
    tools = replace(app.audits.start.tools, outbox=outbox)
    tools = replace(tools, settings=replace(tools.settings, settling=timedelta(seconds=1)))
    with httpx.Client(base_url=stack.simulator_url, timeout=120) as simulator:
        tenant = _Tenant(stack, simulator)
        async with table_service(os.environ) as tables:
            table = Table(tables, INVITATIONS)
            await tools.setups.save_app(Versioned(tenant.app(), None))
            await _seed(tenant, table, count)
            first = await _audit(StartAudit(tools), RunAuditTask(tools), outbox, tenant, meter)
            await tenant.change(table)
            await asyncio.sleep(2)
            second = await _audit(StartAudit(tools), RunAuditTask(tools), outbox, tenant, meter)
    expected = 3 * CHANGED // 4
    if first["findings"] or second["findings"] != expected:
        raise RuntimeError(f"{first['findings']} and {second['findings']} findings, not none and {expected}")
    return first, second


async def _audit(
    start: StartAudit, step: RunAuditTask, outbox: _Outbox, tenant: "_Tenant", meter: StorageMeter
) -> Counter[str]:
    graph, storage, sent = tenant.calls(), meter.counts.total(), outbox.sent
    loop = asyncio.get_running_loop()
    begun = loop.time()
    audit = await start.start_scheduled()
    if audit is None:
        raise RuntimeError("an audit is running already")
    while outbox.waiting:
        command = outbox.waiting.pop(0)
        if isinstance(command, RunAudit):
            outcome = await step(command)
            for then in outcome.then:
                await outbox.send(then)
            if outcome.later is not None:
                await outbox.send(outcome.later.command)
    found = Counter(
        graph=tenant.calls() - graph,
        storage=meter.counts.total() - storage + _OF_QUEUE * (outbox.sent - sent),
        seconds=round(loop.time() - begun),
    )
    stored = await step.tools.audits.read(audit.id)
    if stored is None or stored.value.phase is not Phase.DONE:
        raise RuntimeError(f"the audit did not come to its end: {stored}")
    found["findings"] = stored.value.counts["findings"]
    return found


async def _seed(tenant: "_Tenant", table: Table, count: int) -> None:
    users: list[str] = []
    for start in range(0, count, _SLAB):
        people = [tenant.guest(n) for n in range(start, min(start + _SLAB, count))]
        tenant.seed(users=people)
        users += [p["id"] for p in people]
        for few in _few(list(_invitations(tenant, people)), 100):
            await table.write([insert(to_row(i)) for i in few])
    tenant.seed(groups=[tenant.group_with(users)], appRoleAssignments=tenant.roles())


def _invitations(tenant: "_Tenant", people: list[dict[str, Any]]) -> Iterator[Invitation]:
    at = datetime.now(UTC) - timedelta(hours=3)
    for few in _few(people, 20):
        chunk = new_id(at, uuid.uuid4().hex[:10])
        for n, person in enumerate(few):
            yield Invitation(
                id=InvitationId(tenant.group, chunk, n),
                address=parse_address(person["mail"]),
                display_name=None,
                message=None,
                language=None,
                inviter_id=UserId(tenant.owners[0]),
                inviter_name="Olivia Owner",
                app_name="Bench",
                direct_link="https://myapps.microsoft.com/",
                created_at=at,
                updated_at=at,
                state=State.MEMBER,
                user_id=UserId(person["id"]),
            )


def _few[T](items: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


class _Tenant:
    """The simulated tenant."""

    def __init__(self, stack: Stack, simulator: httpx.Client) -> None:
        self._simulator = simulator
        people = {str(u["displayName"]): str(u["id"]) for u in stack.tenant.seed["users"]}
        self.owners = (people["Olivia Owner"], people["Oscar Owner"])
        self._client = next(c["clientId"] for c in stack.tenant.seed["clients"] if c.get("isManagedIdentity"))
        self.group = GroupId("6b000000-0000-4000-8000-0000000000e0")

    def app(self) -> AppRecord:
        return AppRecord(
            app_id=_APP,
            name="Bench",
            service_principal=PrincipalId(_PRINCIPAL),
            group=self.group,
            group_name="Bench guests",
            owners=tuple(DirectoryUser(UserId(id_), "Owner") for id_ in self.owners),
            approvers=(),
            policy=Policy(),
            setup=SetupId("0" * 22),
            updated_at=datetime.now(UTC),
        )

    def roles(self) -> list[dict[str, str]]:
        role = "00000000-0000-0000-0000-000000000000"
        return [
            {"principalId": id_, "resourceId": _PRINCIPAL, "appRoleId": role} for id_ in (*self.owners, self.group)
        ]

    def group_with(self, members: list[str]) -> dict[str, Any]:
        return {"id": self.group, "displayName": "Bench guests", "owners": list(self.owners), "members": members}

    @staticmethod
    def guest(number: int, **changes: Any) -> dict[str, Any]:
        mail = f"guest{number:06d}@fabrikam.com"
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, mail)),
            "mail": mail,
            "displayName": f"Guest {number}",
            "userPrincipalName": f"guest{number:06d}_fabrikam.com#EXT#@contoso.onmicrosoft.com",
            "userType": "Guest",
            "creationType": "Invitation",
            "externalUserState": "Accepted",
            **changes,
        }

    async def change(self, table: Table) -> None:
        """A quarter is new and invited as it should be, a quarter is blocked, a quarter is taken out of the group, a
        quarter has no account any more."""
        quarter = CHANGED // 4
        fresh = [self.guest(900_000 + n) for n in range(quarter)]
        self.seed(users=fresh)
        invited = [replace(i, updated_at=datetime.now(UTC)) for i in _invitations(self, fresh)]
        await table.write([insert(to_row(i)) for i in invited])
        for person in fresh:
            self._graph("POST", f"/groups/{self.group}/members/$ref", self._reference(person["id"]))
        for n in range(quarter):
            self._graph("PATCH", f"/users/{self.guest(n)['id']}", {"accountEnabled": False})
        for n in range(quarter, 2 * quarter):
            self._graph("DELETE", f"/groups/{self.group}/members/{self.guest(n)['id']}/$ref")
        for n in range(2 * quarter, 3 * quarter):
            self._graph("DELETE", f"/users/{self.guest(n)['id']}")

    def calls(self) -> int:
        return sum(int(c["count"]) for c in self._simulator.get("/_sim/calls").json())

    def seed(self, **sections: Any) -> None:
        principal = {"id": _PRINCIPAL, "appId": _APP, "displayName": "Bench"}
        self._simulator.post("/_sim/seed", json={"servicePrincipals": [principal], **sections}).raise_for_status()

    def _reference(self, id_: str) -> dict[str, str]:
        return {"@odata.id": f"{self._simulator.base_url}v1.0/directoryObjects/{id_}"}

    def _graph(self, method: str, path: str, body: Any = None) -> None:
        order = {"audience": "https://graph.microsoft.com", "clientId": self._client}
        token = self._simulator.post("/_sim/tokens", json=order).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        self._simulator.request(method, f"/v1.0{path}", json=body, headers=headers).raise_for_status()
