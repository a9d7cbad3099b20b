"""Everything a request can see or change, in one place; ``/_sim/reset`` makes a new one."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

from .audits import AuditLog
from .clock import now
from .directory.directory import Directory
from .entitlements import Entitlements
from .faults import Faults
from .invited import InvitedGuests
from .mailbox import Mailbox
from .observations import Observations
from .registry import Registry
from .replication import NewThings
from .settings import Settings
from .throttling import Throttle


@dataclass
class World:
    directory: Directory
    registry: Registry
    settings: Settings = field(default_factory=Settings)
    audits: AuditLog = field(default_factory=AuditLog)
    invited: InvitedGuests = field(default_factory=InvitedGuests)
    entitlements: Entitlements = field(default_factory=Entitlements)
    mailboxes: defaultdict[str, Mailbox] = field(default_factory=lambda: defaultdict(Mailbox))
    """By user id in lower case; one comes into being at its first use."""
    observations: Observations = field(default_factory=Observations)
    faults: Faults = field(default_factory=Faults)
    throttle: Throttle = field(default_factory=Throttle)
    writes: int = 0
    """Grows with every successful write; the state file is saved when it has grown."""

    def __post_init__(self) -> None:
        self.new = NewThings(lambda: self.settings)

    def forget_expired(self) -> None:
        """Remove for good what was deleted longer ago than the tenant keeps it."""
        self.directory.purge_before(now() - timedelta(days=self.settings.deleted.keep_days))

    @property
    def verified_domains(self) -> list[str]:
        domains = self.settings.policies.verified_domains
        return self.directory.tenant.verified_domains if domains is None else domains
