"""What the parts of an audit share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.audits.settings import AuditSettings
from shared.domain.features import ALL, Features
from shared.domain.timing import Timing
from shared.ports.clock import Clock
from shared.ports.directory import Directory
from shared.ports.outbox import Outbox
from shared.ports.request_store import RequestStore
from shared.ports.setup_store import SetupStore
from shared.ports.store import Store
from shared.ports.trail import Trail

if TYPE_CHECKING:
    from shared.adapters.directory.changes import GraphChanges
    from shared.adapters.directory.setup.app_directory import GraphAppDirectory
    from shared.adapters.tables.audits import TableAuditStore
    from shared.adapters.tables.mirror import TableMirror
    from shared.adapters.tables.past import TablePast
    from shared.adapters.tables.remedies import TableRemedyStore


@dataclass(frozen=True, slots=True)
class AuditTools:
    audits: "TableAuditStore"
    mirror: "TableMirror"
    changes: "GraphChanges"
    past: "TablePast"
    remedies: "TableRemedyStore"
    trail: Trail
    store: Store
    setups: SetupStore
    requests: RequestStore
    directory: "GraphAppDirectory"
    groups: Directory
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: AuditSettings
    features: Features = ALL
