"""Reading a CSV file however it is cut: what was written comes back, and every cursor is a place to go on from."""

import codecs
import csv
import re
import tracemalloc
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.csv.dialect import Dialect, detect
from shared.core.csv.records import Cursor
from shared.core.csv.rows import Invalid, Row, RowReader

ENCODINGS = {
    "utf-8": (b"", "utf-8"),
    "utf-8 with mark": (codecs.BOM_UTF8, "utf-8"),
    "utf-16-le": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "utf-16-be": (codecs.BOM_UTF16_BE, "utf-16-be"),
    "utf-16-le without mark": (b"", "utf-16-le"),
    "cp1252": (b"", "cp1252"),
}
HEADINGS = ("E-Mail", "Anzeigename", "Nachricht", "Sprache")

type Cells = tuple[str, str, str, str]
type Found = Row | Invalid


def texts(codec: str) -> st.SearchStrategy[str]:
    """Any text of an encoding, with what matters to CSV more often than chance would have it."""
    cp1252 = st.sampled_from(bytes(range(1, 256)).decode("cp1252", "ignore"))
    anything = cp1252 if codec == "cp1252" else st.characters(codec="utf-8", exclude_characters="\0")
    special = st.sampled_from(["\r\n", "\n", "\r", '"', '""', ",", ";", "\t", " ", "ß", "=", "@"])
    if codec != "cp1252":
        special |= st.sampled_from(["😀", "\u2028", "\x85", "\ufeff", "e\u0301", "名前"])
    text = st.lists(anything | special, max_size=20).map("".join)
    return text.filter(lambda text: not re.search(r"[\r\n](?s:.)*@", text))  # which might look like a further row


def addresses(codec: str) -> st.SearchStrategy[str]:
    return texts(codec).map(lambda text: f"{''.join(text.split())}@b.example")


def rows_of(data: bytes, dialect: Dialect, cursor: Cursor, cuts: list[int]) -> list[Found]:
    """All rows from `cursor` on, the rest of `data` fed in pieces of the sizes `cuts`, over and over."""
    reader = RowReader(dialect, cursor)
    found: list[Found] = []
    at = cursor.offset
    turn = 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        found += reader.feed(data[at : at + size], last=False)
        at += size
        turn += 1
    found += reader.feed(b"", last=True)
    assert reader.cursor.offset == len(data)
    return found


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, Dialect, list[Cells], list[int]]:
    """A file that `csv` wrote, its dialect, its rows, and where in the file each of them ends."""
    mark, codec = ENCODINGS[draw(st.sampled_from(sorted(ENCODINGS)))]
    delimiter = draw(st.sampled_from([",", ";", "\t"]))
    end = draw(st.sampled_from(["\r\n", "\n", "\r"]))
    is_quoted = draw(st.booleans())

    def written(cells: Cells) -> bytes:
        text = StringIO(newline="")
        csv.writer(
            text,
            delimiter=delimiter,
            lineterminator=end,
            quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL,
        ).writerow(cells)
        return text.getvalue().encode(codec)

    text = texts(codec)
    rows = draw(st.lists(st.tuples(addresses(codec), text, text, text), max_size=8))
    data = mark + written(HEADINGS)
    # Which of the encodings it is shows only in letters beyond ASCII, which a file may lack: see test_csv_dialect.
    dialect = replace(detect(data + written(("a@b.example", "", "", ""))), encoding=codec)
    ends = []
    for row in rows:
        data += written(row)
        ends.append(len(data))
    return data, dialect, rows, ends


CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=5)


@given(files(), CUTS)
def test_what_was_written_is_read_in_any_encoding_delimiter_and_cut(
    file: tuple[bytes, Dialect, list[Cells], list[int]], cuts: list[int]
) -> None:
    data, dialect, rows, ends = file

    found = rows_of(data, dialect, dialect.start, cuts)

    wanted = [tuple(cell.strip() or None for cell in row) for row in rows]
    assert [row[2:6] for row in found if isinstance(row, Row)] == wanted
    assert [row.next_cursor.offset for row in found] == ends
    lines = [1 + line_ends(data[:end], dialect.encoding) for end in [dialect.start.offset, *ends]]
    assert [row.line for row in found] == lines[:-1]
    assert [row.next_cursor.line for row in found] == lines[1:]


