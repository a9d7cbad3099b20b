"""Backup of a Guestlist that has been at work, and what becomes of it in an account that was empty."""

import asyncio
import base64
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.queue.aio import QueueServiceClient

from infra.tables.__main__ import main
from infra.tables.folder import all_tables
from local.azurite import Azurite
from local.stack import IDENTITY_HEADER, Stack
from shared.core.clock import Timing
from shared.core.ids import InvitationId
from shared.graph.directory import GraphDirectory
from shared.graph.session import GraphSession
from shared.identity.credentials import app_credential
from shared.invitations.chunk import ChunkStep
from shared.invitations.rows.store import TableStore
from shared.invitations.sweep import CheckChunk
from shared.membership.access import Access
from shared.membership.model.access import InviteTo
from shared.messages.commands import Command, InviteChunk, JoinChunk
from shared.messages.outbox import QueueOutbox
from shared.messages.outcomes import Outcome
from shared.messages.registry import MESSAGES
from shared.messages.sweep import Sweep
from shared.pace.pacing import Pace
from shared.storage.accounts import CONNECTION, queue_service, table_service
from shared.storage.reminders import TableReminders
from shared.wiring.adapters import SystemClock
from tests.fakes.mailer import FakeMailText
from tests.fakes.principals import FakePrincipals
from tests.fakes.setup_store import FakeSetupStore
from tests.integration.conftest import Tenant, eventually
from tests.integration.test_audits import audit
from tests.integration.test_imports import Imports
from tests.operate.accounts import connection_of, with_accounts
from tests.operate.raw import raw_rows


@pytest.fixture(scope="module")
def _empty() -> Iterator[Iterator[str]]:
    with with_accounts() as names, Azurite.start() as azurite:
        yield (connection_of(azurite, name) for name in names)


@pytest.fixture
def empty(_empty: Iterator[str]) -> str:
    """Another storage account, with nothing in it."""
    return next(_empty)


def backup(tenant: Tenant, folder: Path) -> None:
    assert main(["backup", "--to", str(folder), "--connection", tenant.stack.azurite.connection_string]) == 0


@contextmanager
def paused(stack: Stack) -> Iterator[None]:
    """The app stands still, as operators are asked for: other tests share it, and its timers never rest."""
    pids = stack.worker_pids()
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_an_account_that_was_worked_in_comes_back_as_it_was(tenant: Tenant, empty: str, tmp_path: Path) -> None:
    tenant.end_of(tenant.invite("backup-ada@fabrikam.com", welcomeMessage="Welcome!"))
    Imports(tenant).run("email,name\n" + "".join(f"backup-{n}@fabrikam.com,Guest {n}\n" for n in range(25)))
    audit(tenant)
    source, folders = tenant.stack.azurite.connection_string, (tmp_path / str(n) for n in range(100))

    def at_rest() -> tuple[Path, dict] | None:  # type: ignore[type-arg]
        before, folder = raw_rows(source), next(folders)
        backup(tenant, folder)
        return (folder, before) if raw_rows(source) == before else None

    with paused(tenant.stack):
        found = eventually(at_rest)
    assert found is not None
    folder, rows = found
    assert main(["restore", "--from", str(folder), "--connection", empty]) == 0
    restored = raw_rows(empty)

    assert set(rows) <= set(all_tables()), "tables that nobody backs up"
    assert {table: restored[table] for table in rows} == rows
    assert {"Invitations", "Imports", "Audits", "Tenant", "Mirror"} <= {t for t in rows if rows[t]}


@dataclass
class RestoredApp:
    """What the app has in the restored account: its rows, and queues that are empty."""

    store: TableStore
    outbox: QueueOutbox
    queues: QueueServiceClient
    directory: GraphDirectory

    def __post_init__(self) -> None:
        clock, timing, pace = SystemClock(), Timing(), Pace(600, timedelta(minutes=1), burst=100)
        self.sweep = Sweep(self.store.open_chunks, CheckChunk(self.store, timing), self.outbox, clock)
        access = Access(self.directory, FakeSetupStore(), clock, FakePrincipals(), InviteTo.OWNED)
        text = FakeMailText()
        self.chunk = ChunkStep(self.directory, self.store, clock, timing, pace, access, mailer=None, text=text)

    async def take(self) -> list[Command]:
        """What waits in the queue of invitations."""
        queue = self.queues.get_queue_client("invitations")
        return [MESSAGES.decode(base64.b64decode(m.content)) async for m in queue.receive_messages()]

    async def run(self, command: Command) -> None:
        """To its end, as the queues would."""
        async with asyncio.timeout(60):
            while True:
                outcome = await self._step(command)
                for following in outcome.then:
                    await self.run(following)
                if outcome.later is None:
                    return
                await asyncio.sleep(max(0, (outcome.later.not_before - datetime.now(UTC)).total_seconds()))
                command = outcome.later.command

    async def _step(self, command: Command) -> Outcome:
        if isinstance(command, InviteChunk):
            return await self.chunk.invite(command)
        assert isinstance(command, JoinChunk)
        return await self.chunk.join(command)


@asynccontextmanager
async def restored_app(tenant: Tenant, account: str, patch: pytest.MonkeyPatch) -> AsyncIterator[RestoredApp]:
    patch.setenv("IDENTITY_ENDPOINT", f"{tenant.stack.simulator_url}/msi/token")
    patch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
    env = {CONNECTION: account}
    async with table_service(env) as tables, queue_service(env) as queues, app_credential(None) as credential:
        session = GraphSession(base_url=f"{tenant.stack.simulator_url}/v1.0", credential=credential)
        yield RestoredApp(
            TableStore(tables), QueueOutbox(queues, TableReminders(tables)), queues, GraphDirectory(session)
        )
        await session.close()


class InAnHour(SystemClock):
    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


async def test_work_that_stood_in_the_backup_goes_on_without_its_messages_and_nothing_is_sent_twice(
    tenant: Tenant, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "backup-parked@fabrikam.com"
    blocked = "Invitations are blocked for this directory due to suspicious activity."
    tenant.fault(path="/invitations", method="POST", times=0, status=403, code="Forbidden", message=blocked)
    invitation = InvitationId.parse(tenant.invite(address))
    await asyncio.to_thread(tenant.in_state, str(invitation), "parked")
    await asyncio.to_thread(backup, tenant, tmp_path / "backup")
    # The life that the backup does not know: the guest was invited after it, before the account was lost.
    tenant.simulator.delete("/_sim/faults")
    await asyncio.to_thread(tenant.end_of, str(invitation))

    restore = ["restore", "--from", str(tmp_path / "backup"), "--connection", empty]
    assert await asyncio.to_thread(main, restore) == 0
    async with restored_app(tenant, empty, monkeypatch) as app:
        there = await app.store.read(invitation)
        assert there is not None
        assert there.state == "parked"
        swept = await replace(app.sweep, clock=InAnHour())()
        assert swept >= 1
        commands = await app.take()
        assert InviteChunk(invitation.group, invitation.chunk) in commands
        await app.run(InviteChunk(invitation.group, invitation.chunk))
        there = await app.store.read(invitation)

    assert there is not None
    assert (there.state, there.already_in_directory) == ("member", True)
    assert (tenant.tickets(address), len(tenant.mails(address))) == (1, 1)
    assert tenant.members().count(address) == 1
