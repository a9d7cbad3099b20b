"""What the parts of an audit share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.audits.model.records import TOTAL, Audit, Finding
from shared.audits.model.report import plus
from shared.audits.model.rules import AuditSettings
from shared.core.clock import Clock, Timing
from shared.core.directory import DirectoryUser, GroupFacts
from shared.core.errors import Refused
from shared.core.features import ALL, Features
from shared.core.ids import GroupId
from shared.core.reasons import Reason
from shared.core.records import FindStuck
from shared.graph.ports import Directory
from shared.invitations.ports import Store
from shared.membership.ports import AppStore
from shared.messages.ports import Outbox
from shared.storage.ports import ChangeLog

if TYPE_CHECKING:
    from shared.audits.rows.audits import TableAuditStore, TableRemedyStore
    from shared.audits.rows.snapshot import TableSnapshot
    from shared.graph.app_directory import GraphAppDirectory
    from shared.graph.changes import GraphChanges
    from shared.invitations.rows.invitations import TableInvitationHistory


@dataclass(frozen=True, slots=True)
class AuditDependencies:
    audits: "TableAuditStore"
    snapshot: "TableSnapshot"
    changes: "GraphChanges"
    history: "TableInvitationHistory"
    remedies: "TableRemedyStore"
    change_log: ChangeLog
    store: Store
    setups: AppStore
    find_stuck: Sequence[FindStuck]
    directory: "GraphAppDirectory"
    groups: Directory
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: AuditSettings
    features: Features = ALL

    async def find_group(self, group: GroupId) -> GroupFacts | None:
        """None for one that is gone."""
        try:
            return await self.groups.read_group(group)
        except Refused as e:
            if e.reason is not Reason.GROUP_MISSING:
                raise
            return None

    async def find_owners(self, group: GroupFacts | None) -> list[DirectoryUser]:
        """Those that are people; a service principal owns nothing that anybody could ask."""
        if group is None or not group.owners:
            return []
        return [p for p in await self.directory.find_people(sorted(group.owners)) if p is not None]

    async def write_found(self, audit: Audit, findings: Sequence[Finding]) -> None:
        """Findings, each with the day on which an audit first saw it. Safe to repeat."""
        if not findings:
            return
        since = await self.audits.known_since(audit.before, [f.id for f in findings]) if audit.before else {}
        dated = [replace(f, seen_since=since.get(f.id, audit.started_at)) for f in findings]
        await self.audits.write_findings(audit.id, dated)

    async def sum_totals(self, audit: Audit) -> dict[str, int]:
        """What the audit counted of all guests. One that evaluates only what changed goes on from the one before."""
        totals = await self.audits.sum_totals(audit.id)
        if audit.full or audit.before is None:
            return totals
        return plus(await self.audits.read_totals(audit.before, TOTAL), totals)
