"""Joins ports to adapters, once per process, at the first call: nothing heavy is loaded by an import.

The only module that knows all adapters.
"""

import asyncio
import logging
import os
import random
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.adapters.queues.codec import UnreadableMessage, decode_command, read_traceparent
from shared.config import Settings, read_settings
from shared.domain.commands import Command
from shared.domain.errors import GuestlistError
from shared.domain.features import Feature
from shared.ports.callers import Callers
from shared.ports.mailer import Mailer
from shared.ports.outbox import Outbox
from shared.ports.report_page import ReportPage
from shared.steps.accept_invitation import AcceptInvitation
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
from shared.steps.group_access import GroupAccess
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
from shared.steps.readiness import CheckReadiness, say_readiness
from shared.steps.requests.ask import AskToJoin
from shared.steps.requests.decide import DecideRequest
from shared.steps.requests.fulfil import FulfilRequestStep
from shared.steps.requests.mail import MailRequestStep
from shared.steps.requests.prove import ProveAddress
from shared.steps.requests.sweep import SweepRequests
from shared.steps.setup.apps import Apps
from shared.steps.setup.give_up import GiveUpSetup
from shared.steps.setup.people import TendSetup
from shared.steps.setup.run_step import RunSetupStepNow
from shared.steps.setup.start import StartSetup
from shared.steps.setup.sweep import SweepSetups
from shared.steps.setup.work import Tools
from shared.steps.show_invitations import ShowInvitations
from shared.steps.sweep import Sweep

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from opentelemetry.trace import Span

    from shared.adapters.directory.session import GraphSession

__all__ = ["App", "UnreadableMessage", "Work", "app", "decode", "decode_any", "delivery", "on_time", "request"]


log = logging.getLogger("guestlist")


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
    report_page: Callable[[], ReportPage]


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
    callers: Callers
    outbox: Outbox
    accept_invitation: AcceptInvitation
    show_invitations: ShowInvitations
    invite_chunk: InviteChunkStep
    join_chunk: JoinChunkStep
    mail_chunk: MailChunkStep
    sweep: Sweep
    give_up: GiveUp
    setups: Setups
    imports: Imports
    portal: Portal
    requests: JoinRequests
    audits: Audits
    people: People
    examine: Examine
    measure_queues: Callable[[], Awaitable[int]]
    log_key: Callable[[], Awaitable[bytes]]
    ready: CheckReadiness


