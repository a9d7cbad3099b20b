"""Rows of a CSV file: each habit and each mistake, and that one bad row costs no other."""

from datetime import date

import pytest

from shared.core.csv.dialect import NoteKind, detect
from shared.core.csv.records import MAX_RECORD_BYTES, MAX_RECORD_LINES, MISPLACED, TOO_LONG, UNCLOSED, Cursor
from shared.core.csv.rows import Invalid, Row, RowReader, parse_date

TEMPLATE = (
    "version:v1.0,,,\r\nEmail address to invite [inviteeEmail] Required,Redirection url [inviteRedirectURL] Required,"
    "Send invitation message (true or false) [sendEmail],Customized invitation message [customizedMessageBody]\r\n"
)


def read(data: bytes | str) -> list[Row | Invalid]:
    raw = data.encode() if isinstance(data, str) else data
    dialect = detect(raw[: 64 * 1024])
    reader = RowReader(dialect, dialect.start)
    rows = list(reader.feed(raw[dialect.start.offset :], last=True))
    assert reader.cursor.offset == len(raw)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    return rows


def the_row(data: bytes | str) -> Row:
    (row,) = read(data)
    assert isinstance(row, Row), row
    return row


def test_a_row_has_every_column_in_any_order() -> None:
    data = 'Group;Expires;Language;Message;Name;E-Mail\n g ; 31.12.2026 ;de-DE;"Hallo;\n""Du""";Ada F.; Ada@b.de \n'

    row = the_row(data)

    assert row == Row(
        number=1,
        line=2,
        address="Ada@b.de",
        display_name="Ada F.",
        message='Hallo;\n"Du"',
        language="de-DE",
        expires=date(2026, 12, 31),
        group="g",
        notes=(),
        next_cursor=row.next_cursor,
    )
    assert row.next_cursor == Cursor(offset=len(data), number=1, line=4)


def test_columns_that_are_missing_or_empty_are_none() -> None:
    row = the_row("name,email\n,a@b.de\n")

    assert row[3:9] == (None, None, None, None, None, ())


def test_a_row_may_be_shorter_than_the_headings_or_end_in_empty_cells() -> None:
    assert [row.address for row in read("email,name,language\na@b.de\nb@b.de,Ben,de,,,\n")] == ["a@b.de", "b@b.de"]


def test_empty_rows_are_stepped_over_and_lines_still_count() -> None:
    rows = read('email,name\r\n\r\na@b.de,\r\n,\r\n  ,  \r\n"",\r\nb@b.de,\r\n\r\n,\r\n\r\n')

    assert [(row.number, row.line, row.address) for row in rows] == [(1, 3, "a@b.de"), (2, 7, "b@b.de")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_three_ways_within_quotes_too(end: str) -> None:
    rows = read(end.join(["email,message", f'a@b.de,"one{end}two{end}"', "b@b.de,three", ""]))

    assert [(row.line, row.message) for row in rows if isinstance(row, Row)] == [(2, f"one{end}two"), (5, "three")]


def test_the_last_line_needs_no_end() -> None:
    assert [row.address for row in read("email\na@b.de\nb@b.de")] == ["a@b.de", "b@b.de"]


def test_spaces_before_a_quote_are_a_habit() -> None:
    assert the_row('email, message\na@b.de, "Hi, you"\n').message == "Hi, you"


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-12-31", date(2026, 12, 31)),
        ("2028-02-29", date(2028, 2, 29)),
        ("31.12.2026", date(2026, 12, 31)),
        ("1.2.2026", date(2026, 2, 1)),
        ("01.02.2026 00:00", date(2026, 2, 1)),
        ("31.12.2026 00:00:00", date(2026, 12, 31)),
        ("2026-12-31T18:00:00Z", date(2026, 12, 31)),
        ("2026-12-31 00:00:00", date(2026, 12, 31)),
        ("2027-01-01T00:00+01:00", date(2027, 1, 1)),
        ("2026-12-31T23:59:59.999", date(2026, 12, 31)),
    ],
)
def test_dates_are_read(written: str, day: date) -> None:
    assert parse_date(written) == day
    assert the_row(f"email,expires\na@b.de,{written}\n").expires == day


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("01/02/2026", "two ways"),
        ("12/31/2026", "two ways"),
        ("2026/12/31", "two ways"),
        ("31.02.2026", "no such date"),
        ("2026-02-29", "no such date"),
        ("2026-12-31T25:00", "no such date"),
        ("31.12.26", "not a date"),
        ("46387", "not a date"),
        ("20261231", "not a date"),
        ("2026-W53-4", "not a date"),
        ("٢٠٢٦-١٢-٣١", "not a date"),
        ("soon", "not a date"),
        ("x" * 500, "not a date"),
    ],
)
def test_a_date_that_is_none_or_two_makes_the_row_invalid_and_names_the_column(written: str, says: str) -> None:
    first, second = read(f"email;Gültig bis\na@b.de;{written}\nb@b.de;\n")

    assert isinstance(first, Invalid)
    assert (first.line, first.column, first.address) == (2, "Gültig bis", "a@b.de")
    assert says in first.what
    assert len(first.what) < 120
    assert second.address == "b@b.de"