def line_ends(data: bytes, encoding: str) -> int:
    text = data.decode(encoding)
    return text.count("\n") + text.count("\r") - text.count("\r\n")


@given(files(), CUTS)
def test_every_cursor_is_a_place_to_go_on_from(
    file: tuple[bytes, Dialect, list[Cells], list[int]], cuts: list[int]
) -> None:
    data, dialect, _, _ = file
    found = rows_of(data, dialect, dialect.start, [len(data)])

    for done, row in enumerate(found, 1):
        assert rows_of(data, dialect, Cursor.from_list(row.next_cursor.to_list()), cuts) == found[done:]


PLAIN_BITS = [b"a@b.de", b'"', b'""', b",", b";", b"\r", b"\n", b"\r\n", b" ", b"x", "ß😀".encode()]
BAD_BITS = [b"\0", b"\xff", b"\xc3", b"\xff\xfe", b"\x00\xd8", b"\n" * 40, b'\n"' * 30]
BITS_OF_UTF_16 = [b"\n\0", b"\r\0", b"\0\n", b'"\0', b",\0", b"\0x"]
BITS = st.sampled_from([*PLAIN_BITS, *BAD_BITS, *BITS_OF_UTF_16])


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "cp1252"])
@settings(max_examples=60)
@given(bits=st.lists(BITS, max_size=40), cuts=CUTS)
def test_any_bytes_give_the_same_rows_at_once_or_byte_by_byte_and_from_every_cursor(
    codec: str, bits: list[bytes], cuts: list[int]
) -> None:
    dialect = replace(detect(b"email,name\na@b.de,\n"), encoding=codec, start=Cursor(0, 0, 1))
    data = b"".join(bits)

    at_once = rows_of(data, dialect, dialect.start, [len(data) + 1])

    assert rows_of(data, dialect, dialect.start, [1]) == at_once
    assert rows_of(data, dialect, dialect.start, cuts) == at_once
    for done, row in enumerate(at_once, 1):
        assert rows_of(data, dialect, row.next_cursor, cuts) == at_once[done:]


LONG = st.sampled_from([30_000, 65_530, 140_000]) | st.sampled_from(['"', "\n", "\r", "\r\n", ",", "a@b.de"])


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le"])
@settings(max_examples=40, deadline=None)
@given(bits=st.lists(LONG, max_size=14), cuts=st.lists(st.integers(500, 200_000), min_size=1, max_size=4))
def test_lines_too_long_give_the_same_rows_however_they_are_cut(
    codec: str, bits: list[int | str], cuts: list[int]
) -> None:
    dialect = replace(detect(b"email,name\na@b.de,\n"), encoding=codec, start=Cursor(0, 0, 1))
    data = "".join("x" * bit if isinstance(bit, int) else bit for bit in bits).encode(codec)

    at_once = rows_of(data, dialect, dialect.start, [len(data) + 1])

    assert rows_of(data, dialect, dialect.start, cuts) == at_once
    for done, row in enumerate(at_once, 1):
        assert rows_of(data, dialect, row.next_cursor, cuts) == at_once[done:]


@given(st.binary(max_size=300), CUTS)
def test_a_file_is_read_or_refused_and_nothing_else(data: bytes, cuts: list[int]) -> None:
    dialect = detect(b"email\na@b.de\n" + data)

    found = rows_of(b"email\na@b.de\n" + data, dialect, dialect.start, cuts)

    assert found[0].number == 1


@pytest.mark.parametrize(
    "line",
    [b'a@b.de,"Ada ""the"" first"\r\n', b'a@b.de,"Ada\r\n', b"x" * 1_000],
    ids=["good rows", "quotes that never close", "a line that never ends"],
)
def test_memory_does_not_follow_the_size_of_the_file(line: bytes) -> None:
    dialect = detect(b"email,name\na@b.de,\n")
    chunk = line * (60_000 // len(line))

    def peak(chunks: int) -> int:
        reader = RowReader(dialect, Cursor(0, 0, 1))
        tracemalloc.start()
        try:
            for _ in range(chunks):
                for _row in reader.feed(chunk, last=False):
                    pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is made once in a process
    assert peak(20) <= 1.2 * peak(5)
