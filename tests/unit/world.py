"""A world in memory: directory, storage, queues, mail and a clock that goes when told."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.core.clock import Timing
from shared.core.ids import ChunkId, GroupId
from shared.invitations.accept import AcceptInvitation
from shared.invitations.chunk import ChunkStep
from shared.invitations.model.invitations import Invitation
from shared.invitations.sweep import CheckChunk, GiveUp
from shared.membership.access import Access
from shared.messages.commands import Command, InviteChunk, JoinChunk, MailChunk
from shared.messages.outcomes import Outcome
from shared.messages.sweep import Sweep
from shared.pace.pacing import Budgets, Pace
from tests.builders import CHUNK, GROUP, NOW, TENANT, a_group, an_app, an_invitation
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory
from tests.fakes.mailer import FakeMailer, FakeMailText
from tests.fakes.outbox import FakeOutbox
from tests.fakes.principals import FakePrincipals
from tests.fakes.setup_store import FakeSetupStore
from tests.fakes.store import FakeStore


@dataclass
class World:
    directory: FakeDirectory = field(default_factory=lambda: FakeDirectory(groups={GROUP: a_group()}))
    store: FakeStore = field(default_factory=FakeStore)
    setups: FakeSetupStore = field(default_factory=lambda: FakeSetupStore().put(an_app()))
    principals: FakePrincipals = field(default_factory=FakePrincipals)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    clock: FakeClock = field(default_factory=FakeClock)
    mailer: FakeMailer | None = field(default_factory=FakeMailer)
    timing: Timing = field(default_factory=Timing)
    budgets: Budgets = field(default_factory=Budgets)
    pace: Pace = field(default_factory=lambda: Pace(6000, timedelta(minutes=1), burst=1000))

    def __post_init__(self) -> None:
        self.directory.clock = self.clock

    @property
    def access(self) -> Access:
        return Access(self.directory, self.setups, self.clock, self.principals)

    @property
    def accept(self) -> AcceptInvitation:
        return AcceptInvitation(
            access=self.access,
            store=self.store,
            outbox=self.outbox,
            clock=self.clock,
            timing=self.timing,
            budgets=self.budgets,
            tenant_id=TENANT,
            message_limit=100,
            sends_own_mail=self.mailer is not None,
        )

    @property
    def sweep(self) -> Sweep[tuple[GroupId, ChunkId]]:
        return Sweep(self.store.open_chunks, CheckChunk(self.store, self.timing), self.outbox, self.clock)

    @property
    def give_up(self) -> GiveUp:
        return GiveUp(self.store, self.outbox, self.clock)

    @property
    def chunk(self) -> ChunkStep:
        return ChunkStep(
            self.directory,
            self.store,
            self.clock,
            self.timing,
            self.pace,
            self.access,
            self.mailer,
            FakeMailText(),
        )

    async def do(self, command: Command) -> Outcome:
        """Run the step of a command once."""
        match command:
            case InviteChunk():
                return await self.chunk.invite(command)
            case JoinChunk():
                return await self.chunk.join(command)
            case MailChunk():
                return await self.chunk.mail(command)
            case _:
                raise AssertionError(f"{command} is not about a chunk")

    async def run(self, command: Command, *, most: int = 200) -> list[str]:
        """Run a command and all that follows, letting the clock jump to what comes later; gives why it waited."""
        queue: list[Command] = [command]
        waits: list[str] = []
        for _ in range(most):
            if not queue:
                return waits
            outcome = await self.do(queue.pop(0))
            queue += outcome.then
            if outcome.later is not None:
                waits.append(outcome.later.why)
                self.clock.time = max(self.clock.time, outcome.later.not_before)
                queue.append(outcome.later.command)
        raise AssertionError(f"still busy after {most} deliveries: {waits[-5:]}")

    async def given(self, *invitations: Invitation) -> None:
        """A chunk as `accept` leaves it."""
        await self.store.open_chunks.open((GROUP, CHUNK), NOW + self.timing.stall_timeout)
        await self.store.accept(invitations or [an_invitation()], None)

    def row(self, position: int = 0) -> Invitation:
        return next(r.value for i, r in self.store.rows.items() if i.position == position)

    def put(self, invitation: Invitation) -> None:
        """Set a row as an earlier delivery left it."""
        self.store.rows[invitation.id] = replace(self.store.rows[invitation.id], value=invitation)
