"""The steps of each capability, made of the adapters and ready to run: what triggers are handed."""

from shared.audits.apply_remedies import ApplyRemediesStep
from shared.audits.commands import AuditCommands
from shared.audits.dependencies import AuditDependencies
from shared.audits.model.report import Report
from shared.audits.remedies import Effects
from shared.audits.run import RunAuditTask, StartAudit
from shared.core.records import FindStuck
from shared.diagnostics.diagnose import Diagnose
from shared.diagnostics.readiness import CheckReadiness, WatchChain
from shared.imports.admissions import Admissions
from shared.imports.authority import Authority
from shared.imports.chunk import ImportChunkStep
from shared.imports.commands import ImportCommands
from shared.imports.model.imports import Rules
from shared.imports.results import ImportResults
from shared.imports.split import SplitImportStep
from shared.imports.start import PreviewImport, StartImport
from shared.imports.sweep import CheckImport
from shared.imports.undo import UndoImportStep
from shared.invitations.accept import AcceptInvitation
from shared.invitations.chunk import ChunkStep
from shared.invitations.commands import CancelInvitation, PreviewMail, ShowInvitations, Templates
from shared.invitations.sweep import CheckChunk, GiveUp
from shared.invitations.take_back import DeleteUnused
from shared.membership.access import Access
from shared.membership.groups import GuestCommands, ShowGroups
from shared.membership.stop import StopSwitch
from shared.messages.sweep import Sweep
from shared.people.files import FilePersonalData
from shared.people.search import SubjectRequests
from shared.requests.ask import AskToJoin, VerifyEmail
from shared.requests.decide import DecideRequest, FulfilRequestStep
from shared.requests.ports import RequestDependencies
from shared.requests.send_mail import MailRequestStep, NotifyDeciders
from shared.requests.sweep import FindStuckRequests, SweepRequests
from shared.settings import Settings, Worker
from shared.setup.apps import Apps
from shared.setup.commands import SetupCommands
from shared.setup.run import Tools
from shared.setup.run_step import RunSetupStepNow
from shared.setup.sweep import SweepSetups
from shared.wiring.adapters import Adapters


class Setups:
    def __init__(self, a: Adapters, access: Access) -> None:
        s = a.settings
        tools = Tools(
            directory=a.apps,
            groups=a.directory,
            entitlements=a.entitlements,
            store=a.setups,
            outbox=a.outbox,
            clock=a.clock,
            timing=s.timing,
            tenant_id=s.tenant_id,
            authority=s.authority,
            features=s.features,
            protected=s.protected_apps,
        )
        self.run_step, self.commands = RunSetupStepNow(tools), SetupCommands(tools)
        self.apps = Apps(tools, access, a.guest_reader)
        self.sweep_apps = SweepSetups(a.setups, a.outbox, a.clock, s.timing)
        self.sweep = Sweep(a.setups, self.sweep_apps.look_at, a.outbox, a.clock)
        self.give_up = self.sweep_apps.give_up


class Imports:
    def __init__(
        self, a: Adapters, access: Access, rules: Rules, guests: ChunkStep, delete_unused: DeleteUnused
    ) -> None:
        s, timing, pace = a.settings, a.settings.timing, a.settings.imports
        authority = Authority(access, a.imports, s.tenant_id)
        admissions = Admissions(authority, a.imports, a.clock)
        self.start = StartImport(authority, a.imports, a.files, a.outbox, a.clock, timing)
        self.preview = PreviewImport(authority, a.directory, a.store, a.clock, pace, rules)
        self.split = SplitImportStep(a.imports, a.files, a.store, a.outbox, a.clock, timing, pace, rules, admissions)
        self.chunk = ImportChunkStep(guests, a.imports, pace, admissions)
        self.commands = ImportCommands(
            a.imports, a.store, access, a.outbox, a.clock, timing, pace, admissions, s.features
        )
        self.results = ImportResults(self.commands, a.files, a.store, rules)
        self.undo = UndoImportStep(a.imports, a.store, a.directory, a.clock, timing, delete_unused)
        look = CheckImport(a.imports, a.store, a.files, timing, pace)
        self.sweep = Sweep(a.imports, look, a.outbox, a.clock)


class Portal:
    """What owners see and do."""

    def __init__(self, a: Adapters, access: Access, stop: StopSwitch, delete_unused: DeleteUnused) -> None:
        s = a.settings
        self.groups = ShowGroups(access, a.guest_reader, a.setups)
        self.guests = GuestCommands(
            access, a.directory, a.guest_reader, a.store, a.snapshot, a.change_log, a.clock, stop
        )
        self.templates = Templates(access, a.setups, a.clock, s.message_limit)
        self.preview_mail = PreviewMail(access, a.mail_text, a.clock, s.tenant_id, s.sends_own_mail)
        self.cancel_invitation = CancelInvitation(access, a.directory, a.store, a.clock, delete_unused, stop)


