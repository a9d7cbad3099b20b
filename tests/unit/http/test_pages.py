"""Pages without script: every text in both languages, nothing of anybody's becomes markup."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from shared.http import pages
from shared.http.page_headers import page_headers
from shared.http.pages import FieldProblem, language_of, strings
from shared.requests.model.requests import RequestState

EVIL = "<script>alert('x')</script>\"&{{ 7*7 }}"
PROBLEM = FieldProblem("address", EVIL, EVIL, EVIL)
VALUES = {"address": EVIL, "displayName": EVIL, "reason": EVIL, "welcomeMessage": EVIL, "language": EVIL}
ALL: dict[str, Callable[[str], str]] = {
    "request_form": lambda language: pages.request_form(
        group_id="g", app_name=EVIL, language=language, values=VALUES, problem=PROBLEM
    ),
    "request_sent": lambda language: pages.request_sent(group_id="g", language=language),
    **{
        f"request_state {state}": lambda language, state=state: pages.request_state(  # type: ignore[misc]
            group_id="g",
            request_id="r",
            code=EVIL,
            app_name=EVIL,
            state=state,
            direct_link="https://app.example/?a=1&b=2",
            language=language,
        )
        for state in (s.value for s in RequestState)
    },
    "invite_form": lambda language: pages.invite_form(
        group_id="g", language=language, values=VALUES, problem=PROBLEM
    ),
    "invitation_state": lambda language: pages.invitation_state(
        group_id="g",
        address=EVIL,
        state="inviting",
        meaning=EVIL,
        title=EVIL,
        detail=EVIL,
        remedy=EVIL,
        final=False,
        language=language,
    ),
    "refusal": lambda language: pages.refusal(status=404, title=EVIL, detail="d", remedy=EVIL, language=language),
}


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("language", pages.LANGUAGES)
@pytest.mark.parametrize("name", ALL)
def test_nothing_that_anybody_writes_becomes_markup(name: str, language: str) -> None:
    text = ALL[name](language)
    page = Outline(text)

    assert page.all("script") == []
    assert not re.search(r"\sstyle=|<style", text)
    assert "49" not in text
    assert page.all("html")[0]["lang"] == language
    assert len(page.all("h1")) == 1
    labels = {label["for"] for label in page.all("label")}
    controls = [c for c in (*page.all("input"), *page.all("textarea")) if c.get("type") != "hidden"]
    assert {c["id"] for c in controls} == labels


def test_what_is_wrong_stands_beside_its_field() -> None:
    page = Outline(ALL["request_form"]("en"))

    address = next(i for i in page.all("input") if i.get("name") == "address")
    assert address["aria-invalid"] == "true"
    assert "address-wrong" in (address["aria-describedby"] or "")
    assert "address-wrong" in {p.get("id") for p in page.all("p")}


def test_a_problem_with_a_field_that_the_form_does_not_show_is_told_all_the_same() -> None:
    problem = FieldProblem("body.x", "The title", "The detail", "The remedy")

    text = pages.invite_form(group_id="g", language="en", values={}, problem=problem)

    assert "The detail" in text
    assert "#body.x" not in text


def test_both_languages_have_the_same_texts_with_the_same_names_in_them() -> None:
    english, german = strings("en"), strings("de")

    assert english.keys() == german.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", german[key])), key


@pytest.mark.parametrize(
    ("accepted", "asked", "language"),
    [
        (None, None, "en"),
        ("de-CH,de;q=0.9,en;q=0.8", None, "de"),
        ("fr,de;q=0.5", None, "de"),
        ("fr", "xx", "en"),
        ("de", "en", "en"),
        ("en", "DE-at", "de"),
    ],
)
def test_the_page_speaks_as_asked_or_as_the_browser_prefers(
    accepted: str | None, asked: str | None, language: str
) -> None:
    assert language_of(accepted, asked) == language


def test_a_page_looks_again_only_while_something_happens() -> None:
    again = ALL["invitation_state"]("en")
    over = pages.invitation_state(
        group_id="g",
        address=None,
        state=None,
        meaning=None,
        title=None,
        detail=None,
        remedy=None,
        final=True,
        language="en",
    )

    assert 'http-equiv="refresh"' in again
    assert 'http-equiv="refresh"' not in over


def test_pages_may_load_nothing_from_elsewhere() -> None:
    plain, scripted = page_headers(), page_headers("https://login.example/tenant")

    for headers in (plain, scripted):
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
    assert "script-src 'none'" in plain["Content-Security-Policy"]
    assert "connect-src 'self' https://login.example;" in scripted["Content-Security-Policy"]
