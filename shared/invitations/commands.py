"""What people do with invitations: look at them, take one back, write templates for the message, preview the mail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.core.addresses import ERASED_ADDRESS, parse_address
from shared.core.caller import Caller
from shared.core.clock import Clock
from shared.core.directory import app_name, direct_link
from shared.core.errors import Refused
from shared.core.ids import AppId, ChunkId, GroupId, InvitationId, UserId
from shared.core.reasons import Reason
from shared.core.results import Declined, require_gone
from shared.core.texts import PLACEHOLDERS, unknown_placeholders
from shared.core.versions import Versioned, retry_on_conflict
from shared.graph.ports import Directory
from shared.invitations.model.invitations import Invitation, State, advance
from shared.invitations.ports import MailText, Page, Store
from shared.invitations.take_back import DeleteUnused
from shared.mail.ports import Mail
from shared.membership.access import Access
from shared.membership.model.access import Action, Role, may
from shared.membership.model.apps import MAX_TEMPLATES, MessageTemplate
from shared.membership.ports import AppStore
from shared.membership.stop import StopSwitch


@dataclass(frozen=True, slots=True)
class ShowInvitations:
    access: Access
    store: Store

    async def one(self, invitation_id: InvitationId, caller: Caller) -> Invitation:
        """Raises Refused `invitation-missing` both where there is none and where the caller may not see it:
        the answer never tells whether it exists."""
        invitation = await self.store.read(invitation_id)
        if invitation is None:
            raise Refused(Reason.INVITATION_MISSING)
        try:
            seen = await self.access.require(invitation_id.group, caller, Action.SEE_GROUP)
        except Refused as e:
            if e.reason in (Reason.GROUP_MISSING, Reason.NOT_OWNER):
                raise Refused(Reason.INVITATION_MISSING) from e
            raise
        # An app sees what it asked for itself, as long as it may ask.
        own = Role.INVITER in seen.roles and caller.object_id == invitation.inviter_id
        if not own and not may(seen.roles, Action.READ_GUESTS):
            raise Refused(Reason.INVITATION_MISSING)
        return _shown(invitation, seen.roles)

    async def of_group(
        self, group_id: GroupId, caller: Caller, *, state: State | None, continuation: str | None, limit: int
    ) -> Page:
        """Raises Refused `not-owner`, `group-missing`, or `parameter-invalid` for a continuation that was
        never given out."""
        seen = await self.access.require(group_id, caller, Action.READ_GUESTS)
        page = await self.store.list_group(group_id, state=state, continuation=continuation, limit=limit)
        return replace(page, invitations=[_shown(i, seen.roles) for i in page.invitations])


def _shown(invitation: Invitation, roles: Collection[Role]) -> Invitation:
    """Whoever has the link can accept in the guest's place: readers are not given it."""
    return invitation if may(roles, Action.SEE_REDEEM_LINK) else replace(invitation, redeem_url=None)


_NOT_ASKED = (State.ACCEPTED, State.PARKED)


def _in_flight() -> Refused:
    return Refused(Reason.INVITATION_IN_FLIGHT, retry_after=timedelta(seconds=2))


@dataclass(frozen=True, slots=True)
class CancelInvitation:
    access: Access
    directory: Directory
    store: Store
    clock: Clock
    delete_unused: DeleteUnused
    stop: StopSwitch

    @retry_on_conflict("the invitation", otherwise=_in_flight)
    async def __call__(self, invitation_id: InvitationId, caller: Caller) -> Invitation:
        """Gives the invitation as it then is. Safe to repeat. Raises Refused `invitation-missing` (also where it is
        not the caller's), `invitation-in-flight`, `invitation-ended`, `guest-has-accepted`, `stopped` where the guest
        was asked already; DirectoryBusy where the directory could not be asked; a repeat goes on."""
        rows = {row.value.id: row for row in await self.store.read_chunk(invitation_id.group, invitation_id.chunk)}
        if invitation_id not in rows:
            raise Refused(Reason.INVITATION_MISSING)
        row = rows.pop(invitation_id)
        try:
            await self.access.require(invitation_id.group, caller, Action.CANCEL_INVITATION)
        except Refused as e:
            raise Refused(Reason.INVITATION_MISSING) from e
        invitation = row.value
        if invitation.state is State.UNDONE:
            return invitation
        if invitation.state is State.FAILED or invitation.address == ERASED_ADDRESS:
            raise Refused(Reason.INVITATION_ENDED)
        detail = "Cancelled before the guest was asked"
        if invitation.state not in _NOT_ASKED or invitation.effect_since is not None:
            if not invitation.is_final:
                raise _in_flight()
            detail = await self._take_back(invitation)
        undone = advance(invitation, State.UNDONE, self.clock.now(), detail=detail)
        # Of an import's chunk the end is written with its last record.
        ends = not invitation.is_final and all(other.value.is_final for other in rows.values())
        [saved] = await self.store.save([Versioned(undone, row.version)], before=[invitation], ends=ends)
        return saved.value

    async def _take_back(self, invitation: Invitation) -> str:
        """Undo what the invitation did; gives that in a person's words."""
        await self.stop.require_running()
        user = invitation.user_id or UserId("")
        # What else the guest has decides about the account alone, which stays where deleting is switched off.
        [look] = await self.directory.get_guests([user], accounts_alone=not self.delete_unused.is_on)
        if not look.is_guest:
            raise Refused(Reason.NOT_A_GUEST)
        if look.exists and not look.pending:
            raise Refused(Reason.GUEST_HAS_ACCEPTED)
        if invitation.already_member:
            return "Cancelled; the guest was a member before and stays one"
        [left] = await self.directory.leave(invitation.id.group, [user])
        require_gone(left)
        await self.store.write_expiry(invitation.id.group, invitation.address.key, None)
        [account] = await self.delete_unused(invitation.id.group, [invitation], {user: look})
        if isinstance(account, Declined):
            raise Refused(account.reason, account.detail)
        return f"Cancelled; the guest is no member any more, and {account}"


