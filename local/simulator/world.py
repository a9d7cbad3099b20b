"""Everything a request can see or change, in one place; ``/_sim/reset`` makes a new one."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from .audits import AuditLog
from .clock import elapsed_ms, monotonic, now
from .directory import Directory
from .entitlements import Entitlements
from .faults import Faults
from .invited import InvitedGuests
from .mailbox import Mailbox
from .observations import Observations
from .registry import Registry
from .settings import Replication, Settings, Window
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


@dataclass(slots=True)
class _New:
    since: float = field(default_factory=monotonic)
    calls: dict[str, int] = field(default_factory=dict)


class NewThings:
    """How long something new stays unseen, independently for each way of looking at it (graph contract "Invitations",
    "Consistency", "Replication window"). Keys are object ids, or a pair's ids joined; things never announced are
    visible."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._new: dict[str, _New] = {}

    def announce(self, key: str) -> None:
        """Something was made just now. Costs nothing while no window is set."""
        settings = self._settings()
        windows = [*_windows(settings.replication), settings.mail.sent_copy_after]
        if any(window.ms or window.calls for window in windows):
            self._new[key.lower()] = _New()

    def hides(self, key: str, endpoint: str, window: Window) -> bool:
        """Whether an endpoint cannot see the thing yet. Counts as one look-up in vain when so.

        The window is read at the moment of looking, so that changing a setting changes the answer.
        """
        new = self._new.get(key.lower()) if self._new else None
        if new is None:
            return False
        calls = new.calls.get(endpoint, 0)
        if elapsed_ms(new.since) >= window.ms and calls >= window.calls:
            return False
        new.calls[endpoint] = calls + 1
        return True

    @property
    def is_empty(self) -> bool:
        """Nothing is new: callers may skip asking for each object of a list."""
        return not self._new


def _windows(replication: Replication) -> list[Window]:
    windows = (getattr(replication, name) for name in replication.__struct_fields__)
    return [window for window in windows if window is not None]
