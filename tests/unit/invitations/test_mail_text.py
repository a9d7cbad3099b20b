"""The text of Guestlist's own mail: what it says, and what nobody can make it say."""

import unicodedata
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.invitations.mail_text import JinjaMailText
from shared.mail.ports import Mail
from shared.mail.text import SUBJECTS
from tests.builders import an_invitation

REDEEM = "https://login.microsoftonline.com/redeem?rd=https%3a%2f%2finvitations&tenant=t"
DIRECT = "https://launcher.myapps.microsoft.com/api/signin/app?tenantId=t"


@dataclass
class Page(HTMLParser):
    """Elements with their attributes, and the text that a reader sees (line by line)."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.text += "\n" if tag == "br" else ""

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.elements if tag != "br"]


def page(mail: Mail) -> Page:
    found = Page()
    found.feed(mail.html)
    found.close()
    return found


def links(found: Page) -> list[str | None]:
    return [attributes["href"] for tag, attributes in found.elements if tag == "a"]


def welcome(**changes: Any) -> Mail:
    return JinjaMailText().welcome(an_invitation(**({"message": "Hello", "redeem_url": REDEEM} | changes)))


@pytest.mark.parametrize(
    ("asked", "subject"),
    [
        (None, "Olivia Owner has invited you to Contoso Travel"),
        ("en-US", "Olivia Owner has invited you to Contoso Travel"),
        ("de", "Olivia Owner hat Sie zu Contoso Travel eingeladen"),
        ("DE-at", "Olivia Owner hat Sie zu Contoso Travel eingeladen"),
        ("tlh", "Olivia Owner has invited you to Contoso Travel"),
        ("den", "Olivia Owner has invited you to Contoso Travel"),
    ],
)
def test_a_mail_is_in_its_language_and_in_english_where_there_is_none(asked: str | None, subject: str) -> None:
    assert welcome(language=asked).subject == subject


@pytest.mark.parametrize("language", sorted(SUBJECTS))
def test_a_mail_says_who_invites_to_what_with_which_words_and_where_to_go(language: str) -> None:
    mail = welcome(language=language, message="See you there")

    for body in (page(mail).text, mail.text):
        assert "Olivia Owner" in body
        assert "Contoso Travel" in body
        assert "See you there" in body
    assert links(page(mail)) == [REDEEM, DIRECT]
    assert REDEEM in mail.text
    assert DIRECT in mail.text


@pytest.mark.parametrize("language", sorted(SUBJECTS))
def test_a_mail_names_its_language_and_loads_nothing(language: str) -> None:
    elements = page(welcome(language=language)).elements

    assert ("html", {"lang": language}) in elements
    assert not {tag for tag, _ in elements} & {"img", "link", "script", "iframe", "object", "style"}
    assert not [a for _, attributes in elements for a in attributes if a in ("src", "background", "srcset")]


@pytest.mark.parametrize(
    ("language", "button", "consent"),
    [("en", "Open Contoso Travel", "agree"), ("de", "Contoso Travel öffnen", "stimmen")],
)
def test_without_a_redeem_link_the_mail_opens_the_app_and_speaks_of_no_consent(
    language: str, button: str, consent: str
) -> None:
    with_link, without = (welcome(language=language, redeem_url=url) for url in (REDEEM, None))

    assert links(page(without)) == [DIRECT, DIRECT]
    for body in (page(without).text, without.text):
        assert button in body
        assert consent not in body
    for body in (page(with_link).text, with_link.text):
        assert button not in body
        assert consent in body


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x0b"])
def test_line_breaks_of_every_kind_are_kept_in_both_bodies(separator: str) -> None:
    mail = welcome(message=separator.join(["one", "", "two"]))

    assert "one\n\ntwo" in page(mail).text
    assert "one\n\ntwo" in mail.text
    assert "one<br><br>two" in mail.html


def test_a_mail_has_the_key_and_recipient_of_its_invitation() -> None:
    invitation = an_invitation(7, display_name="Gus\r\nBcc: all@contoso.com", message="Hi")

    mail = JinjaMailText().welcome(invitation)

    assert mail.key == str(invitation.id)
    assert mail.to == invitation.address.wire
    assert mail.to_name is None, "nobody outside chooses how who is written to is called there"


def test_joiners_stay_and_direction_overrides_go() -> None:
    family, name = "\U0001f468\u200d\U0001f469", "می\u200cخواهم"

    mail = welcome(message=f"{family}\u202egnp.exe", inviter_name=f"{name}\u2066")

    assert family + "gnp.exe" in mail.text
    assert name in mail.subject
    assert not set(mail.subject + mail.text + mail.html) & set("\u202e\u2066")


def test_a_name_of_nothing_but_controls_is_somebody() -> None:
    assert welcome(inviter_name="\x00\n").subject == "A group owner has invited you to Contoso Travel"


hostile = st.text(max_size=200) | st.lists(
    st.sampled_from(
        ["<script>", "</blockquote>", "</p>", "'", '"', "&lt;", "{{ link }}", "{% raw %}", "\r\n", "Bcc: a@b", "-->"]
    )
).map("".join)


@pytest.mark.parametrize("language", sorted(SUBJECTS))
@given(message=hostile, inviter=hostile, app=hostile)
def test_nothing_that_anyone_writes_becomes_markup_or_a_header(
    language: str, message: str, inviter: str, app: str
) -> None:
    plain = page(welcome(language=language, message="Hello"))

    mail = welcome(language=language, message=f"m{message}m", inviter_name=f"i{inviter}i", app_name=f"a{app}a")

    assert page(mail).shape == plain.shape
    assert links(page(mail)) == links(plain)
    assert not [c for c in mail.subject if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert len(mail.subject) <= 200
    assert not [c for c in mail.text + mail.html if unicodedata.category(c) in ("Cc", "Cs") and c != "\n"]


@given(message=st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=1))
def test_a_message_arrives_to_the_letter(message: str) -> None:
    mail = welcome(message=message)

    assert message in mail.text
    assert message in page(mail).text