_SOMEBODY = "ada@example.com"


@dataclass(frozen=True, slots=True)
class Templates:
    access: Access
    setups: AppStore
    clock: Clock
    message_limit: int

    async def show(self, app_id: AppId, caller: Caller) -> Sequence[MessageTemplate]:
        """Raises Refused `app-missing`, both where there is none and where the caller may not see it."""
        return (await self.access.require_app(app_id, caller, Action.READ_APP)).value.templates

    @retry_on_conflict("the app's record")
    async def write(
        self, app_id: AppId, templates: Sequence[MessageTemplate], caller: Caller
    ) -> Sequence[MessageTemplate]:
        """Replace all templates of the app. Safe to repeat. Raises Refused `app-missing`, `body-invalid` naming what
        is wrong with which template."""
        self._check(templates)
        stored = await self.access.require_app(app_id, caller, Action.WRITE_TEMPLATES)
        changed = replace(stored.value, templates=tuple(templates), updated_at=self.clock.now())
        await self.setups.save_app(Versioned(changed, stored.version))
        return changed.templates

    def _check(self, templates: Sequence[MessageTemplate]) -> None:
        if len(templates) > MAX_TEMPLATES:
            raise Refused(Reason.BODY_INVALID, f"{MAX_TEMPLATES} templates are the most", field="value")
        seen: set[str] = set()
        for number, template in enumerate(templates):
            where = f"value[{number}]"
            if template.name.casefold() in seen:
                raise Refused(Reason.BODY_INVALID, f"'{template.name}' is there twice", field=f"{where}.name")
            seen.add(template.name.casefold())
            if len(template.text) > self.message_limit:
                detail = f"'{template.name}' has {len(template.text)} characters; {self.message_limit} are allowed"
                raise Refused(Reason.MESSAGE_TOO_LONG, detail, field=f"{where}.text")
            if unknown := unknown_placeholders(template.text):
                known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
                detail = f"'{template.name}' has the placeholder {{{unknown[0]}}}; known are {known}"
                raise Refused(Reason.BODY_INVALID, detail, field=f"{where}.text")


@dataclass(frozen=True, slots=True)
class PreviewMail:
    """`sends_own_mail` says whether a sender for Guestlist's own mail is set up."""

    access: Access
    text: MailText
    clock: Clock
    tenant_id: str
    sends_own_mail: bool

    async def __call__(
        self,
        group: GroupId,
        caller: Caller,
        *,
        address: str | None,
        display_name: str | None,
        message: str | None,
        language: str | None,
    ) -> Mail | None:
        """The mail as a guest would get it, without a link that works; None where Microsoft sends its own. Raises
        Refused `not-owner`, `group-missing`, `no-mail-sender`, and what is wrong with the address."""
        facts = (await self.access.require(group, caller, Action.INVITE)).facts
        if message is None or not message.strip():
            return None
        if not self.sends_own_mail:
            raise Refused(Reason.NO_MAIL_SENDER, field="welcomeMessage")
        now = self.clock.now()
        link = direct_link(facts.apps, self.tenant_id)
        invitation = Invitation(
            id=InvitationId(group, ChunkId("0" * 22), 0),
            address=parse_address(address or _SOMEBODY),
            display_name=display_name,
            message=message.strip(),
            language=language,
            inviter_id=caller.object_id,
            inviter_name=caller.name,
            app_name=app_name(facts.apps, facts.name),
            direct_link=link,
            created_at=now,
            updated_at=now,
            redeem_url=link,
        )
        return self.text.welcome(invitation)
