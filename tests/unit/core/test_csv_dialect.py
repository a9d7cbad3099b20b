"""What the first bytes of a CSV file say: encoding, delimiter, template, columns; and files that are refused."""

import codecs
from pathlib import Path

import msgspec
import pytest

from shared.core.csv.dialect import _WORDS, HEAD_BYTES, MAX_COLUMNS, Dialect, Field, NoteKind, detect, field_of
from shared.core.csv.records import Cursor
from shared.core.csv.rows import RowReader
from shared.core.errors import Refused
from shared.core.reasons import Reason

SAMPLE = Path(__file__).resolve().parents[3] / "samples" / "guests.csv"
TEMPLATE = (
    "Email address to invite [inviteeEmail] Required,Redirection url [inviteRedirectURL] Required,"
    "Send invitation message (true or false) [sendEmail],Customized invitation message [customizedMessageBody]"
)
PLAIN = "email,name\r\nada@fabrikam.com,Ada Müller\r\n"


def addresses(data: bytes) -> list[str]:
    dialect = detect(data[:HEAD_BYTES])
    return [row.address for row in RowReader(dialect, dialect.start).feed(data[dialect.start.offset :], last=True)]


@pytest.mark.parametrize(
    ("data", "encoding", "start"),
    [
        pytest.param(PLAIN.encode(), "utf-8", 12, id="UTF-8"),
        pytest.param(codecs.BOM_UTF8 + PLAIN.encode(), "utf-8", 15, id="UTF-8 with mark"),
        pytest.param(codecs.BOM_UTF16_LE + PLAIN.encode("utf-16-le"), "utf-16-le", 26, id="UTF-16 LE with mark"),
        pytest.param(codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), "utf-16-be", 26, id="UTF-16 BE with mark"),
        pytest.param(PLAIN.encode("utf-16-le"), "utf-16-le", 24, id="UTF-16 LE without mark"),
        pytest.param(PLAIN.encode("utf-16-be"), "utf-16-be", 24, id="UTF-16 BE without mark"),
        pytest.param(PLAIN.encode("cp1252"), "cp1252", 12, id="Windows-1252"),
        pytest.param(PLAIN.encode() + b"bo@fabrikam.com,B\xf6\r\n", "utf-8", 12, id="UTF-8 with one bad byte"),
    ],
)
def test_the_encoding_is_told_from_the_first_bytes(data: bytes, encoding: str, start: int) -> None:
    dialect = detect(data)

    assert (dialect.encoding, dialect.delimiter, dialect.start) == (encoding, ",", Cursor(start, 0, 2))
    row = next(RowReader(dialect, dialect.start).feed(data[start:], last=True))
    assert (row.number, row.line, row.address) == (1, 2, "ada@fabrikam.com")
    assert getattr(row, "display_name", None) == "Ada Müller"


def test_a_guessed_encoding_is_noted() -> None:
    assert [note.kind for note in detect(PLAIN.encode("cp1252")).notes] == [NoteKind.ENCODING_GUESSED]
    assert detect(PLAIN.encode()).notes == ()


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_character_that_the_end_of_the_head_cuts_does_not_make_the_file_another_encoding(cut: int) -> None:
    head = b"email\r\nada@fabrikam.com,"
    head += b"x" * (HEAD_BYTES - len(head) - cut) + "😀".encode()

    assert detect(head[:HEAD_BYTES]).encoding == "utf-8"


