"""The steps of the app, ready to run: what triggers are handed."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.config import Settings
from shared.ports.outbox import Outbox
from shared.ports.poison import PoisonQueues
from shared.steps.accept_invitation import AcceptInvitation
from shared.steps.audits.put_right import PutRightStep
from shared.steps.audits.run import GiveUpAudit, RunAuditTask, SweepAudits
from shared.steps.audits.start import StartAudit
from shared.steps.audits.tend import TendAudits
from shared.steps.cancel_invitation import CancelInvitation
from shared.steps.examine import Examine
from shared.steps.give_up import GiveUp
from shared.steps.imports.chunk import ImportChunkStep
from shared.steps.imports.preview import PreviewImport
from shared.steps.imports.results import ImportResults
from shared.steps.imports.split import SplitImportStep
from shared.steps.imports.start import StartImport
from shared.steps.imports.sweep import SweepImports
from shared.steps.imports.tend import TendImport
from shared.steps.imports.undo import UndoImportStep
from shared.steps.invite_chunk import InviteChunkStep
from shared.steps.join_chunk import JoinChunkStep
from shared.steps.mail_chunk import MailChunkStep
from shared.steps.people.ask import AskForPerson
from shared.steps.people.search import SearchPersonStep
from shared.steps.people.sweep import SweepPeople
from shared.steps.portal.groups import ShowGroups
from shared.steps.portal.guests import TendGuests
from shared.steps.portal.templates import PreviewMail, Templates
from shared.steps.readiness import CheckReadiness, EndRoundTrip, ReportSetupWorker, SayReadiness, StartRoundTrip
from shared.steps.requests.ask import AskToJoin
from shared.steps.requests.decide import DecideRequest
from shared.steps.requests.fulfil import FulfilRequestStep
from shared.steps.requests.mail import MailRequestStep
from shared.steps.requests.prove import ProveAddress
from shared.steps.requests.sweep import SweepRequests
from shared.steps.requests.tell import TellDeciders
from shared.steps.setup.apps import Apps
from shared.steps.setup.give_up import GiveUpSetup
from shared.steps.setup.people import TendSetup
from shared.steps.setup.run_step import RunSetupStepNow
from shared.steps.setup.start import StartSetup
from shared.steps.setup.sweep import SweepSetups
from shared.steps.show_invitations import ShowInvitations
from shared.steps.stop import StopSwitch
from shared.steps.sweep import Sweep, WholeSweeps

if TYPE_CHECKING:
    from shared.adapters.identity.tokens import TokenCallers
    from shared.adapters.report.page import HtmlReport


@dataclass(frozen=True, slots=True)
class Setups:
    """The steps of setting apps up, ready to run."""

    start: StartSetup
    run_step: RunSetupStepNow
    tend: TendSetup
    apps: Apps
    sweep: SweepSetups
    give_up: GiveUpSetup


@dataclass(frozen=True, slots=True)
class Imports:
    """The steps of bulk import, ready to run."""

    start: StartImport
    preview: PreviewImport
    split: SplitImportStep
    chunk: ImportChunkStep
    tend: TendImport
    results: ImportResults
    undo: UndoImportStep
    sweep: SweepImports


@dataclass(frozen=True, slots=True)
class Portal:
    """What owners see and do, ready to run."""

    groups: ShowGroups
    guests: TendGuests
    templates: Templates
    preview_mail: PreviewMail
    cancel_invitation: CancelInvitation


@dataclass(frozen=True, slots=True)
class JoinRequests:
    """The steps of join requests, ready to run."""

    ask: AskToJoin
    prove: ProveAddress
    decide: DecideRequest
    fulfil: FulfilRequestStep
    mail: MailRequestStep
    tell: TellDeciders
    sweep: SweepRequests


@dataclass(frozen=True, slots=True)
class Audits:
    """The steps of audits, ready to run. `report_page` is called for where a report is wanted: charts are slow to
    load."""

    start: StartAudit
    run: RunAuditTask
    put_right: PutRightStep
    tend: TendAudits
    sweep: SweepAudits
    give_up: GiveUpAudit
    report_page: "Callable[[], HtmlReport]"


@dataclass(frozen=True, slots=True)
class People:
    """The steps of exporting and erasing a person's data, ready to run."""

    ask: AskForPerson
    search: SearchPersonStep
    sweep: SweepPeople


@dataclass(frozen=True, slots=True)
class App:
    """The steps, ready to run."""

    settings: Settings
    callers: "TokenCallers"
    outbox: Outbox
    stop: StopSwitch
    send_due: Callable[[], Awaitable[int]]
    in_hand: Callable[[str, str], AbstractAsyncContextManager[None]]
    accept_invitation: AcceptInvitation
    show_invitations: ShowInvitations
    invite_chunk: InviteChunkStep
    join_chunk: JoinChunkStep
    mail_chunk: MailChunkStep
    sweep: Sweep
    whole_sweeps: WholeSweeps
    give_up: GiveUp
    setups: Setups
    imports: Imports
    portal: Portal
    requests: JoinRequests
    audits: Audits
    people: People
    examine: Examine
    measure_queues: Callable[[], Awaitable[Mapping[str, int]]]
    poison_queues: PoisonQueues
    log_key: Callable[[], Awaitable[bytes]]
    ready: CheckReadiness
    say_readiness: SayReadiness
    start_round_trip: StartRoundTrip
    end_round_trip: EndRoundTrip
    report_setup_worker: ReportSetupWorker
