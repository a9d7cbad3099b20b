"""Somebody outside asks to join: check what can be checked without telling anything, write it down, and send the mail
that proves the address. Whatever is known of the address, the answer is the same."""

from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime

from shared.core.addresses import Address, parse_address
from shared.core.errors import Refused, StorageBusy
from shared.core.ids import GroupId
from shared.core.reasons import Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.membership.model.apps import AppRecord, AppState, RequestPolicy
from shared.messages.commands import MailRequest
from shared.requests.dependencies import RequestDependencies
from shared.requests.model.mailboxes import is_for_everybody, mailbox_of
from shared.requests.model.requests import Asked, JoinRequest, RequestMail, RequestState, request_id, with_mail
from shared.requests.model.settings import Limit

_CODE_DIGITS = 32
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
    tools: RequestDependencies

    async def open_app(self, group: GroupId) -> AppRecord:
        """The app whose policy lets people ask to join this group.

        Raises:
            Refused: `requests-closed`, whether the group is unknown, closed or not to be seen.
        """
        apps = await self.tools.setups.list_apps(group)
        for app in apps:
            if app.policy.requests is not RequestPolicy.CLOSED and app.state is AppState.READY:
                if self.tools.settings.public_url is None or self.tools.mailer is None:
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
        limits, now = self.tools.settings, self.tools.clock.now()
        # First of one source, so that it cannot use up what is everybody's: the rest holds more than one may ask.
        await self._count(f"source {new.source}", limits.of_source)
        await self._count(f"source of a day {new.source}", limits.of_source_in_day)
        if not is_for_everybody(address.domain):
            await self._count(f"domain {address.domain}", limits.of_domain, f"for addresses of {address.domain} ")
        await self._count("tenant", limits.of_tenant, "")
        # Whoever asks too often for one address is not told: that would tell that others asked for it.
        for what, limit in (
            (f"address {new.group} {address.key}", limits.of_address),
            (f"mailbox {mailbox_of(address)}", limits.of_mailbox),
        ):
            if not await self.tools.requests.count_up(what, limit, now):
                return
        # Nobody is turned away because many ask to join one group: what is too much for an hour waits for the next.
        taken = await self.tools.requests.count_up(f"group {new.group}", limits.of_group, now)
        start = now if taken else limits.of_group.ends(now)
        if await self._write(new, app, address, start):
            command = MailRequest(new.group, request_id(new.group, address))
            with suppress(StorageBusy):  # The sweeper sends what was not enqueued.
                await self.tools.outbox.send(command, not_before=None if taken else start)

    async def _count(self, what: str, limit: Limit, qualifier: str | None = None) -> None:
        now = self.tools.clock.now()
        if not await self.tools.requests.count_up(what, limit, now):
            until = limit.ends(now)
            detail = f"As many requests {qualifier}were taken today as may be" if qualifier is not None else None
            raise Refused(Reason.TOO_MANY_REQUESTS, detail, retry_after=until - now, until=until)

    @retry_on_conflict("the request")
    async def _write(self, new: NewRequest, app: AppRecord, address: Address, start: datetime) -> bool:
        """Write the request down, its mail due at `start`; False where nothing is to be sent: it waits for a person
        already."""
        key = request_id(new.group, address)
        now = self.tools.clock.now()
        there = await self.tools.requests.read(new.group, key)
        fresh = JoinRequest(
            id=key,
            group=new.group,
            address=address,
            code=self.tools.clock.random_hex(_CODE_DIGITS),
            app_name=app.name,
            requested_at=now,
            updated_at=now,
            expires_at=start + self.tools.settings.proof_retention,
            display_name=new.display_name,
            reason_given=new.reason_given,
            language=new.language,
        )
        if there is None:
            request = fresh
        elif there.value.state is RequestState.UNVERIFIED:
            # The same code: whoever asks in somebody's name must not make the mail they have worthless.
            request = replace(there.value, expires_at=fresh.expires_at)
        elif _is_at_rest(there.value):
            # Beside what was decided: whoever asks has proven nothing yet.
            request = replace(there.value, again=_asked(fresh, there.value.again))
        else:
            return False
        # Remembered first: whatever stops after this line is found by the sweeper.
        await self.tools.requests.open((new.group, key), start + self.tools.timing.stall_timeout)
        due = with_mail(request, RequestMail.PROOF, now)
        await self.tools.requests.save(Versioned(due, there.version if there else None))
        return True


def _is_at_rest(request: JoinRequest) -> bool:
    """It came to its end, and nothing of that is still to happen."""
    return request.state in _ENDED and not request.is_unfulfilled and request.mail in (None, RequestMail.PROOF)


def _asked(fresh: JoinRequest, before: Asked | None) -> Asked:
    if before is not None:
        return replace(before, expires_at=fresh.expires_at)
    return Asked(**{each.name: getattr(fresh, each.name) for each in fields(Asked)})