@pytest.mark.parametrize(
    ("text", "delimiter", "line"),
    [
        ("email,name\na@b.de,Ada", ",", 2),
        ("email;name\na@b.de;Ada", ";", 2),
        ("email\tname\na@b.de\tAda", "\t", 2),
        ("email\na@b.de", ",", 2),
        ('"name, first";email\nAda;a@b.de', ";", 2),
        ("sep=;\nemail;name\na@b.de;Ada", ";", 3),
        ('"sep=;"\r\nemail;name\r\na@b.de;Ada', ";", 3),
        ("SEP=|\nemail|name\na@b.de|Ada", "|", 3),
        ("sep=\t\nemail\tname\na@b.de\tAda", "\t", 3),
        ("\n\n,,,\nemail,name\na@b.de,Ada", ",", 5),
        (";;\nemail;name;\na@b.de;Ada", ";", 3),
        ('"e-mail\naddress";name\na@b.de;Ada', ";", 3),
        ("email,name\ra@b.de,Ada", ",", 2),
        ("version:v1.0\nemail,name\na@b.de,Ada", ",", 3),
        ("version:v1.0;;;\nemail;name\na@b.de;Ada", ";", 3),
    ],
)
def test_the_delimiter_is_the_one_that_makes_headings(text: str, delimiter: str, line: int) -> None:
    dialect = detect(text.encode())

    assert (dialect.delimiter, dialect.start.line) == (delimiter, line)
    assert addresses(text.encode()) == ["a@b.de"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("version", ["version:v1.0", "version:v1.0{d}{d}{d}", ""])
def test_microsofts_template_is_known_in_any_delimiter_with_its_version_line(delimiter: str, version: str) -> None:
    lines = [version.format(d=delimiter)] * bool(version)
    lines += [TEMPLATE.replace(",", delimiter), delimiter.join(("a@b.de", "https://x.example", "true", "Hi"))]

    dialect = detect("\r\n".join(lines).encode())

    assert dialect.is_template
    assert dialect.fields == (Field.ADDRESS, Field.REDIRECT_ADDRESS, Field.SEND_MAIL, Field.MESSAGE)
    assert [note.kind for note in dialect.notes] == [NoteKind.REDIRECT_IGNORED]
    assert dialect.start.line == len(lines)


def test_the_sample_file_is_read_as_microsofts_template() -> None:
    found = addresses(SAMPLE.read_bytes())

    assert len(found) == len(SAMPLE.read_text().splitlines()) - 2
    assert found[0] == "ada.fischer@fabrikam.com"


@pytest.mark.parametrize("field", _WORDS)
def test_every_synonym_is_known_in_any_case_and_spelling(field: Field) -> None:
    for word in _WORDS[field].split(", "):
        for heading in (
            word,
            word.upper(),
            word.title(),
            f" {word} ",
            word.replace(" ", "-"),
            word.replace(" ", "_"),
        ):
            assert field_of(heading) is field, heading


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("E-Mail", Field.ADDRESS),
        ("e-mail-adresse", Field.ADDRESS),
        ("displayName", Field.DISPLAY_NAME),
        ("welcomeMessage", Field.MESSAGE),
        ("Expires on", Field.EXPIRES),
        ("Gültig bis:", Field.EXPIRES),
        ("GUELTIG BIS", Field.EXPIRES),
        ("Begruessung", Field.MESSAGE),
        ("groupId", Field.GROUP),
        ("Einzuladende Adresse [INVITEEEMAIL] Erforderlich", Field.ADDRESS),
        ("Telefon", Field.UNKNOWN),
        ("", Field.UNKNOWN),
        ("[name]", Field.DISPLAY_NAME),
    ],
)
def test_headings_are_known_as_people_write_them(heading: str, field: Field) -> None:
    assert field_of(heading) is field


def test_columns_come_in_any_order_and_unknown_or_repeated_ones_are_named() -> None:
    dialect = detect(b"Phone,Group,E-Mail,Mail,,Expires,Lang\n1,g,a@b.de,c@d.de,,,de\n")

    unknown = Field.UNKNOWN
    assert dialect.fields == (unknown, Field.GROUP, Field.ADDRESS, unknown, unknown, Field.EXPIRES, Field.LANGUAGE)
    assert dialect.headings == ("", "Group", "E-Mail", "", "", "Expires", "Lang")
    notes = {note.kind: note.text for note in dialect.notes}
    assert "'Phone', '(no heading)'" in notes[NoteKind.COLUMN_UNKNOWN]
    assert "'Mail'" in notes[NoteKind.COLUMN_REPEATED]


