"""The text of Guestlist's own mail, from templates: one of plain text and one of HTML for each language."""

import functools

import jinja2

from shared.domain.invitations import Invitation
from shared.domain.placeholders import fill
from shared.domain.texts import lines, one_line
from shared.ports.mailer import Mail

SUBJECTS = {"en": "{inviter} has invited you to {app}", "de": "{inviter} hat Sie zu {app} eingeladen"}
"""The languages there are; any other is written in English."""
_SOMEBODY = {"en": "A group owner", "de": "Jemand"}
_SOMETHING = {"en": "an app", "de": "einer App"}
SUBJECT_LIMIT = 200


class JinjaMailText:
    """Nothing that an inviter writes becomes markup, a header or a control character."""

    def welcome(self, invitation: Invitation) -> Mail:
        language = (invitation.language or "en").partition("-")[0].lower()
        language = language if language in SUBJECTS else "en"
        names = {
            "inviter": one_line(invitation.inviter_name) or _SOMEBODY[language],
            "app": one_line(invitation.app_name) or _SOMETHING[language],
        }
        guest = one_line(invitation.display_name or "") or invitation.address.text
        subject = SUBJECTS[language].format(**names)
        values = names | {
            "subject": subject,
            "message": lines(fill(invitation.message or "", names | {"guest": guest})),
            "redeem": invitation.redeem_url is not None,
            "link": invitation.redeem_url or invitation.direct_link,
            "direct_link": invitation.direct_link,
        }
        text, html = (environment().get_template(f"{language}.{kind}") for kind in ("txt", "html"))
        return Mail(
            key=str(invitation.id),
            to=invitation.address.wire,
            to_name=None,
            subject=subject[:SUBJECT_LIMIT],
            text=text.render(values),
            html=html.render(values),
        )


@functools.cache
def environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("shared.adapters.mail", "templates"),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
