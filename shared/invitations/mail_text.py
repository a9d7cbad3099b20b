"""The mail that carries an invitation, from templates."""

from shared.core.texts import fill, lines, one_line
from shared.invitations.model.invitations import Invitation
from shared.mail.ports import Mail
from shared.mail.text import SUBJECTS, draw, known_language

_SOMEBODY = {"en": "A group owner", "de": "Jemand"}
_SOMETHING = {"en": "an app", "de": "einer App"}


class JinjaMailText:
    """Nothing that an inviter writes becomes markup, a header or a control character."""

    def welcome(self, invitation: Invitation) -> Mail:
        language = known_language(invitation.language)
        names = {
            "inviter": one_line(invitation.inviter_name) or _SOMEBODY[language],
            "app": one_line(invitation.app_name) or _SOMETHING[language],
        }
        guest = one_line(invitation.display_name or "") or invitation.address.text
        values = names | {
            "message": lines(fill(invitation.message or "", names | {"guest": guest})),
            "redeem": invitation.redeem_url is not None,
            "link": invitation.redeem_url or invitation.direct_link,
            "direct_link": invitation.direct_link,
        }
        return draw(language, str(invitation.id), invitation.address.wire, SUBJECTS[language].format(**names), values)