@pytest.mark.parametrize(
    "text", ["a@b.de\nc@d.de\n", "\n a@b.de ,,\nc@d.de", '"a@b.de"\r\n"c@d.de"', "a@b.de;\nc@d.de;"]
)
def test_a_bare_list_of_addresses_needs_no_headings(text: str) -> None:
    dialect = detect(text.encode())

    assert (dialect.fields, dialect.headings) == ((Field.ADDRESS,), ("",))
    assert addresses(text.encode()) == ["a@b.de", "c@d.de"]


@pytest.mark.parametrize(
    ("data", "reason", "says"),
    [
        (b"", Reason.FILE_EMPTY, ""),
        (b"\xef\xbb\xbf", Reason.FILE_EMPTY, ""),
        (b"\xff\xfe", Reason.FILE_EMPTY, ""),
        (b"\r\n \r\n;;;\r\n", Reason.FILE_EMPTY, ""),
        (b"version:v1.0,,,\r\n", Reason.FILE_EMPTY, ""),
        (b"email,name\r\n", Reason.FILE_EMPTY, "below the headings"),
        (b"email,name\r\n,\r\n \r\n\r\n", Reason.FILE_EMPTY, "below the headings"),
        (b"PK\x03\x04rest of a workbook", Reason.FILE_UNREADABLE, "xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Reason.FILE_UNREADABLE, "xls"),
        (b"%PDF-1.7", Reason.FILE_UNREADABLE, "PDF"),
        (b"\x1f\x8b\x08", Reason.FILE_UNREADABLE, "gzip"),
        ("email\na@b.de".encode("utf-32"), Reason.FILE_UNREADABLE, "UTF-32"),
        (b'"email,name\na@b.de,Ada\n', Reason.FILE_UNREADABLE, "line 1"),
        (b"em\0ail,email\na@b.de,Ada\n", Reason.FILE_UNREADABLE, "NUL"),
        (b"email" + b",x" * MAX_COLUMNS + b"\na@b.de\n", Reason.FILE_UNREADABLE, f"{MAX_COLUMNS + 1} columns"),
        (b"x" * HEAD_BYTES, Reason.FILE_UNREADABLE, "64 KiB"),
        (b"\n" * HEAD_BYTES, Reason.FILE_UNREADABLE, "64 KiB"),
        (b"Telefon,Name\n1,Ada\n", Reason.FILE_NO_ADDRESS_COLUMN, "'Telefon', 'Name'"),
        (b"Ada,a@b.de\nBen,b@b.de\n", Reason.FILE_NO_ADDRESS_COLUMN, "no headings"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_and_says_why(data: bytes, reason: Reason, says: str) -> None:
    with pytest.raises(Refused) as refused:
        detect(data)

    assert (refused.value.reason, refused.value.field) == (reason, "file")
    assert says in (refused.value.detail or "")


@pytest.mark.parametrize(
    "text",
    ["email,name,Telefon\na@b.de,Ada,1", "a@b.de", f"{TEMPLATE}\na@b.de,,,", "sep=|\nMail|Läuft ab|name\na@b.de||x"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_dialect_travels_as_json(text: str, encoding: str) -> None:
    dialect = detect(text.encode(encoding))

    assert msgspec.json.decode(msgspec.json.encode(dialect), type=Dialect) == dialect
    assert hash(msgspec.convert(msgspec.to_builtins(dialect), Dialect)) == hash(dialect)


def test_a_dialect_stays_small_however_long_the_headings_are() -> None:
    heading = b"email," + b",".join(b"[sendEmail]" + b"x" * 200 for _ in range(MAX_COLUMNS - 1))

    assert len(msgspec.json.encode(detect(heading + b"\na@b.de\n"))) < 16_000
