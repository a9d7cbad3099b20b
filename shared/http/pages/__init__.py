"""Pages that work without script: asking to join, proving an address, an owner's form. Text in, HTML out.

Every text is in ``strings/`` for each language; templates escape whatever they are given.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from shared.core.templates import templates, text_file

LANGUAGES = ("en", "de")
"""The languages there are; any other is shown in English."""
MESSAGE_ROWS = 6


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with a form; `field` is None where it is no field's fault."""

    field: str | None
    title: str
    detail: str
    remedy: str


def language_of(accept_language: str | None, asked: str | None) -> str:
    """What was asked for, else the first language of the browser's list that there is."""
    wanted = [asked or "", *(part.partition(";")[0] for part in (accept_language or "").split(","))]
    for tag in wanted:
        language = tag.strip().partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return "en"


def request_form(
    *,
    group_id: str,
    app_name: str,
    language: str,
    values: Mapping[str, str],
    problem: FieldProblem | None,
) -> str:
    """Asks for an address, a name and a reason."""
    return _render(
        "request_form",
        language,
        group_id=group_id,
        app_name=app_name,
        values=values,
        problem=_known(problem, _ASKING),
    )


def request_sent(*, group_id: str, language: str) -> str:
    """Tells to look into the mail, whatever is known of the address."""
    return _render("request_sent", language, group_id=group_id)


def request_state(
    *,
    group_id: str,
    request_id: str,
    code: str,
    app_name: str,
    state: str,
    direct_link: str | None,
    language: str,
) -> str:
    """How far a request is, for its own author; with the button that proves the address while that is to be done."""
    return _render(
        "request_state",
        language,
        group_id=group_id,
        request_id=request_id,
        code=code,
        app_name=app_name,
        state=state,
        direct_link=direct_link,
    )


def invite_form(
    *,
    group_id: str,
    language: str,
    values: Mapping[str, str],
    problem: FieldProblem | None,
) -> str:
    """An owner's form. Who sends it is looked at when it is sent."""
    return _render(
        "invite_form",
        language,
        group_id=group_id,
        values=values,
        problem=_known(problem, _INVITING),
        rows=MESSAGE_ROWS,
    )


def invitation_state(
    *,
    group_id: str,
    address: str | None,
    state: str | None,
    meaning: str | None,
    title: str | None,
    detail: str | None,
    remedy: str | None,
    final: bool,
    language: str,
) -> str:
    """What became of an invitation; the page looks again by itself until nothing more happens."""
    return _render(
        "invitation_state",
        language,
        group_id=group_id,
        address=address,
        state=state,
        meaning=meaning,
        title=title,
        detail=detail,
        remedy=remedy,
        final=final,
    )


def refusal(*, status: int, title: str, detail: str, remedy: str, language: str) -> str:
    """What was refused, why, and what fixes it."""
    return _render("refusal", language, status=status, title=title, detail=detail, remedy=remedy)


def stylesheet() -> str:
    """Of all these pages."""
    return text_file(__name__, "templates/style.css")


_ASKING = ("address", "displayName", "reason")
_INVITING = ("address", "displayName", "welcomeMessage", "language", "expires")


def _known(problem: FieldProblem | None, fields: tuple[str, ...]) -> FieldProblem | None:
    """A problem with a field that the form does not show is the form's."""
    if problem is None or problem.field in fields:
        return problem
    return FieldProblem(None, problem.title, problem.detail, problem.remedy)


def _render(name: str, language: str, **values: Any) -> str:
    texts = strings(language)

    def text(key: str, **names: str) -> str:
        return texts[key].format(**names) if names else texts[key]

    return templates(__name__).get_template(f"{name}.html").render(values | {"t": text, "language": language})


@functools.cache
def strings(language: str) -> dict[str, str]:
    """The catalogue of a language."""
    return msgspec.json.decode(text_file(__name__, f"strings/{language}.json"), type=dict[str, str])
