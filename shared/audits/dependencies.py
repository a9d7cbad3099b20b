"""What the parts of an audit share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shared.audits.model.settings import AuditSettings
from shared.core.applications import Saml
from shared.core.clock import Clock
from shared.core.features import ALL, Features
from shared.core.ids import SetupId
from shared.core.stuck import FindStuck
from shared.core.timing import Timing
from shared.graph.ports.directory import Directory
from shared.invitations.ports import Store
from shared.membership.ports.apps import AppStore
from shared.messages.ports.outbox import Outbox
from shared.storage.ports.change_log import ChangeLog

if TYPE_CHECKING:
    from shared.audits.rows.audits import TableAuditStore
    from shared.audits.rows.remedies import TableRemedyStore
    from shared.audits.rows.snapshot import TableSnapshot
    from shared.graph.apps.app_directory import GraphAppDirectory
    from shared.graph.changes import GraphChanges
    from shared.invitations.rows.history import TableInvitationHistory


class SetupPlans(Protocol):
    """What setups were asked for. Raises StorageBusy."""

    async def read_saml(self, setup: SetupId) -> Saml | None:
        """The SAML settings that a setup was given; None where it was given none, or is gone."""
        ...


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
    plans: "SetupPlans"
    find_stuck: Sequence[FindStuck]
    directory: "GraphAppDirectory"
    groups: Directory
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: AuditSettings
    features: Features = ALL
