"""Mails about join requests: nobody's words become markup, a header or an order to the reader's eye."""

import pytest

from shared.mail.ports import Mail
from shared.requests.mail_text import JinjaRequestText
from shared.requests.ports import Waiting
from tests.builders import GROUP

EVIL = "<b>Ada</b>\r\nBcc: eve@evil.example\u202e"
LINK = "https://guestlist.example/request/g/r?code=0&x=1"


def mails(language: str, said: str = "Contoso") -> dict[str, Mail]:
    text = JinjaRequestText()
    to = {"key": "k", "to": "ada@fabrikam.com", "language": language}
    one, more = Waiting(GROUP, said, 1), Waiting(GROUP, said, 100, more=True)
    return {
        "proof": text.proof(link=LINK, hours=24, app=said, **to),
        "declined": text.declined(note=said, app=said, **to),
        "waiting": text.waiting(link=LINK, waiting=[one], **to),
        "many": text.waiting(link=LINK, waiting=[one, more], **to),
    }


@pytest.mark.parametrize("language", ["en", "de"])
def test_names_and_notes_stay_text(language: str) -> None:
    for kind, mail in mails(language, EVIL).items():
        assert "\n" not in mail.subject
        assert "\r" not in mail.subject
        assert mail.to_name is None, "whoever asked may be another than the one who reads it"
        assert "<b>" not in mail.html, kind
        assert "\u202e" not in mail.subject + mail.text + mail.html, kind


def test_the_link_is_in_the_text_and_in_the_button() -> None:
    for kind in ("proof", "waiting", "many"):
        mail = mails("en")[kind]
        assert LINK in mail.text
        assert f'href="{LINK.replace("&", "&amp;")}"' in mail.html
    assert "http" not in mails("en")["declined"].text


def test_mails_are_written_in_the_language_of_the_reader_or_english() -> None:
    assert "24 Stunden" in mails("de-CH")["proof"].text
    assert "24 hours" in mails("fr")["proof"].text
    assert mails("de")["declined"].subject == "Ihre Anfrage für Contoso"


@pytest.mark.parametrize("language", ["en", "de"])
def test_many_requests_are_counted_by_app(language: str) -> None:
    text = JinjaRequestText()
    mail = text.waiting(
        key="k",
        to="anna@contoso.com",
        waiting=[Waiting(GROUP, "Travel", 3), Waiting(GROUP, "Wiki", 100, more=True)],
        link=LINK,
        language=language,
    )

    assert mail.subject.startswith("103+ ")
    assert "Travel: 3\nWiki: 100+" in mail.text
    assert "Travel: 3<br>Wiki: 100+" in mail.html


def test_a_refusal_without_a_note_quotes_nothing() -> None:
    mail = JinjaRequestText().declined(key="k", to="a@x.com", app="A", note=None, language="en")

    assert "The owner wrote" not in mail.text
    assert "blockquote" not in mail.html
    assert mail.to_name is None
