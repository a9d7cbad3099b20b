"""Makes the adapters and hands them to the steps. The only module that knows all adapters, which it loads when it is
called: nothing heavy is loaded by an import."""

import os
import random
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.config import Settings, Worker
from shared.domain.features import Feature
from shared.domain.ids import GroupId
from shared.ports.mailer import Mailer
from shared.ports.setup_store import SetupStore
from shared.steps.accept_invitation import AcceptInvitation
from shared.steps.access import Access
from shared.steps.audits.put_right import PutRightStep
from shared.steps.audits.remedies import Effects
from shared.steps.audits.run import GiveUpAudit, RunAuditTask, SweepAudits
from shared.steps.audits.start import StartAudit
from shared.steps.audits.tell_owners import TellOwners
from shared.steps.audits.tend import TendAudits
from shared.steps.audits.tools import AuditTools
from shared.steps.cancel_invitation import CancelInvitation
from shared.steps.examine import Examine
from shared.steps.give_up import GiveUp
from shared.steps.imports.authority import Authority
from shared.steps.imports.chunk import ImportChunkStep
from shared.steps.imports.preview import PreviewImport
from shared.steps.imports.reading import Rules
from shared.steps.imports.results import ImportResults
from shared.steps.imports.split import SplitImportStep
from shared.steps.imports.start import StartImport
from shared.steps.imports.sweep import SweepImports
from shared.steps.imports.targets import Targets
from shared.steps.imports.tend import TendImport
from shared.steps.imports.undo import UndoImportStep
from shared.steps.invite_chunk import InviteChunkStep
from shared.steps.join_chunk import JoinChunkStep
from shared.steps.mail_chunk import MailChunkStep
from shared.steps.people.ask import AskForPerson
from shared.steps.people.files import FileHoldings
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
from shared.steps.setup.work import Tools
from shared.steps.show_invitations import ShowInvitations
from shared.steps.still_wanted import StillWanted
from shared.steps.stop import StopSwitch
from shared.steps.sweep import Sweep, WholeSweeps
from shared.wiring.parts import App, Audits, Imports, JoinRequests, People, Portal, Setups

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.adapters.directory.groups import Known
    from shared.adapters.directory.session import GraphSession
    from shared.adapters.report.page import HtmlReport