@pytest.mark.parametrize(
    ("line", "column", "says", "address"),
    [
        pytest.param(b",Ada", "E-Mail", "the address is missing", "", id="no address"),
        pytest.param(b"a@b.de,Ada,x,y", None, "more cells than columns: 4, not 2", "a@b.de", id="too many cells"),
        pytest.param(b"a@b.de,A\xffda", "Name", "no characters", "a@b.de", id="bad bytes"),
        pytest.param(b"a\xff@b.de,Ada", "E-Mail", "no characters", "", id="bad bytes in the address"),
        pytest.param(b"a@b.de,A\xc3", "Name", "no characters", "a@b.de", id="half a character"),
        pytest.param(b"a@b.de,A\0da", "Name", "NUL", "a@b.de", id="NUL"),
        pytest.param(b"a@b.de,Ada,\0", None, "NUL", "a@b.de", id="NUL outside the columns"),
        pytest.param(b'a@b.de,"Ada" F', None, MISPLACED, "", id="text behind a quote"),
        pytest.param(b'a@b.de,"Ada', None, "quote", "", id="a quote that never closes"),
        pytest.param(b"a@b.de," + b"x" * MAX_RECORD_BYTES, None, TOO_LONG, "", id="a line too long"),
    ],
)
@pytest.mark.parametrize("after", [b"", b"\nz@b.de,Zoe\n", b'\nz@b.de,"Zoe"\n', b'\r\nz@b.de,"Z\noe"\r\n'])
def test_a_bad_row_says_where_and_what_and_the_next_one_is_read(
    line: bytes, column: str | None, says: str, address: str, after: bytes
) -> None:
    rows = read("E-Mail,Name\nb@b.de,Bücher\n".encode() + line + after)

    assert isinstance(rows[0], Row)
    bad = rows[1]
    assert isinstance(bad, Invalid)
    assert (bad.line, bad.column, bad.address) == (3, column, address)
    assert says in bad.what
    assert [(row.line, row.address) for row in rows[2:]] == ([(4, "z@b.de")] if after else [])


def test_a_bare_list_has_one_column_and_a_row_with_more_is_invalid() -> None:
    rows = read("a@b.de\nb@b.de,Ben\n")

    assert [type(row) for row in rows] == [Row, Invalid]


def test_a_quote_that_never_closes_swallows_no_row() -> None:
    lines = ["email,name", 'bad@b.de,"Bad', *(f"guest{n}@b.de,Guest" for n in range(1000))]

    rows = read("\n".join(lines))

    assert isinstance(rows[0], Invalid)
    assert (rows[0].line, rows[0].what) == (2, UNCLOSED)
    assert [row.address for row in rows[1:]] == [f"guest{n}@b.de" for n in range(1000)]
    assert [row.line for row in rows[1:]] == list(range(3, 1003))


def test_a_quote_closed_by_the_next_rows_quote_swallows_no_row() -> None:
    rows = read('email,message\na@b.de,"Hello\nb@b.de,\nc@b.de,"Hi, Carla"\n')

    assert [type(row) for row in rows] == [Invalid, Row, Row]
    assert [row.address for row in rows[1:]] == ["b@b.de", "c@b.de"]


def test_rows_that_stray_quotes_have_joined_are_neither_lost_silently_nor_sent_to_each_other() -> None:
    rows = read('email,message\na@b.de,"\nb@b.de,\nc@b.de,"\nd@b.de,Hi\n')

    assert [type(row) for row in rows] == [Invalid, Row]
    assert (rows[0].line, rows[0].address, rows[1].address) == (2, "a@b.de", "d@b.de")
    assert isinstance(rows[0], Invalid)
    assert rows[0].what == "lines 2 to 4 are one row by their quotes, but line 3 looks like another"


