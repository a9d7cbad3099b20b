"""Texts that somebody chose: what no name has, what is dropped of others, and what stays."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import Refused
from shared.core.reasons import Reason
from shared.core.texts import guest_name, harmless, label, lines, one_line, person_name

EVERY = [chr(n) for n in range(sys.maxunicode + 1)]
HIDDEN = [c for c in EVERY if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\u200c\u200d"]
"""All control and format characters, and separators of lines; joiners are examined on their own."""
TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NAMES = (
    "Ada Lovelace",
    "Dr. Ada B. Lovelace-King, M.D.",
    "J.R.R. Tolkien",
    "O'Brien & Søn A/S",
    "ada.lovelace",
    "Åsa Öberg (Contoso)",
    "王小明",
    "عبد الله",
    "نرگس می\u200cخواهم",
    "क्\u200dष",
    "Ada \U0001f469\u200d\U0001f4bb",
    "Agent 007",
    "Version 1.5",
)


def kept_of(name: str) -> str | Refused:
    try:
        return label(name, "name")
    except Refused as e:
        return e


@pytest.mark.parametrize("name", NAMES)
def test_names_of_people_are_taken_to_the_letter(name: str) -> None:
    assert person_name(f"  {name} ", "displayName") == name


def test_no_hidden_character_gets_into_a_name() -> None:
    for c in HIDDEN:
        found = kept_of(f"Ada{c}Byron")
        if isinstance(found, Refused):
            assert (found.reason, found.field) == (Reason.NAME_INVALID, "name")
            assert f"U+{ord(c):04X}" in (found.detail or "")
        else:
            assert found == "AdaByron"


@pytest.mark.parametrize("c", ["\n", "\r", "\t", "\x00", "\x1b", "\x7f", "\x9b", "\u2028", "\u2029", *TURNING])
def test_what_moves_a_line_a_cursor_or_a_direction_is_refused_in_a_name(c: str) -> None:
    with pytest.raises(Refused) as refused:
        person_name(f"Ada{c}Byron", "displayName")
    assert refused.value.reason is Reason.NAME_INVALID


@pytest.mark.parametrize(
    "name",
    [
        "Your account was closed, see https://evil.example",
        "Open www.evil.example now",
        "Prize at evil.com",
        "evil.com/prize",
        "EVIL.CO",
        "evil\uff0ecom",
        "ｅｖｉｌ.ｃｏｍ",
        "evil\u3002com",
        "b\u00fccher.de",
        "xn--bcher-kva.xn--p1ai",
        "mailto:x",
        "javascript://x",
        "Bank <bank@evil.example>",
        "bank\uff20evil",
        "Ada\nBcc: all@contoso.com",
    ],
)
def test_addresses_and_links_are_no_name(name: str) -> None:
    with pytest.raises(Refused) as refused:
        person_name(name, "displayName")
    assert refused.value.reason is Reason.NAME_INVALID
    assert refused.value.field == "displayName"


@pytest.mark.parametrize("name", [None, "", "  ", "Ada@Fabrikam.com ", "\u200d", "\u00ad"])
def test_a_guests_own_address_or_nothing_is_no_name_and_no_mistake(name: str | None) -> None:
    assert guest_name(name, "ada@fabrikam.com") is None


def test_a_name_is_as_long_as_the_directory_takes() -> None:
    assert guest_name("é" * 256, "ada@fabrikam.com") == "é" * 256
    with pytest.raises(Refused, match="longer than 256"):
        guest_name("é" * 257, "ada@fabrikam.com")


@given(st.text())
def test_a_line_is_one_line_of_what_people_see(text: str) -> None:
    shown = one_line(text)

    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") and c not in "\u200c\u200d"]
    assert shown == one_line(shown) == " ".join(shown.split())
    assert len(shown.splitlines()) <= 1


@given(st.text())
def test_lines_stay_lines_and_hold_nothing_hidden(text: str) -> None:
    shown = lines(text)

    assert shown == lines(shown)
    kept = set(shown) - {"\n", "\u200c", "\u200d"}
    assert not [c for c in kept if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"]), min_size=1))
def test_what_people_see_is_kept_to_the_letter(text: str) -> None:
    assert one_line(text) == lines(text) == harmless(text) == text


@pytest.mark.parametrize(
    "text", ["\u200dAda", "Ada\u200d", "A \u200d B", "1\u200d2", "a\u200d\u200db", "\u200c\u200d"]
)
def test_a_joiner_that_joins_nothing_goes(text: str) -> None:
    assert "\u200d" not in one_line(text)


def test_a_record_keeps_its_lines_and_loses_what_a_terminal_obeys() -> None:
    assert harmless("a\x1b]0;x\x07b\r\n\tc\u202ed\x9b") == "a]0;xb\r\n\tcd"
