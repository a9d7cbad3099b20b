"""The file of outcomes: what a spreadsheet opens, and nothing that it runs."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.csv.results import COLUMNS, Result, defused, result_cells, spreadsheet
from shared.core.reasons import REASONS, Reason


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1", "'+49 30 1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("  =1", "  '=1"),
        ('"=1', "\"'=1"),
        ("＝1", "'＝1"),
        ("a;=1", "a;'=1"),
        ('a";"=1', 'a";"\'=1'),
        ("a\r\n=1", "a\r\n'=1"),
        ("ada@fabrikam.com", "ada@fabrikam.com"),
        ("kim+guestlist@adatum.com", "kim+guestlist@adatum.com"),
        ("o'brien@fabrikam.com", "o'brien@fabrikam.com"),
        ("https://myapps.example/a?b=c;d-e", "https://myapps.example/a?b=c;d-e"),
        ("two\r\nlines; and a - sign", "two\r\nlines; and a - sign"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_compute_is_defused_and_the_rest_stays(cell: str, safe: str) -> None:
    assert defused(cell) == safe


@given(st.text(alphabet='=+-@\t\r\n;," ab＝'))
def test_no_cell_of_any_reading_begins_a_formula(cell: str) -> None:
    safe = defused(cell)

    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))
    for part in safe.replace("\r", ";").replace("\n", ";").replace("\t", ";").split(";"):
        assert not part.lstrip(' "').startswith(("=", "+", "-", "@", "＝"))
    assert safe.replace("'", "") == cell  # nothing but apostrophes came in


def test_a_long_run_of_line_breaks_takes_no_long_time() -> None:
    assert defused("\n" * 500_000) == "'" + "\n" * 500_000


def test_the_file_has_a_mark_headings_crlf_and_the_remedy_of_the_reason() -> None:
    good = Result(3, "ada@fabrikam.com", "member", direct_link="https://app.example/?x=1")
    bad = Result(4, '=HYPERLINK("x")', "invalid", Reason.ADDRESS_INVALID, 'no "@",\r\nat all')

    data = spreadsheet([result_cells(good)], COLUMNS) + spreadsheet([result_cells(bad)])

    assert data.startswith(b"\xef\xbb\xbfline,address,outcome,reason,detail,remedy,directLink\r\n")
    assert data.endswith(b"\r\n")
    rows = list(csv.reader(StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0] == list(COLUMNS)
    assert rows[1] == ["3", "ada@fabrikam.com", "member", "", "", "", "https://app.example/?x=1"]
    remedy = REASONS[Reason.ADDRESS_INVALID].remedy
    assert rows[2] == ["4", '\'=HYPERLINK("x")', "invalid", "address-invalid", 'no "@",\r\nat all', remedy, ""]


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=5))
def test_any_text_is_one_line_of_cells(texts: list[tuple[str, str, str]]) -> None:
    results = [
        Result(line, address, "failed", Reason.GAVE_UP, detail, link)
        for line, (address, detail, link) in enumerate(texts)
    ]

    rows = list(csv.reader(StringIO(spreadsheet(map(result_cells, results)).decode(), newline="")))

    assert rows == [[defused(cell or "") for cell in result_cells(result)] for result in results]


def test_text_that_is_no_unicode_does_not_cost_the_file() -> None:
    assert spreadsheet([result_cells(Result(1, "\udcff", "invalid"))]) == b"1,?,invalid,,,,\r\n"