class SystemClock:
    """The machine's own time and chance."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def jitter(self) -> float:
        return random.random()  # noqa: S311 - spreads load, guards nothing

    def random_hex(self, digits: int) -> str:
        return secrets.token_hex((digits + 1) // 2)[:digits]


def build(settings: Settings) -> App:
    """Make the adapters and hand them to the steps."""
    from shared.adapters.directory import GraphDirectory, GraphSession
    from shared.adapters.directory.changes import GraphChanges
    from shared.adapters.directory.principals import GraphPrincipals
    from shared.adapters.directory.rosters import GraphRosters
    from shared.adapters.directory.setup.app_directory import GraphAppDirectory
    from shared.adapters.directory.setup.entitlements import GraphEntitlements
    from shared.adapters.exports import BlobExports
    from shared.adapters.files import BlobFiles
    from shared.adapters.identity.credentials import app_credential
    from shared.adapters.identity.tokens import TokenCallers
    from shared.adapters.mail.request_text import JinjaAuditText, JinjaRequestText
    from shared.adapters.mail.text import JinjaMailText
    from shared.adapters.pulse import StoragePulse
    from shared.adapters.queues.in_hand import MessagesInHand
    from shared.adapters.queues.outbox import QueueOutbox
    from shared.adapters.queues.poison import StoragePoisonQueues
    from shared.adapters.storage import blob_service, queue_service, table_service
    from shared.adapters.tables.cases import TableCases
    from shared.adapters.tables.imports import TableImportStore
    from shared.adapters.tables.key import TableKey
    from shared.adapters.tables.mirror import TableMirror
    from shared.adapters.tables.past import TablePast
    from shared.adapters.tables.people import TableHoldings
    from shared.adapters.tables.remedies import TableRemedyStore
    from shared.adapters.tables.reminders import TableReminders
    from shared.adapters.tables.requests import TableRequestStore
    from shared.adapters.tables.setups import TableSetupStore
    from shared.adapters.tables.trail import TableTrail
    from shared.adapters.telemetry.queues import QueueGauges
    from shared.adapters.telemetry.stores import MeasuredAuditStore, MeasuredStore

    credential = app_credential(settings.identity_client_id)
    clock = SystemClock()
    session = GraphSession(base_url=settings.graph_url, credential=credential)
    tables, queues, blobs = table_service(os.environ), queue_service(os.environ), blob_service(os.environ)
    store, setup_store, import_store = MeasuredStore(tables), TableSetupStore(tables), TableImportStore(tables)
    files, exports = BlobFiles(blobs), BlobExports(blobs)
    known = _apps_of_groups(setup_store)
    directory = GraphDirectory(session, known)
    reminders = TableReminders(tables)
    outbox = QueueOutbox(queues, reminders)
    timing, features = settings.timing, settings.features
    tools = Tools(
        directory=GraphAppDirectory(session),
        groups=directory,
        entitlements=GraphEntitlements(session),
        store=setup_store,
        clock=clock,
        timing=timing,
        tenant_id=settings.tenant_id,
        authority=settings.authority,
        features=features,
        protected=settings.protected_apps,
    )
    principals = GraphPrincipals(session, settings.api_audience)
    access = Access(
        directory, setup_store, clock, principals, settings.invite_to, guests_count=settings.guest_callers
    )
    invite = InviteChunkStep(directory, store, clock, timing, settings.invite_pace, access)
    join = JoinChunkStep(directory, store, clock, timing)
    targets = Targets(directory, setup_store, settings.tenant_id, settings.invite_to)
    authority = Authority(access, import_store)
    pace, rules = settings.imports, Rules(settings.message_limit, settings.sends_own_mail)
    wanted = StillWanted(store, setup_store)
    key = TableKey(tables)
    rosters = GraphRosters(session, key.of_continuations, known, sign_ins=features.has(Feature.SIGN_INS))
    tend = TendImport(import_store, store, directory, access, outbox, clock, timing, pace, features)
    imports = Imports(
        start=StartImport(targets, import_store, files, outbox, clock, timing),
        preview=PreviewImport(targets, directory, store, clock, pace, rules),
        split=SplitImportStep(import_store, files, store, targets, outbox, clock, timing, pace, rules, authority),
        chunk=ImportChunkStep(invite, join, import_store, pace, authority),
        tend=tend,
        results=ImportResults(tend, files, store, rules),
        undo=UndoImportStep(import_store, store, directory, clock, timing, wanted, features),
        sweep=SweepImports(import_store, store, files, outbox, clock, timing, pace),
    )
    accept = AcceptInvitation(
        directory=directory,
        store=store,
        setups=setup_store,
        outbox=outbox,
        clock=clock,
        timing=timing,
        budgets=settings.budgets,
        tenant_id=settings.tenant_id,
        message_limit=settings.message_limit,
        sends_own_mail=settings.sends_own_mail,
        invite_to=settings.invite_to,
    )
    mail_text = JinjaMailText()
    mailer = _mailer(settings, session, credential)
    mirror, trail = TableMirror(tables), TableTrail(tables)
    stop = StopSwitch(store, outbox, trail, clock)
    portal = Portal(
        groups=ShowGroups(access, rosters, setup_store),
        guests=TendGuests(access, directory, rosters, store, mirror, trail, clock, stop),
        templates=Templates(access, setup_store, clock, settings.message_limit),
        preview_mail=PreviewMail(access, mail_text, clock, settings.tenant_id, settings.sends_own_mail),
        cancel_invitation=CancelInvitation(access, directory, store, clock, wanted, stop, features),
    )
    request_store, guards = TableRequestStore(tables), settings.requests
    ask = AskToJoin(setup_store, request_store, outbox, clock, timing, guards, settings.sends_own_mail)
    request_text = JinjaRequestText()
    tell_deciders = TellDeciders(
        mailer=mailer,
        text=request_text,
        requests=request_store,
        setups=setup_store,
        directory=directory,
        rosters=rosters,
        store=store,
        outbox=outbox,
        clock=clock,
        timing=timing,
        settings=guards,
    )
    requests = JoinRequests(
        ask=ask,
        prove=ProveAddress(ask, request_store, outbox, clock, timing, guards),
        decide=DecideRequest(access, directory, request_store, outbox, clock, timing),
        fulfil=FulfilRequestStep(request_store, setup_store, accept, clock, access, guards.kept),
        mail=MailRequestStep(mailer, request_text, request_store, tell_deciders, store, clock, timing, guards),
        tell=tell_deciders,
        sweep=SweepRequests(request_store, tell_deciders, outbox, clock, timing, guards),
    )
    audit_tools = AuditTools(
        audits=MeasuredAuditStore(tables),
        mirror=mirror,
        changes=GraphChanges(session),
        past=TablePast(tables),
        remedies=TableRemedyStore(tables),
        trail=trail,
        store=store,
        setups=setup_store,
        requests=request_store,
        directory=tools.directory,
        groups=directory,
        outbox=outbox,
        clock=clock,
        timing=timing,
        settings=settings.audits,
        features=features,
    )
    tell = TellOwners(audit_tools, mailer, JinjaAuditText(), rosters, guards.public_url)
    audits = Audits(
        start=StartAudit(audit_tools),
        run=RunAuditTask(audit_tools),
        put_right=PutRightStep(
            audit_tools, Effects(audit_tools, tell, settings.tenant_id, settings.invite_pace), access
        ),
        tend=TendAudits(audit_tools, access),
        sweep=SweepAudits(audit_tools),
        give_up=GiveUpAudit(audit_tools),
        report_page=_report_page,
    )
    cases = TableCases(tables)
    holdings = (FileHoldings(files, files, import_store, rules), TableHoldings(tables), exports)
    people = People(
        ask=AskForPerson(cases, exports, outbox, clock, timing),
        search=SearchPersonStep(cases, holdings, exports, audit_tools.audits, clock, timing),
        sweep=SweepPeople(cases, exports, outbox, clock, timing),
    )
    pulse = StoragePulse(tables, queues)
    ready = CheckReadiness(
        pulse,
        tools.directory,
        clock,
        features,
        settings.chain_timeout,
        has_setup_worker=settings.worker is Worker.PUBLIC,
    )
    return App(
        settings=settings,
        callers=TokenCallers(
            authority=settings.authority,
            tenant_id=settings.tenant_id,
            audience=settings.api_audience,
            clients=settings.clients,
            guests=settings.guest_callers,
        ),
        outbox=outbox,
        stop=stop,
        send_due=outbox.send_due,
        in_hand=MessagesInHand(reminders, timing.work_lease).holding,
        accept_invitation=accept,
        show_invitations=ShowInvitations(access, store),
        invite_chunk=invite,
        join_chunk=join,
        mail_chunk=MailChunkStep(mailer, mail_text, store, clock, timing),
        sweep=Sweep(store, outbox, clock, timing),
        whole_sweeps=WholeSweeps(pulse, clock, timing),
        give_up=GiveUp(store, outbox, clock),
        setups=Setups(
            start=StartSetup(tools, outbox),
            run_step=RunSetupStepNow(tools),
            tend=TendSetup(setup_store, outbox, clock, timing, features),
            apps=Apps(tools, outbox, access, rosters),
            sweep=SweepSetups(setup_store, outbox, clock, timing),
            give_up=GiveUpSetup(setup_store, clock),
        ),
        imports=imports,
        portal=portal,
        requests=requests,
        audits=audits,
        people=people,
        examine=Examine(
            directory=tools.directory,
            store=store,
            setups=setup_store,
            identity=settings.identity_client_id,
            mailbox=settings.mail_mailbox,
            mail_service=settings.acs_endpoint,
            sign_in_client=settings.client_id,
            features=features,
            clock=clock,
            setup_worker=pulse if settings.worker is Worker.PUBLIC else None,
            setup_identity=settings.setup_identity_client_id,
        ),
        measure_queues=QueueGauges(queues),
        poison_queues=StoragePoisonQueues(queues),
        log_key=key.of_logs,
        ready=ready,
        say_readiness=SayReadiness(ready),
        start_round_trip=StartRoundTrip(pulse, outbox, clock),
        end_round_trip=EndRoundTrip(pulse, clock),
        report_setup_worker=ReportSetupWorker(pulse, tools.directory, clock),
    )


def _apps_of_groups(setups: SetupStore) -> "Known":
    """What the directory's adapters are told of the apps that groups were set up with."""

    async def known(groups: Sequence[GroupId]) -> Mapping[GroupId, Sequence[str]]:
        records = await setups.list_apps(groups[0] if len(groups) == 1 else None)
        return {group: [r.service_principal for r in records if r.group == group] for group in groups}

    return known


def _report_page() -> "HtmlReport":
    from shared.adapters.report.page import HtmlReport

    return HtmlReport()


def _mailer(settings: Settings, session: "GraphSession", credential: "AsyncTokenCredential") -> Mailer | None:
    if settings.mail_mailbox is not None:
        from shared.adapters.mail.graph_mailbox import GraphMailbox

        return GraphMailbox(session, settings.mail_mailbox, pace=settings.mail_pace)
    if settings.acs_endpoint is not None and settings.acs_sender is not None:
        from shared.adapters.mail.acs import AcsEmail

        return AcsEmail(
            endpoint=settings.acs_endpoint,
            sender=settings.acs_sender,
            credential=credential,
            pace=settings.mail_pace,
        )
    return None
