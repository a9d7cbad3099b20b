"""The text of Guestlist's own mail, from templates: one of plain text and one of HTML for each language."""

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.core.templates import templates, text_file
from shared.core.texts import one_line
from shared.mail.ports import Mail

SUBJECTS = {"en": "{inviter} has invited you to {app}", "de": "{inviter} hat Sie zu {app} eingeladen"}
"""The languages there are; any other is written in English."""
SUBJECT_LIMIT = 200
_PARTS = ("subject", "why", "note", "act", "button", "else")


def draw(
    template: str, key: str, to: str, subject: str, values: Mapping[str, Any], to_name: str | None = None
) -> Mail:
    """The mail of two templates, of text and of HTML, whose lines stand as they are written."""
    values, found = {**values, "subject": subject}, templates("shared.mail", trim=False)
    text, html = (found.get_template(f"{template}.{form}").render(values) for form in ("txt", "html"))
    return Mail(key, to, to_name, subject[:SUBJECT_LIMIT], text, html)


def mail_of(
    kind: str,
    key: str,
    to: str,
    language: str,
    *,
    to_name: str | None = None,
    quoted: str = "",
    link: str | None = None,
    **names: object,
) -> Mail:
    """A mail that is made of a line each for what happened and what to do, as the catalogue has them for its kind."""
    language = known_language(language)
    found = catalogue(language)
    lines = {part: found[text].format(**names) for part in _PARTS if (text := f"{kind}.{part}") in found}
    values = {"language": language, "texts": lines, "quoted": quoted, "link": link}
    return draw("requests/mail", key, to, lines["subject"], values, one_line(to_name or "") or None)


def known_language(language: str | None) -> str:
    """The one that a mail is written in."""
    found = (language or "").partition("-")[0].lower()
    return found if found in SUBJECTS else "en"


def catalogue(language: str) -> dict[str, str]:
    """Texts by kind of mail and part."""
    source = text_file("shared.mail", f"templates/requests/{language}.json")
    return msgspec.json.decode(source, type=dict[str, str])
