"""Which mailbox an address leads to, for counting."""

import pytest

from shared.core.addresses import Address, parse_address
from shared.requests.model import is_for_everybody, mailbox_of


def written(text: str) -> Address:
    """As it is, even where Entra ID would not take it for a guest."""
    return Address(text, text, text.lower())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada.lovelace@gmail.com", "A.D.Alovelace@googlemail.com"),
        ("ada@gmail.com", "ada+travel@gmail.com"),
        ("ada@outlook.com", "ada+travel@outlook.com"),
        ("ada@hotmail.com", "ada+a+b@hotmail.com"),
        ("ada@fastmail.com", "travel@ada.fastmail.com"),
        ("ada@fastmail.com", "travel@more.ada.fastmail.com"),
        ("ada@icloud.com", "ada+travel@me.com"),
        ("ada.lovelace@proton.me", "ada-love_lace@protonmail.com"),
        ("ada@fabrikam.com", "ADA+travel@fabrikam.com"),
    ],
)
def test_ways_of_writing_one_mailbox_are_one(one: str, other: str) -> None:
    assert mailbox_of(written(one)) == mailbox_of(written(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada.lovelace@outlook.com", "adalovelace@outlook.com"),
        ("ada@outlook.com", "ada@hotmail.com"),
        ("ada.lovelace@fabrikam.com", "adalovelace@fabrikam.com"),
        ("ada@fastmail.com", "ada@fastmail.fm"),
        ("ada@notgmail.com", "ada@gmail.com"),
        ("a@b.fabrikam.com", "b@fabrikam.com"),
    ],
)
def test_mailboxes_of_different_people_are_different(one: str, other: str) -> None:
    assert mailbox_of(written(one)) != mailbox_of(written(other))


def test_an_address_is_counted_by_its_mailbox_and_stays_what_it_is() -> None:
    address = parse_address("Ada.Lovelace@gmail.com")

    assert mailbox_of(address) == "adalovelace@gmail.com"
    assert address.wire == "Ada.Lovelace@gmail.com"


@pytest.mark.parametrize(
    ("domain", "everybody"), [("gmail.com", True), ("x.fastmail.com", True), ("fabrikam.com", False)]
)
def test_domains_that_give_addresses_to_anybody_are_known(domain: str, everybody: bool) -> None:
    assert is_for_everybody(domain) is everybody
