"""Pages without script: every text in both languages, nothing of anybody's becomes markup."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from shared.http import pages
from shared.http.pages import language_of, page_headers, strings
from shared.requests.model import RequestState

EVIL = "<script>alert('x')</script>\"&{{ 7*7 }}"
PROBLEM = {"field": "address", "title": EVIL, "detail": EVIL, "remedy": EVIL}
VALUES = {"address": EVIL, "displayName": EVIL, "reason": EVIL, "welcomeMessage": EVIL, "language": EVIL}
INVITATION = {"address": EVIL, "meaning": EVIL, "title": EVIL, "detail": EVIL, "remedy": EVIL, "is_final": False}
ALL: dict[str, tuple[str, dict[str, Any]]] = {
    "request_form": ("request_form", {"app_name": EVIL, "values": VALUES, "problem": PROBLEM}),
    "request_sent": ("request_sent", {}),
    **{
        f"request_state {state}": (
            "request_state",
            {
                "request": {"id": "r", "app_name": EVIL, "state": state},
                "code": EVIL,
                "direct_link": "https://app.example/?a=1&b=2",
            },
        )
        for state in RequestState
    },
    "invite_form": ("invite_form", {"values": VALUES, "problem": PROBLEM}),
    "invitation_state": ("invitation_state", {"invitation": INVITATION}),
    "refusal": ("refusal", {"problem": PROBLEM | {"detail": "d"}}),
}


def drawn(name: str, language: str) -> str:
    template, values = ALL[name]
    return pages.page(template, language, group_id="g", **values)


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
    text = drawn(name, language)
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
    page = Outline(drawn("request_form", "en"))

    address = next(i for i in page.all("input") if i.get("name") == "address")
    assert address["aria-invalid"] == "true"
    assert "address-wrong" in (address["aria-describedby"] or "")
    assert "address-wrong" in {p.get("id") for p in page.all("p")}


def test_a_problem_with_a_field_that_the_form_does_not_show_is_told_all_the_same() -> None:
    problem = {"field": "body.x", "title": "The title", "detail": "The detail", "remedy": "The remedy"}

    text = pages.page("invite_form", "en", group_id="g", values={}, problem=problem)

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
    again = drawn("invitation_state", "en")
    over = pages.page("invitation_state", "en", group_id="g", invitation=INVITATION | {"is_final": True})
    unseen = pages.page("invitation_state", "en", group_id="g", invitation=None)

    assert 'http-equiv="refresh"' in again
    assert 'http-equiv="refresh"' not in over
    assert 'http-equiv="refresh"' not in unseen


def test_pages_may_load_nothing_from_elsewhere() -> None:
    plain, scripted = page_headers(), page_headers("https://login.example/tenant")

    for headers in (plain, scripted):
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
    assert "script-src 'none'" in plain["Content-Security-Policy"]
    assert "connect-src 'self' https://login.example;" in scripted["Content-Security-Policy"]
