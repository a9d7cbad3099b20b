"""Who is taken for one person, and a row of a file without its guest."""

import csv
from io import StringIO

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.core.csv.dialect import Dialect, detect
from shared.core.csv.encoding import CP1252, UTF_8, UTF_16_BE, UTF_16_LE
from shared.core.csv.rows import Invalid, Row, RowReader, blanked, is_erased
from shared.core.errors import Refused
from shared.core.ids import SubjectRequestId, UserId
from shared.people.model import (
    Page,
    Person,
    SubjectRequest,
    SubjectRequestKind,
    SubjectRequestState,
    absorb,
    address_forms,
    ended,
    identify,
)
from tests.builders import NOW

A, B, SHARED = "ada@fabrikam.com", "ada@lovelace.example.com", "team@fabrikam.com"
U, V = UserId("66666666-6666-4666-8666-666666666666"), UserId("77777777-7777-4777-8777-777777777777")


def person(*addresses: str, users: tuple[UserId, ...] = (), names: tuple[str, ...] = ()) -> Person:
    return Person(frozenset(addresses), frozenset(users), frozenset(names))


def test_an_address_leads_to_its_account_and_the_account_to_its_addresses() -> None:
    rows = [person(A, users=(U,)), person(B, users=(U,), names=("Ada",))]

    assert identify(person(A), person(A), rows) == person(A, B, users=(U,), names=("Ada",))


def test_an_address_that_was_not_given_leads_to_nobody() -> None:
    given = person(A)
    known = identify(given, given, [person(A, users=(U,)), person(SHARED, users=(U,))])

    assert identify(given, known, [person(SHARED, users=(V,))]).users == {U}


def test_an_account_leads_to_its_addresses_and_to_no_other_account() -> None:
    given = person(users=(U,))

    assert identify(given, given, [person(A, users=(U,)), person(A, users=(V,))]) == person(A, users=(U,))


def test_an_international_domain_is_looked_for_in_both_its_forms() -> None:
    assert address_forms(" Ada@BÜCHER.example.com ") == {"ada@bücher.example.com", "ada@xn--bcher-kva.example.com"}


@pytest.mark.parametrize("address", ["ada+tag@fabrikam.com", "ada@intern.local"])
def test_what_the_directory_would_not_take_is_looked_for_as_it_is(address: str) -> None:
    assert address_forms(address.upper()) == {address}


@pytest.mark.parametrize("text", ["ada", "", "@", "ada@", "@fabrikam.com"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        address_forms(text)


@pytest.mark.parametrize("state", [SubjectRequestState.DONE, SubjectRequestState.REFUSED])
def test_a_case_forgets_whom_it_was_about(state: SubjectRequestState) -> None:
    case = SubjectRequest(
        SubjectRequestId("c"),
        SubjectRequestKind.ERASURE,
        "Adam",
        NOW,
        True,
        "stand-in",
        given=person(A),
        known=person(A),
    )
    case = absorb(case, Page(learned=[person(A, users=(U,), names=("Ada",))], under_way=["invitation i"]))

    over = ended(case, state, NOW)

    assert case.grew
    assert (over.given, over.known, over.place, over.stand_in) == (Person(), Person(), None, "")
    assert over.under_way == ("invitation i",)


names = st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), max_size=12)
messages = st.text(st.sampled_from('ab,;"\n \t~-é'), max_size=12)


def rows_of(dialect: Dialect, content: bytes) -> list[Row | Invalid]:
    return list(RowReader(dialect, dialect.start).feed(content[dialect.start.offset :], last=True))


@given(
    guests=st.lists(st.tuples(names, messages), min_size=1, max_size=5),
    place=st.integers(0, 4),
    encoding=st.sampled_from((UTF_8, UTF_16_LE, UTF_16_BE, CP1252)),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_row_without_its_guest_leaves_all_others_as_they_were(
    guests: list[tuple[str, str]], place: int, encoding: str, delimiter: str, end: str
) -> None:
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    group = "22222222-2222-4222-8222-222222222222"
    writer.writerow(["address", "name", "group", "message"])
    for n, (name, message) in enumerate(guests):
        writer.writerow([f"g{n}@fabrikam.com", name, group, message])
    content = text.getvalue().encode(encoding)
    dialect = detect(content)
    # Text of cp1252 whose bytes happen to be UTF-8 is read as UTF-8.
    assume(dialect.encoding == encoding or content.isascii())
    before = rows_of(dialect, content)
    place %= len(before)
    begin = before[place - 1].next_cursor.offset if place else dialect.start.offset
    gone, row_end = before[place], before[place].next_cursor.offset
    usable = isinstance(gone, Row)

    row = blanked(content[begin:row_end], encoding, delimiter, usable=usable, keep=group if usable else None)

    changed = content[:begin] + row + content[row_end:]
    after = rows_of(dialect, changed)
    assert after[:place] + after[place + 1 :] == before[:place] + before[place + 1 :]
    left = after[place]
    assert (type(left), left.line, left.next_cursor) == (type(gone), gone.line, gone.next_cursor)
    if isinstance(left, Row):
        assert is_erased(left.address)
        assert (left.display_name, left.message, left.group) == (None, None, group)
    assert b"fabrikam" not in row