class SystemClock:
    """The machine's own time and chance."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def jitter(self) -> float:
        return random.random()  # noqa: S311 - spreads load, guards nothing

    def random_hex(self, digits: int) -> str:
        return secrets.token_hex((digits + 1) // 2)[:digits]


_apps: dict[asyncio.AbstractEventLoop, App] = {}
_under_way: set[asyncio.Task[None]] = set()
"""What was begun at the start and goes on beside the first calls."""


async def app() -> App:
    """The app of this process. Its clients belong to the running event loop; the worker has one.

    Raises:
        SettingsWrong: naming each setting that is missing or wrong.
    """
    loop = asyncio.get_running_loop()
    if loop not in _apps:
        # No await in between: two first calls at once build one app.
        settings = read_settings(os.environ)
        _begin_to_tell()
        _addresses_in_logs(settings)
        is_first = not _apps
        made = _apps[loop] = build(settings)
        _begin(_learn_log_key(made))
        if is_first:
            # Beside the call, which does not wait for it; it ends by itself within the check's patience.
            _begin(say_readiness(made.ready))
    return _apps[loop]


def _begin_to_tell() -> None:
    """Logs are guarded before anything is written, and telemetry begins. Does something once in a process."""
    from shared.adapters.telemetry.logs import guard_records
    from shared.adapters.telemetry.provider import configure

    guard_records()
    configure(os.environ)


def _addresses_in_logs(settings: Settings) -> None:
    from shared.adapters.telemetry.logs import pseudonyms

    pseudonyms.in_clear = settings.log_personal_data


def _begin(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def _learn_log_key(made: App) -> None:
    """Until the key is here, logs say of a guest that there was one, and not which."""
    from shared.adapters.telemetry.logs import pseudonyms

    try:
        pseudonyms.use(await made.log_key())
    except GuestlistError as e:
        log.warning("the key of the logs could not be read: %s", e)


def build(settings: Settings) -> App:
    """Make the adapters and hand them to the steps."""
    from shared.adapters.directory import GraphDirectory, GraphSession
    from shared.adapters.directory.changes import GraphChanges
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
    from shared.adapters.queues.outbox import QueueOutbox
    from shared.adapters.storage import blob_service, queue_service, table_service
    from shared.adapters.tables.cases import TableCases
    from shared.adapters.tables.imports import TableImportStore
    from shared.adapters.tables.log_key import TableLogKey
    from shared.adapters.tables.mirror import TableMirror
    from shared.adapters.tables.past import TablePast
    from shared.adapters.tables.people import TableHoldings
    from shared.adapters.tables.remedies import TableRemedyStore
    from shared.adapters.tables.requests import TableRequestStore
    from shared.adapters.tables.setups import TableSetupStore
    from shared.adapters.tables.trail import TableTrail
    from shared.adapters.telemetry.queues import QueueGauges
    from shared.adapters.telemetry.stores import MeasuredAuditStore, MeasuredStore

    credential = app_credential(settings.identity_client_id)
    clock = SystemClock()
    session = GraphSession(base_url=settings.graph_url, credential=credential)
    directory = GraphDirectory(session)
    tables, queues, blobs = table_service(os.environ), queue_service(os.environ), blob_service(os.environ)
    store, setup_store, import_store = MeasuredStore(tables), TableSetupStore(tables), TableImportStore(tables)
    files, exports = BlobFiles(blobs), BlobExports(blobs)
    outbox = QueueOutbox(queues)
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
    )
    invite = InviteChunkStep(directory, store, clock, timing, settings.invite_pace)
    join = JoinChunkStep(directory, store, clock, timing)
    targets = Targets(directory, setup_store, settings.tenant_id)
    pace, rules = settings.imports, Rules(settings.message_limit, settings.sends_own_mail)
    access = GroupAccess(directory, setup_store, clock)
    tend = TendImport(import_store, store, directory, access, outbox, clock, timing, pace, features)
    imports = Imports(
        start=StartImport(targets, import_store, files, outbox, clock, timing),
        preview=PreviewImport(targets, directory, store, clock, pace, rules),
        split=SplitImportStep(import_store, files, store, targets, outbox, clock, timing, pace, rules),
        chunk=ImportChunkStep(invite, join, import_store, pace),
        tend=tend,
        results=ImportResults(tend, files, store, rules),
        undo=UndoImportStep(import_store, store, directory, clock, timing, features),
        sweep=SweepImports(import_store, store, files, outbox, clock, timing, pace),
    )
    accept = AcceptInvitation(
        directory=directory,
        store=store,
        setups=setup_store,
        outbox=outbox,
        clock=clock,
        timing=timing,
        tenant_id=settings.tenant_id,
        message_limit=settings.message_limit,
        sends_own_mail=settings.sends_own_mail,
    )
    rosters = GraphRosters(session, sign_ins=features.has(Feature.SIGN_INS))
    mail_text = JinjaMailText()
    mailer = _mailer(settings, session, credential)
    mirror, trail = TableMirror(tables), TableTrail(tables)
    portal = Portal(
        groups=ShowGroups(access, rosters, setup_store),
        guests=TendGuests(access, directory, rosters, store, mirror, trail, clock),
        templates=Templates(access, setup_store, clock, settings.message_limit),
        preview_mail=PreviewMail(access, mail_text, clock, settings.tenant_id, settings.sends_own_mail),
        cancel_invitation=CancelInvitation(access, directory, store, clock, features),
    )
    request_store, guards = TableRequestStore(tables), settings.requests
    ask = AskToJoin(setup_store, request_store, outbox, clock, timing, guards, settings.sends_own_mail)
    requests = JoinRequests(
        ask=ask,
        prove=ProveAddress(ask, request_store, outbox, clock, timing, guards),
        decide=DecideRequest(access, directory, request_store, outbox, clock, timing),
        fulfil=FulfilRequestStep(request_store, setup_store, accept, clock),
        mail=MailRequestStep(mailer, JinjaRequestText(), request_store, rosters, store, clock, timing, guards),
        sweep=SweepRequests(request_store, outbox, clock, timing),
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
        put_right=PutRightStep(audit_tools, Effects(audit_tools, tell, settings.tenant_id, settings.invite_pace)),
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
    return App(
        settings=settings,
        callers=TokenCallers(
            authority=settings.authority, tenant_id=settings.tenant_id, audience=settings.api_audience
        ),
        outbox=outbox,
        accept_invitation=accept,
        show_invitations=ShowInvitations(access, store),
        invite_chunk=invite,
        join_chunk=join,
        mail_chunk=MailChunkStep(mailer, mail_text, store, clock, timing),
        sweep=Sweep(store, outbox, clock, timing),
        give_up=GiveUp(store, outbox, clock),
        setups=Setups(
            start=StartSetup(tools, outbox),
            run_step=RunSetupStepNow(tools),
            tend=TendSetup(setup_store, outbox, clock, timing, features),
            apps=Apps(tools, outbox),
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
        ),
        measure_queues=QueueGauges(queues),
        log_key=TableLogKey(tables),
        ready=CheckReadiness(StoragePulse(tables, queues), tools.directory, clock, features),
    )


def _report_page() -> ReportPage:
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


def decode[C: Command](kind: type[C], body: bytes) -> C:
    """The command of a message on a queue that carries only `kind`; raises UnreadableMessage."""
    command = decode_command(body)
    if not isinstance(command, kind):
        raise UnreadableMessage(f"a {type(command).__name__} where a {kind.__name__} belongs")
    return command


def decode_any(body: bytes) -> Command:
    """The command of a message; raises UnreadableMessage."""
    return decode_command(body)


class Work:
    """What is told of the work at hand."""

    def __init__(self, span: "Span") -> None:
        self._span = span

    @property
    def trace_id(self) -> str:
        """32 hex digits; callers are told it as the request's id."""
        from shared.adapters.telemetry import spans

        return spans.trace_id(self._span)

    def answer(self, status: int) -> None:
        """The status of the HTTP answer."""
        self._span.set_attribute("http.response.status_code", status)


@contextmanager
def request(name: str, method: str, headers: Mapping[str, str]) -> Iterator[Work]:
    """The work of one HTTP request, by its handler's name. What is enqueued meanwhile carries its trace on."""
    from shared.adapters.telemetry import spans

    _begin_to_tell()
    with spans.request(name, method, headers) as span:
        yield Work(span)


@contextmanager
def on_time(name: str) -> Iterator[None]:
    """The work of a timer."""
    from shared.adapters.telemetry import spans

    _begin_to_tell()
    with spans.timer(name):
        yield


@contextmanager
def delivery(name: str, body: bytes) -> Iterator[None]:
    """The work on one message, in the message's trace.

    Raises:
        Exception: what the work raised; in other words where the host would write down an address with it.
    """
    from shared.adapters.telemetry import spans
    from shared.adapters.telemetry.logs import tellable

    _begin_to_tell()
    with spans.delivery(name, read_traceparent(body)):
        try:
            yield
        except Exception as e:
            told = tellable(e)
            if told is e:
                raise
            log.exception("%s stopped", name)
            raise told from None
