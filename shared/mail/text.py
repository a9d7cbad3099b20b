"""The text of Guestlist's own mail, from templates: one of plain text and one of HTML for each language."""

import functools
from typing import Any

import jinja2
import msgspec

from shared.core.texts import one_line
from shared.mail.ports import Mail

SUBJECTS = {"en": "{inviter} has invited you to {app}", "de": "{inviter} hat Sie zu {app} eingeladen"}
"""The languages there are; any other is written in English."""
SUBJECT_LIMIT = 200


@functools.cache
def environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("shared.mail", "templates"),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


def _mail(key: str, to: str, to_name: str | None, subject: str, language: str, values: dict[str, Any]) -> Mail:
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


def _known(language: str) -> str:
    found = language.partition("-")[0].lower()
    return found if found in SUBJECTS else "en"


def _texts(language: str) -> dict[str, str]:
    return _catalogue(_known(language))


@functools.cache
def _catalogue(language: str) -> dict[str, str]:
    loader = environment().loader
    if not isinstance(loader, jinja2.PackageLoader):
        raise TypeError("mails are read from the package")
    source = loader.get_source(environment(), f"requests/{language}.json")[0]
    return msgspec.json.decode(source, type=dict[str, str])