class JoinRequests:
    def __init__(self, a: Adapters, access: Access, accept: AcceptInvitation) -> None:
        tools = RequestDependencies(
            requests=a.requests,
            setups=a.setups,
            store=a.store,
            directory=a.directory,
            guest_reader=a.guest_reader,
            access=access,
            mailer=a.mailer,
            text=a.request_text,
            outbox=a.outbox,
            clock=a.clock,
            timing=a.settings.timing,
            settings=a.settings.requests,
        )
        self.tell, self.ask, self.decide = NotifyDeciders(tools), AskToJoin(tools), DecideRequest(tools)
        self.prove, self.fulfil = VerifyEmail(tools, self.ask), FulfilRequestStep(tools, accept)
        self.mail, self.sweep_rest = MailRequestStep(tools, self.tell), SweepRequests(tools, self.tell)
        self.sweep = Sweep(a.requests, self.sweep_rest.look_at, a.outbox, a.clock)


class Audits:
    def __init__(self, a: Adapters, access: Access, find_stuck_setups: FindStuck) -> None:
        s = a.settings
        tools = AuditDependencies(
            audits=a.audits,
            snapshot=a.snapshot,
            changes=a.changes,
            history=a.history,
            remedies=a.remedies,
            change_log=a.change_log,
            store=a.store,
            setups=a.setups,
            find_stuck=(FindStuckRequests(a.requests, a.outbox), find_stuck_setups),
            directory=a.apps,
            groups=a.directory,
            outbox=a.outbox,
            clock=a.clock,
            timing=s.timing,
            settings=s.audits,
            features=s.features,
        )
        effects = Effects(
            tools, a.mailer, a.audit_text, a.guest_reader, s.requests.public_url, s.tenant_id, s.invite_pace
        )
        self.start, self.run = StartAudit(tools), RunAuditTask(tools)
        self.apply_remedies = ApplyRemediesStep(tools, effects, access)
        self.commands = AuditCommands(tools, access)
        self.sweep, self.give_up = self.run.sweep, self.run.give_up
        self.sweep_remedies = Sweep(a.remedies, self.run.look_at, a.outbox, a.clock)

    @staticmethod
    def html(report: Report) -> str:
        """Drawn by what is loaded where a report is wanted: charts are slow to load."""
        from shared.audits.report import html

        return html(report)


class App:
    """All of it, with the invitations that the others are about, and what watches over itself."""

    def __init__(self, settings: Settings) -> None:
        a = Adapters(settings)
        s = self.settings = settings
        self.callers, self.outbox, self.poison_queues = a.callers, a.outbox, a.poison_queues
        self.send_due, self.in_hand = a.outbox.send_due, a.in_hand.holding
        self.measure_queues, self.log_key = a.gauges, a.key.of_logs
        access = Access(a.directory, a.setups, a.clock, a.principals, s.invite_to, guests_count=s.guest_callers)
        self.stop = StopSwitch(a.store, a.outbox, a.change_log, a.clock)
        self.accept_invitation = AcceptInvitation(
            access=access,
            store=a.store,
            outbox=a.outbox,
            clock=a.clock,
            timing=s.timing,
            budgets=s.budgets,
            tenant_id=s.tenant_id,
            message_limit=s.message_limit,
            sends_own_mail=s.sends_own_mail,
        )
        self.show_invitations = ShowInvitations(access, a.store)
        guests = ChunkStep(a.directory, a.store, a.clock, s.timing, s.invite_pace, access, a.mailer, a.mail_text)
        self.invite_chunk, self.join_chunk, self.mail_chunk = guests.invite, guests.join, guests.mail
        self.give_up = GiveUp(a.store, a.outbox, a.clock)
        look = CheckChunk(a.store, s.timing)
        self.sweep = Sweep(a.store.open_chunks, look, a.outbox, a.clock)
        rules = Rules(s.message_limit, s.sends_own_mail)
        self.setups = Setups(a, access)
        delete_unused = DeleteUnused(a.directory, a.store, a.setups, s.features)
        self.imports = Imports(a, access, rules, guests, delete_unused)
        self.portal = Portal(a, access, self.stop, delete_unused)
        self.requests = JoinRequests(a, access, self.accept_invitation)
        self.audits = Audits(a, access, self.setups.sweep_apps.find_stuck)
        personal_data = (FilePersonalData(a.files, a.files, a.imports, rules), a.personal_data, a.exports)
        self.people = SubjectRequests(a.cases, personal_data, a.exports, a.audits, a.outbox, a.clock, s.timing)
        is_public = s.worker is Worker.PUBLIC
        self.diagnose = Diagnose(
            directory=a.apps,
            store=a.store,
            confirmation=a.setups.read_confirmation,
            identity=s.identity_client_id,
            mailbox=s.mail_mailbox,
            mail_service=s.acs_endpoint,
            sign_in_client=s.client_id,
            features=s.features,
            clock=a.clock,
            setup_worker=a.heartbeats if is_public else None,
            setup_identity=s.setup_identity_client_id,
            renamed_settings=s.renamed,
        )
        self.ready = CheckReadiness(
            a.heartbeats, a.apps, a.clock, s.features, s.chain_timeout, has_setup_worker=is_public
        )
        self.say_readiness = self.ready.report
        chain = self.whole_sweeps = WatchChain(a.heartbeats, a.outbox, a.apps, a.clock, s.timing)
        self.start_round_trip, self.end_round_trip = chain.start_round_trip, chain.end_round_trip
        self.report_setup_worker = chain.report_setup_worker
