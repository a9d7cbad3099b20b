"""The text of Guestlist's own mail, from templates: one of plain text and one of HTML for each language."""

from typing import TYPE_CHECKING, Any

import msgspec

from shared.core.templates import templates, text_file
from shared.core.texts import one_line
from shared.mail.ports import Mail

if TYPE_CHECKING:
    import jinja2

SUBJECTS = {"en": "{inviter} has invited you to {app}", "de": "{inviter} hat Sie zu {app} eingeladen"}
"""The languages there are; any other is written in English."""
SUBJECT_LIMIT = 200


def environment() -> "jinja2.Environment":
    """The templates of all mails, whose lines stand as they are written."""
    return templates("shared.mail", trim=False)


def mail_of_lines(
    key: str, to: str, to_name: str | None, subject: str, language: str, values: dict[str, Any]
) -> Mail:
    values = values | {"subject": subject, "language": language}
    text, html = (environment().get_template(f"requests/mail.{kind}") for kind in ("txt", "html"))
    return Mail(
        key=key,
        to=to,
        to_name=one_line(to_name or "") or None,
        subject=subject[:SUBJECT_LIMIT],
        text=text.render(values),
        html=html.render(values),
    )


def known_language(language: str) -> str:
    """The one that a mail is written in."""
    found = language.partition("-")[0].lower()
    return found if found in SUBJECTS else "en"


def texts_in(language: str) -> dict[str, str]:
    """The catalogue of mails that are made of a line each for what happened and what to do."""
    source = text_file("shared.mail", f"templates/requests/{known_language(language)}.json")
    return msgspec.json.decode(source, type=dict[str, str])
