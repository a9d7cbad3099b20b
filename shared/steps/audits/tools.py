"""What the parts of an audit share."""

from dataclasses import dataclass

from shared.domain.audits.settings import AuditSettings
from shared.domain.features import ALL, Features
from shared.domain.timing import Timing
from shared.ports.app_directory import AppDirectory
from shared.ports.audit_store import AuditStore
from shared.ports.changes import Changes
from shared.ports.clock import Clock
from shared.ports.directory import Directory
from shared.ports.mirror import Mirror
from shared.ports.outbox import Outbox
from shared.ports.past import Past
from shared.ports.remedy_store import RemedyStore
from shared.ports.request_store import RequestStore
from shared.ports.setup_store import SetupStore
from shared.ports.store import Store
from shared.ports.trail import Trail


@dataclass(frozen=True, slots=True)
class AuditTools:
    audits: AuditStore
    mirror: Mirror
    changes: Changes
    past: Past
    remedies: RemedyStore
    trail: Trail
    store: Store
    setups: SetupStore
    requests: RequestStore
    directory: AppDirectory
    groups: Directory
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: AuditSettings
    features: Features = ALL
