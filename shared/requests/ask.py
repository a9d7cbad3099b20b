"""Somebody outside asks to join: check what can be checked without telling anything, write it down, and send the mail
that proves the address. Whatever is known of the address, the answer is the same. When the reader of the mail has
confirmed the address, an owner sees the request."""

import hmac
from dataclasses import dataclass, fields, replace
from datetime import datetime

from shared.core.addresses import Address, parse_address
from shared.core.errors import Refused
from shared.core.ids import GroupId, RequestId
from shared.core.reasons import Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.membership.model.apps import AppRecord, AppState, RequestPolicy
from shared.requests.model import (
    Asked,
    JoinRequest,
    Limit,
    RequestMail,
    RequestState,
    is_for_everybody,
    mailbox_of,
    request_id,
    transition,
    with_mail,
)
from shared.requests.ports import RequestDependencies

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
        """The app whose policy lets people ask to join this group. Raises Refused `requests-closed`, whether the
        group is unknown, closed or not to be seen."""
        can_mail = self.tools.settings.public_url is not None and self.tools.mailer is not None
        for app in await self.tools.setups.list_apps(group):
            if can_mail and app.policy.requests is not RequestPolicy.CLOSED and app.state is AppState.READY:
                return app
        raise Refused(Reason.REQUESTS_CLOSED)

    async def __call__(self, new: NewRequest) -> None:
        """Take the request. Safe to repeat: an address has one request to a group. Raises Refused `requests-closed`,
        `address-invalid`, `address-unsupported`, `domain-not-allowed`, `too-many-requests`; StorageBusy: nothing was
        taken."""
        app = await self.open_app(new.group)
        address = parse_address(new.address)
        if not app.policy.takes(address.domain):
            detail = f"'{app.name}' does not admit guests of {address.domain}"
            raise Refused(Reason.DOMAIN_NOT_ALLOWED, detail, field="address")
        limits, now = self.tools.settings, self.tools.clock.now()
        # First of one source, so that it cannot use up what is everybody's: the rest holds more than one may ask.
        await self._count(f"source {new.source}", limits.per_source)
        await self._count(f"source of a day {new.source}", limits.per_source_in_day)
        if not is_for_everybody(address.domain):
            await self._count(f"domain {address.domain}", limits.per_domain, f"for addresses of {address.domain} ")
        await self._count("tenant", limits.per_tenant, "")
        # Whoever asks too often for one address is not told: that would tell that others asked for it.
        for what, limit in (
            (f"address {new.group} {address.key}", limits.per_address),
            (f"mailbox {mailbox_of(address)}", limits.per_mailbox),
        ):
            if not await self.tools.requests.count_up(what, limit, now):
                return
        # Nobody is turned away because many ask to join one group: what is too much for an hour waits for the next.
        taken = await self.tools.requests.count_up(f"group {new.group}", limits.per_group, now)
        start = now if taken else limits.per_group.ends(now)
        await self._write(new, app, address, start)

    async def _count(self, what: str, limit: Limit, qualifier: str | None = None) -> None:
        now = self.tools.clock.now()
        if not await self.tools.requests.count_up(what, limit, now):
            until = limit.ends(now)
            detail = f"As many requests {qualifier}were taken today as may be" if qualifier is not None else None
            raise Refused(Reason.TOO_MANY_REQUESTS, detail, retry_after=until - now, until=until)

    @retry_on_conflict("the request")
    async def _write(self, new: NewRequest, app: AppRecord, address: Address, start: datetime) -> None:
        """Write the request down, its mail due at `start`, unless it waits for a person already."""
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
            return
        due = with_mail(request, RequestMail.PROOF, now)
        await self.tools.write(Versioned(due, there.version if there else None), start)


def _is_at_rest(request: JoinRequest) -> bool:
    """It came to its end, and nothing of that is still to happen."""
    return request.state in _ENDED and not request.is_unfulfilled and request.mail in (None, RequestMail.PROOF)


def _asked(fresh: JoinRequest, before: Asked | None) -> Asked:
    if before is not None:
        return replace(before, expires_at=fresh.expires_at)
    return Asked(**{each.name: getattr(fresh, each.name) for each in fields(Asked)})


@dataclass(frozen=True, slots=True)
class Proof:
    """What a code came to: `used_before` where the address was confirmed with it before, and nothing happened now."""

    request: JoinRequest
    used_before: bool = False


@dataclass(frozen=True, slots=True)
class VerifyEmail:
    tools: RequestDependencies
    ask: AskToJoin

    async def look(self, group: GroupId, request: RequestId, code: str) -> JoinRequest:
        """The request, for whoever has the code of the mail. Changes nothing: mail scanners follow links. Raises
        Refused `request-missing`, for a wrong code as well."""
        return (await self._found(group, request, code))[1]

    async def __call__(self, group: GroupId, request: RequestId, code: str) -> Proof:
        """Confirm the address; what was decided before about a request of this address is replaced by the new
        request. Safe to repeat: a code has an effect once. Raises Refused `request-missing`, for a wrong code as
        well; `requests-closed`."""
        openly: bool | None = None

        @retry_on_conflict("the request")
        async def attempt() -> Proof:
            nonlocal openly
            stored, found = await self._found(group, request, code)
            now = self.tools.clock.now()
            if found.state is not RequestState.UNVERIFIED:
                return Proof(found, used_before=True)
            if found.expires_at <= now:
                raise Refused(Reason.REQUEST_MISSING, "The link is too old; ask to join again")
            app = await self.ask.open_app(group)
            proven = {"proven_at": now, "expires_at": now + self.tools.settings.kept}
            if openly is None:
                openly = await self._lets_in(app, now)
            if openly:
                changed = transition(
                    found, RequestState.APPROVED, now, decided_at=now, decided_by_name=app.name, **proven
                )
            else:
                changed = with_mail(transition(found, RequestState.PENDING, now, **proven), RequestMail.WAITING, now)
            await self.tools.write(Versioned(changed, stored.version), now)
            return Proof(changed)

        return await attempt()

    async def _lets_in(self, app: AppRecord, now: datetime) -> bool:
        """Whether nobody needs to decide. A person does where the policy has let in as many as it may in a day."""
        if app.policy.lets_in is not RequestPolicy.OPEN:
            return False
        return await self.tools.requests.count_up(f"admitted {app.group}", self.tools.settings.admitted, now)

    async def _found(
        self, group: GroupId, request: RequestId, code: str
    ) -> tuple[Versioned[JoinRequest], JoinRequest]:
        """The row, and the request of the code: the one that would take its place, where the code is that one's."""
        stored = await self.tools.requests.read(group, request)
        for each in (stored.value, stored.value.unproven) if stored is not None else ():
            if stored is not None and each is not None and hmac.compare_digest(each.code.encode(), code.encode()):
                return stored, each
        raise Refused(Reason.REQUEST_MISSING)
