"""A caller asks for a guest: decide, write down, enqueue. Nothing is sent to anybody from here."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from shared.core.addresses import parse_address
from shared.core.caller import Caller
from shared.core.clock import Clock, Timing
from shared.core.directory import app_name, direct_link
from shared.core.errors import Conflict, Refused, StorageBusy
from shared.core.ids import GroupId, InvitationId, new_id
from shared.core.reasons import Reason
from shared.invitations.model.invitations import Invitation
from shared.invitations.ports import KeyClaim, Store
from shared.membership.access import Access
from shared.membership.model.access import Action
from shared.messages.commands import InviteChunk
from shared.messages.ports import Outbox
from shared.pace.pacing import TENANT_KEY, Budgets, next_day

_BUDGETS = {
    "inviter": "You invited as many guests as one person may in a day (GUESTLIST_INVITATIONS_PER_DAY_AND_INVITER)",
    "group": "As many guests were invited to the group as may be in a day (GUESTLIST_INVITATIONS_PER_DAY_AND_GROUP)",
    "tenant": "As many guests were invited in the tenant as may be in a day (GUESTLIST_INVITATIONS_PER_DAY)",
}


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """What a caller asked for. `digest` stands for the whole body, to tell a repeat from another request. With
    `send_again` a guest who has not accepted yet gets a new mail."""

    group: GroupId
    address: str
    display_name: str | None
    message: str | None
    language: str | None
    digest: str
    expires: date | None = None
    send_again: bool = False


@dataclass(frozen=True, slots=True)
class AcceptInvitation:
    """The step, with what it needs. `message_limit` is in characters; `sends_own_mail` says whether a
    sender for Guestlist's own mail is set up."""

    access: Access
    store: Store
    outbox: Outbox
    clock: Clock
    timing: Timing
    budgets: Budgets
    tenant_id: str
    message_limit: int
    sends_own_mail: bool

    async def __call__(
        self, new: NewInvitation, caller: Caller, key: str | None, *, is_approved: bool = False
    ) -> InvitationId:
        """Take the invitation; with an idempotency key a repeat gives the same id. With `is_approved` it is what a
        join request becomes: who decided was checked then, and need not be an owner. Raises Refused for any reason of
        the request, the caller, the group or the guest; DirectoryBusy, StorageBusy: nothing was taken."""
        claim, timing = None, self.timing
        if key is not None:
            digest = hashlib.sha256(f"{caller.object_id}\n{key}".encode()).hexdigest()
            claim = await self.store.claim_key(
                new.group, digest, new.digest, now=self.clock.now(), lease=timing.key_lease, kept=timing.key_retention
            )
        if isinstance(claim, InvitationId):
            return claim
        try:
            return await self._accept(new, caller, claim, is_approved=is_approved)
        except Exception:
            # Nothing was taken: the corrected request may use the key. A lease that cannot be given back ends
            # by itself.
            if claim is not None:
                with suppress(StorageBusy):
                    await self.store.release_key(claim)
            raise

    async def _accept(
        self, new: NewInvitation, caller: Caller, claim: KeyClaim | None, *, is_approved: bool
    ) -> InvitationId:
        address = parse_address(new.address)
        message = (new.message or "").strip() or None
        if message is not None and len(message) > self.message_limit:
            detail = f"The message has {len(message)} characters; {self.message_limit} are allowed"
            raise Refused(Reason.MESSAGE_TOO_LONG, detail, field="welcomeMessage")
        if message is not None and not self.sends_own_mail:
            raise Refused(Reason.NO_MAIL_SENDER, field="welcomeMessage")
        access = self.access
        seen = await (access.read(new.group) if is_approved else access.require(new.group, caller, Action.INVITE))
        access.require_open(seen)
        if (name := next((app.name for app in seen.apps if not app.policy.takes(address.domain)), None)) is not None:
            # What an administrator recorded when the app was set up holds for every way of inviting.
            detail = f"'{name}' does not admit guests of {address.domain}"
            raise Refused(Reason.DOMAIN_NOT_ALLOWED, detail, field="address")
        now = self.clock.now()
        if new.expires is not None and new.expires < now.date():
            raise Refused(Reason.BODY_INVALID, f"{new.expires} is over already", field="expires")
        if new.send_again and message is None and self.sends_own_mail:
            # Guestlist's own mail is repeated safely where Microsoft's is not; without a message it says the rest.
            message = ""
        chunk = new_id(now, self.clock.random_hex(10))
        invitation = Invitation(
            id=InvitationId(new.group, chunk, 0),
            address=address,
            display_name=new.display_name,
            message=message,
            language=new.language,
            inviter_id=caller.object_id,
            inviter_name=caller.name,
            app_name=app_name(seen.facts.apps, seen.facts.name),
            direct_link=direct_link(seen.facts.apps, self.tenant_id),
            created_at=now,
            updated_at=now,
            expires=new.expires,
            send_again=new.send_again,
        )
        await self._take_of_day(invitation)
        # Remembered first: whatever stops after this line is found by the sweeper.
        await self.store.open_chunks.open((new.group, chunk), now + self.timing.stall_timeout)
        try:
            await self.store.accept([invitation], claim)
        except Conflict as e:
            under_way = await self._under_way(invitation)
            if under_way is None:
                raise Refused(Reason.STORAGE_BUSY, "Another request changed the same records") from e
            if under_way != invitation.id:
                raise _refused_for(under_way) from e
            # The write went through and only its answer was lost.
        try:
            await self.outbox.send(InviteChunk(new.group, chunk))
        except StorageBusy:
            # Taken is taken: the rows stand, and the sweeper sends them again.
            await self.store.open_chunks.open((new.group, chunk), now + timedelta(minutes=1))
        return invitation.id

    async def _take_of_day(self, invitation: Invitation) -> None:
        """Count the guest for the day of who invites, of the group and of the tenant, or for none of them. Raises
        Refused `budget-reached`; `invitation-under-way`, for which nothing is to be taken."""
        if (under_way := await self._under_way(invitation)) is not None:
            raise _refused_for(under_way)
        now, limits = self.clock.now(), self.budgets.of(invitation.inviter_id, invitation.id.group)
        if await self.store.take_of_day(limits, 1, now):
            return
        over = [who for who, limit in limits.items() if not await self.store.read_day({who: limit}, now)]
        until = next_day(now)
        detail = f"{_BUDGETS[(over or [TENANT_KEY])[0].partition('-')[0]]}; the next day begins at {until:%H:%M} UTC"
        raise Refused(Reason.BUDGET_REACHED, detail, retry_after=until - now, until=until)

    async def _under_way(self, invitation: Invitation) -> InvitationId | None:
        """The latest invitation of the address to the group, where it has not ended."""
        guards = await self.store.find_guards(invitation.id.group, [invitation.address.key])
        return next((g.invitation.id for g in guards.values() if not g.invitation.is_final), None)


def _refused_for(invitation: InvitationId) -> Refused:
    return Refused(Reason.INVITATION_UNDER_WAY, field="address", location=str(invitation))
