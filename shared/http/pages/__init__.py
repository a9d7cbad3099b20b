"""Pages that work without script: asking to join, proving an address, an owner's form. Values in, HTML out.

Every text is in ``strings/`` for each language; templates escape whatever they are given.
"""

import functools
from typing import Any
from urllib.parse import urlsplit

import msgspec

from shared.core.templates import templates, text_file

LANGUAGES = ("en", "de")
"""The languages there are; any other is shown in English."""


def page(name: str, language: str, **values: Any) -> str:
    """The page of that template. A `problem` (`shared.http.problems`) is what is wrong with a form, or None."""
    texts = strings(language)

    def text(key: str, **names: str) -> str:
        return texts[key].format(**names) if names else texts[key]

    return templates(__name__).get_template(f"{name}.html").render(values | {"t": text, "language": language})


def language_of(accept_language: str | None, asked: str | None) -> str:
    """What was asked for, else the first language of the browser's list that there is."""
    wanted = [asked or "", *(part.partition(";")[0] for part in (accept_language or "").split(","))]
    for tag in wanted:
        language = tag.strip().partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return "en"


def stylesheet() -> str:
    """Of all these pages."""
    return text_file(__name__, "templates/style.css")


@functools.cache
def strings(language: str) -> dict[str, str]:
    """The catalogue of a language."""
    return msgspec.json.decode(text_file(__name__, f"strings/{language}.json"), type=dict[str, str])


def page_headers(authority: str | None = None) -> dict[str, str]:
    """Of a page without script; with `authority` of one whose own scripts may talk to this app and to who signs
    people in."""
    if authority is None:
        sources = ["script-src 'none'", "connect-src 'none'"]
    else:
        parts = urlsplit(authority)
        sources = ["script-src 'self'", f"connect-src 'self' {parts.scheme}://{parts.netloc}"]
    policy = [
        "default-src 'none'",
        *sources,
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