def test_a_message_of_several_lines_may_name_an_address() -> None:
    row = the_row('email,name,message\na@b.de,Ada,"Ask me, please:\nolivia@contoso.com, Olivia\nSee you"\n')

    assert row.message == "Ask me, please:\nolivia@contoso.com, Olivia\nSee you"


@pytest.mark.parametrize(("breaks", "kind"), [(MAX_RECORD_LINES - 1, Row), (MAX_RECORD_LINES, Invalid)])
def test_a_record_has_a_limited_number_of_lines(breaks: int, kind: type) -> None:
    rows = read('email,message\na@b.de,"x' + "\n" * breaks + 'y"\nb@b.de,\n')

    assert (type(rows[0]), rows[-1].address) == (kind, "b@b.de")


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize(("more", "kind"), [(0, Row), (1, Invalid)])
def test_a_record_has_a_limited_number_of_bytes(more: int, kind: type, broken: bool) -> None:
    begin = 'a@b.de,"' + "\n" * broken
    line = begin + "x" * (MAX_RECORD_BYTES + more - len(begin) - len('"\n')) + '"\n'

    rows = read(f"email,message\n{line}b@b.de,\n")

    assert (type(rows[0]), rows[-1].address) == (kind, "b@b.de")


def test_a_line_without_end_is_told_before_its_end_and_can_be_left_within() -> None:
    dialect = detect(b"email\na@b.de\n")
    reader = RowReader(dialect, dialect.start)

    (bad,) = [row for _ in range(100) for row in reader.feed(b"x" * 5_000, last=False)]

    assert bad.next_cursor == Cursor(6 + MAX_RECORD_BYTES, 1, 2, True)
    assert reader.cursor == Cursor(6 + 500_000, 1, 2, True)
    later = RowReader(dialect, Cursor.from_list(reader.cursor.to_list()))
    (row,) = later.feed(b"xxx\r\nb@b.de\r\n", last=True)
    assert (row.number, row.line, row.address) == (2, 3, "b@b.de")


def test_the_template_of_microsoft_is_read_with_its_own_columns() -> None:
    row = the_row(TEMPLATE + 'a@b.de,https://myapps.microsoft.com,TRUE,"Hello, you"\r\n,,,\r\n')

    assert (row.line, row.address, row.message, row.notes) == (3, "a@b.de", "Hello, you", ())


@pytest.mark.parametrize("no", ["false", "FALSE", "Falsch", "no", "0"])
def test_send_email_false_is_noted_as_not_supported(no: str) -> None:
    row = the_row(TEMPLATE + f"a@b.de,,{no},\r\n")

    assert [note.kind for note in row.notes] == [NoteKind.MAIL_NOT_SUPPRESSED]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("Hello, you", "Hello, you"),
        ('Hello "Ben",  how are you, then', 'Hello "Ben",  how are you, then'),
        ('"Hello, you", and welcome', "Hello, you, and welcome"),
        ("Hello, you,", "Hello, you,"),
    ],
)
def test_the_templates_message_may_have_commas_without_quotes(cells: str, message: str) -> None:
    row = the_row(TEMPLATE + f"a@b.de,https://myapps.microsoft.com,true,{cells}\r\n")

    assert row.message == message
    assert [note.kind for note in row.notes] == [NoteKind.MESSAGE_JOINED]


def test_only_the_template_joins_what_commas_have_cut() -> None:
    (row,) = read("email,message\na@b.de,Hello, you\n")

    assert isinstance(row, Invalid)


def test_a_file_that_ends_within_a_character_of_utf_16_loses_that_row_only() -> None:
    whole = b"\xff\xfe" + "email,name\na@b.de,Ada\nb@b.de,Ben".encode("utf-16-le")

    rows = read(whole[:-1])

    assert [type(row) for row in rows] == [Row, Invalid]
    lone = b"\xff\xfe" + "email,name\na@b.de,".encode("utf-16-le") + b"\x00\xd8" + "\nb@b.de,\n".encode("utf-16-le")
    assert [type(row) for row in read(lone)] == [Invalid, Row]


def test_rows_left_over_come_with_the_next_chunk() -> None:
    data = b"email\na@b.de\nb@b.de\nc@b.de\n"
    dialect = detect(data)
    reader = RowReader(dialect, dialect.start)

    first = next(reader.feed(data[6:], last=False))
    rest = list(reader.feed(b"d@b.de", last=True))

    assert [first.address, *(row.address for row in rest)] == ["a@b.de", "b@b.de", "c@b.de", "d@b.de"]
