"""Welcome-message templates of an app, and what a mail with a message will look like."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.addresses import parse_address
from shared.core.caller import Caller
from shared.core.clock import Clock
from shared.core.directory import app_name, direct_link
from shared.core.errors import Refused
from shared.core.ids import AppId, ChunkId, GroupId, InvitationId
from shared.core.reasons import Reason
from shared.core.texts import PLACEHOLDERS, unknown_placeholders
from shared.core.versions import Versioned, retry_on_conflict
from shared.invitations.model.invitations import Invitation
from shared.invitations.ports import MailText
from shared.mail.ports import Mail
from shared.membership.access import Access
from shared.membership.model.access import Action
from shared.membership.model.apps import MAX_TEMPLATES, MessageTemplate
from shared.membership.ports import AppStore

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
        """Replace all templates of the app. Safe to repeat.

        Raises:
            Refused: `app-missing`, `body-invalid` naming what is wrong with which template.
        """
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
        """The mail as a guest would get it, without a link that works; None where Microsoft sends its own.

        Raises:
            Refused: `not-owner`, `group-missing`, `no-mail-sender`, and what is wrong with the address.
        """
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
