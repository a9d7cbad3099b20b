"""Mails about join requests: nobody's words become markup, a header or an order to the reader's eye."""

import pytest

from shared.adapters.mail.request_text import JinjaRequestText
from shared.ports.mailer import Mail

EVIL = "<b>Ada</b>\r\nBcc: eve@evil.example\u202e"
LINK = "https://guestlist.example/request/g/r?code=0&x=1"


def mails(language: str, said: str = "Contoso") -> dict[str, Mail]:
    text = JinjaRequestText()
    to = {"key": "k", "to": "ada@fabrikam.com", "to_name": said, "app": said, "language": language}
    return {
        "proof": text.proof(link=LINK, hours=24, **to),
        "declined": text.declined(note=said, **to),
        "waiting": text.waiting(link=LINK, **to),
    }


@pytest.mark.parametrize("language", ["en", "de"])
def test_names_and_notes_stay_text(language: str) -> None:
    for kind, mail in mails(language, EVIL).items():
        assert "\n" not in mail.subject
        assert "\r" not in mail.subject
        assert mail.to_name is not None
        assert "\n" not in mail.to_name
        assert "<b>" not in mail.html, kind
        assert "\u202e" not in mail.subject + mail.text + mail.html, kind


def test_the_link_is_in_the_text_and_in_the_button() -> None:
    for kind in ("proof", "waiting"):
        mail = mails("en")[kind]
        assert LINK in mail.text
        assert f'href="{LINK.replace("&", "&amp;")}"' in mail.html
    assert "http" not in mails("en")["declined"].text


def test_mails_are_written_in_the_language_of_the_reader_or_english() -> None:
    assert "24 Stunden" in mails("de-CH")["proof"].text
    assert "24 hours" in mails("fr")["proof"].text
    assert mails("de")["declined"].subject == "Ihre Anfrage für Contoso"


def test_a_refusal_without_a_note_quotes_nothing() -> None:
    mail = JinjaRequestText().declined(key="k", to="a@x.com", to_name=None, app="A", note=None, language="en")

    assert "The owner wrote" not in mail.text
    assert "blockquote" not in mail.html
    assert mail.to_name is None
