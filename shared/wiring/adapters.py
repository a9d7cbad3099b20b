"""The adapters, made once for a process. The only module that knows all of them, which it loads when they are made:
nothing heavy is loaded by an import."""

import os
import random
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from shared.core.features import Feature
from shared.core.ids import GroupId
from shared.mail.ports import Mailer
from shared.settings import Settings


class SystemClock:
    """The machine's own time and chance."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def jitter(self) -> float:
        return random.random()  # noqa: S311 - spreads load, guards nothing

    def random_hex(self, digits: int) -> str:
        return secrets.token_hex((digits + 1) // 2)[:digits]


class Adapters:
    """What the steps are handed, by what it is to them."""

    def __init__(self, settings: Settings) -> None:
        from shared.audits.mail_text import JinjaAuditText
        from shared.audits.rows.audits import TableRemedyStore
        from shared.audits.rows.snapshot import TableSnapshot
        from shared.diagnostics.storage_health import StorageHealth
        from shared.graph.app_directory import GraphAppDirectory
        from shared.graph.changes import GraphChanges
        from shared.graph.directory import GraphDirectory
        from shared.graph.entitlements import GraphEntitlements
        from shared.graph.guests import GraphGuestReader
        from shared.graph.principals import GraphPrincipals
        from shared.graph.session import GraphSession
        from shared.identity.credentials import app_credential
        from shared.identity.tokens import TokenCallers
        from shared.imports.rows import TableImportStore
        from shared.invitations.mail_text import JinjaMailText
        from shared.invitations.rows.invitations import TableInvitationHistory
        from shared.messages.in_hand import MessagesInHand
        from shared.messages.outbox import QueueOutbox
        from shared.messages.queues import QueueGauges, StoragePoisonQueues
        from shared.people.rows.cases import BlobExports, TableSubjectRequests
        from shared.people.rows.personal_data import TablePersonalData
        from shared.requests.mail_text import JinjaRequestText
        from shared.requests.rows import TableRequestStore
        from shared.setup.rows import TableSetupStore
        from shared.storage.accounts import blob_service, queue_service, table_service
        from shared.storage.change_log import TableChangeLog
        from shared.storage.files import BlobFiles
        from shared.storage.key import TableKey
        from shared.storage.reminders import TableReminders
        from shared.wiring.measured_stores import MeasuredAuditStore, MeasuredStore

        self.settings, self.clock = settings, SystemClock()
        self.credential = app_credential(settings.identity_client_id)
        self.session = GraphSession(base_url=settings.graph_url, credential=self.credential)
        tables, queues, blobs = table_service(os.environ), queue_service(os.environ), blob_service(os.environ)
        self.store, self.setups = MeasuredStore(tables), TableSetupStore(tables)
        self.imports, self.requests = TableImportStore(tables), TableRequestStore(tables)
        self.audits, self.remedies = MeasuredAuditStore(tables), TableRemedyStore(tables)
        self.snapshot, self.history, self.change_log = (
            TableSnapshot(tables),
            TableInvitationHistory(tables),
            TableChangeLog(tables),
        )
        self.cases, self.personal_data = TableSubjectRequests(tables), TablePersonalData(tables)
        self.files, self.exports, self.key = BlobFiles(blobs), BlobExports(blobs), TableKey(tables)
        self.directory = GraphDirectory(self.session, self._apps_of_groups)
        self.apps, self.entitlements = GraphAppDirectory(self.session), GraphEntitlements(self.session)
        self.principals = GraphPrincipals(self.session, settings.api_audience)
        sign_ins = settings.features.has(Feature.SIGN_INS)
        self.guest_reader = GraphGuestReader(
            self.session, self.key.of_continuations, self._apps_of_groups, sign_ins=sign_ins
        )
        self.changes, self.heartbeats = GraphChanges(self.session), StorageHealth(tables, queues)
        reminders = TableReminders(tables)
        self.outbox = QueueOutbox(queues, reminders)
        self.in_hand = MessagesInHand(reminders, settings.timing.work_lease)
        self.gauges, self.poison_queues = QueueGauges(queues), StoragePoisonQueues(queues)
        self.mailer = self._mailer()
        self.mail_text, self.request_text, self.audit_text = JinjaMailText(), JinjaRequestText(), JinjaAuditText()
        self.callers = TokenCallers(
            authority=settings.authority,
            tenant_id=settings.tenant_id,
            audience=settings.api_audience,
            clients=settings.clients,
            guests=settings.guest_callers,
        )

    async def _apps_of_groups(self, groups: Sequence[GroupId]) -> Mapping[GroupId, Sequence[str]]:
        """What the directory's adapters are told of the apps that groups were set up with."""
        records = await self.setups.list_apps(groups[0] if len(groups) == 1 else None)
        return {group: [r.service_principal for r in records if r.group == group] for group in groups}

    def _mailer(self) -> Mailer | None:
        settings = self.settings
        if settings.mail_mailbox is not None:
            from shared.mail.graph_mailbox import GraphMailbox

            return GraphMailbox(self.session, settings.mail_mailbox, pace=settings.mail_pace)
        if settings.acs_endpoint is not None and settings.acs_sender is not None:
            from shared.mail.acs import AcsEmail

            return AcsEmail(
                endpoint=settings.acs_endpoint,
                sender=settings.acs_sender,
                credential=self.credential,
                pace=settings.mail_pace,
            )
        return None
