"""Somebody outside asks to join: check what can be checked without telling anything, write it down, and send the mail
that proves the address. Whatever is known of the address, the answer is the same."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.domain.addresses import Address, parse_address
from shared.domain.commands import MailRequest
from shared.domain.errors import Conflict, Refused, StorageBusy
from shared.domain.ids import GroupId
from shared.domain.reasons import Reason
from shared.domain.request_settings import Limit, RequestSettings
from shared.domain.requests import JoinRequest, RequestMail, RequestState, request_id, step_on, with_mail
from shared.domain.setup.plan import Requests
from shared.domain.setup.records import AppRecord, AppState
from shared.domain.timing import Timing
from shared.ports.clock import Clock
from shared.ports.outbox import Outbox
from shared.ports.request_store import RequestStore
from shared.ports.setup_store import SetupStore
from shared.ports.store import Versioned

_CODE_DIGITS = 32
_TRIES = 5
_ENDED = (RequestState.APPROVED, RequestState.DECLINED, RequestState.EXPIRED, RequestState.FAILED)


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What somebody asked for. `source` is where the request came from, as far as it can be told."""

    group: GroupId
    address: str
    display_name: str | None
    reason_given: str | None
    language: str | None
    source: str


@dataclass(frozen=True, slots=True)
class AskToJoin:
    setups: SetupStore
    requests: RequestStore
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: RequestSettings
    sends_own_mail: bool

    async def open_app(self, group: GroupId) -> AppRecord:
        """The app whose policy lets people ask to join this group.

        Raises:
            Refused: `requests-closed`, whether the group is unknown, closed or not to be seen.
        """
        apps = await self.setups.list_apps(group)
        for app in apps:
            if app.policy.requests is not Requests.CLOSED and app.state is AppState.READY:
                if self.settings.public_url is None or not self.sends_own_mail:
                    break
                return app
        raise Refused(Reason.REQUESTS_CLOSED)

    async def __call__(self, new: NewRequest) -> None:
        """Take the request. Safe to repeat: an address has one request to a group.

        Raises:
            Refused: `requests-closed`, `address-invalid`, `address-unsupported`, `domain-not-allowed`,
                `too-many-requests`.
            StorageBusy: nothing was taken.
        """
        app = await self.open_app(new.group)
        address = parse_address(new.address)
        if not app.policy.takes(address.domain):
            detail = f"'{app.name}' does not admit guests of {address.domain}"
            raise Refused(Reason.DOMAIN_NOT_ALLOWED, detail, field="address")
        await self._count(f"source {new.source}", self.settings.of_source)
        await self._count(f"group {new.group}", self.settings.of_group)
        now = self.clock.now()
        # Whoever asks too often for one address is not told: that would tell that others asked for it.
        if not await self.requests.count_up(f"address {new.group} {address.key}", self.settings.of_address, now):
            return
        if await self._write(new, app, address):
            with suppress(StorageBusy):  # The sweeper sends what was not enqueued.
                await self.outbox.send(MailRequest(new.group, request_id(new.group, address)))

    async def _count(self, what: str, limit: Limit) -> None:
        now = self.clock.now()
        if not await self.requests.count_up(what, limit, now):
            seconds = limit.window.total_seconds()
            left = timedelta(seconds=seconds - now.timestamp() % seconds)
            raise Refused(Reason.TOO_MANY_REQUESTS, retry_after=left)

    async def _write(self, new: NewRequest, app: AppRecord, address: Address) -> bool:
        """Write the request down; False where nothing is to be sent, as it waits for an owner already."""
        key = request_id(new.group, address)
        for _ in range(_TRIES):
            now = self.clock.now()
            there = await self.requests.read(new.group, key)
            fresh = JoinRequest(
                id=key,
                group=new.group,
                address=address,
                code=self.clock.random_hex(_CODE_DIGITS),
                app_name=app.name,
                requested_at=now,
                updated_at=now,
                expires_at=now + self.settings.proof_kept,
                display_name=new.display_name,
                reason_given=new.reason_given,
                language=new.language,
            )
            if there is None:
                request = fresh
            elif there.value.state is RequestState.UNPROVEN:
                # The same code: whoever asks in somebody's name must not make the mail they have worthless.
                request = replace(there.value, expires_at=fresh.expires_at)
            elif there.value.state in _ENDED and not there.value.is_unfulfilled and there.value.mail is None:
                step_on(there.value, RequestState.UNPROVEN, now)
                request = replace(fresh, mails=there.value.mails)
            else:
                return False
            # Remembered first: whatever stops after this line is found by the sweeper.
            await self.requests.open(new.group, key, now + self.timing.stillness)
            due = with_mail(request, RequestMail.PROOF, now)
            try:
                await self.requests.save(Versioned(due, there.version if there else None))
            except Conflict:
                continue
            return True
        raise StorageBusy("other requests kept changing the request")
