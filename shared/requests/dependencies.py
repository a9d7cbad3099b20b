"""What the steps about join requests share."""

from dataclasses import dataclass

from shared.core.clock import Clock, Timing
from shared.graph.ports import Directory, GuestReader
from shared.invitations.ports import Store
from shared.mail.ports import Mailer
from shared.membership.access import Access
from shared.membership.ports import AppStore
from shared.messages.ports.outbox import Outbox
from shared.requests.model.settings import RequestSettings
from shared.requests.ports import RequestStore, RequestText


@dataclass(frozen=True, slots=True)
class RequestDependencies:
    """`mailer` is None where no sender is set up (any more)."""

    requests: RequestStore
    setups: AppStore
    store: Store
    directory: Directory
    guest_reader: GuestReader
    access: Access
    mailer: Mailer | None
    text: RequestText
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: RequestSettings
