"""Bytes of a CSV file to physical lines: which encoding it is, and how many bytes each line takes in the file."""

import codecs
import re
from io import StringIO
from typing import NamedTuple

from shared.core.errors import Refused
from shared.core.reasons import Reason

UTF_8, UTF_16_LE, UTF_16_BE, CP1252 = "utf-8", "utf-16-le", "utf-16-be", "cp1252"
"""Each by its name in Python, without a byte order mark: the mark is stepped over, never decoded."""

_MARKS = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, UTF_16_LE), (codecs.BOM_UTF16_BE, UTF_16_BE))
_OTHER_FORMATS = (
    (b"PK\x03\x04", "an Excel workbook (.xlsx) or another zip archive"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind (.xls)"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF-", "a PDF document"),
    (codecs.BOM_UTF32_LE, "text in UTF-32"),
    (codecs.BOM_UTF32_BE, "text in UTF-32"),
)
_SAMPLE = 256
"""Bytes looked at for UTF-16 without a mark: the headings, which are mostly Latin letters."""

_DAMAGE = re.compile("[\ud800-\udfff\0]")
"""What a decoded line has where its bytes are wrong: `split` turns those into lone surrogates. NUL is no text."""


type Line = tuple[str, int]
"""One physical line with its line end, and its size in bytes of the file. Bare: there is one for each row."""


class Encoding(NamedTuple):
    """What the first bytes say; `mark` is the length of the byte order mark, `guessed` that it is not UTF-8."""

    name: str
    mark: int
    guessed: bool = False


def encoding_of(head: bytes) -> Encoding:
    """The encoding of a file that begins with `head`.

    A byte order mark decides. Without one: UTF-16 where every other byte of the beginning is zero, else UTF-8. Where
    more is wrong than right for UTF-8 it is Windows-1252, what Excel in Western Europe writes as plain "CSV"; a stray
    bad byte in a file that is UTF-8 otherwise costs its row only. Raises Refused `file-unreadable` where it is no
    text at all, or none of these."""
    for mark, what in _OTHER_FORMATS:
        if head.startswith(mark):
            raise Refused(Reason.FILE_UNREADABLE, f"the file is {what}, no CSV", field="file")
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, len(mark))
    if (name16 := _unmarked_utf_16(head[:_SAMPLE])) is not None:
        return Encoding(name16, 0)
    wrong = right = 0
    for char in head[: _whole_utf_8(head)].decode(UTF_8, "surrogateescape"):
        if "\udc80" <= char <= "\udcff":
            wrong += 1
        elif char >= "\x80":
            right += 1
    return Encoding(CP1252, 0, guessed=True) if wrong > right else Encoding(UTF_8, 0)


def split(data: bytes, encoding: str) -> list[Line]:
    """Physical lines of `data`, which begins at a character. The last may lack its end.

    Lines end with LF, CR LF or CR alone. Bytes that are none of `encoding` become lone surrogates, so that a
    bad byte costs one line (see `damage`); every byte is counted in exactly one line.
    """
    if encoding in (UTF_8, CP1252):
        raw = data.splitlines(keepends=True)
        try:
            texts = [str(line, encoding) for line in raw]
        except UnicodeDecodeError:
            texts = [str(line, encoding, "surrogateescape") for line in raw]
        return list(zip(texts, map(len, raw), strict=True))
    odd = len(data) % 2
    text = data[: len(data) - odd].decode(encoding, "surrogatepass")
    if text.isascii():
        lines = [(line, 2 * len(line)) for line in StringIO(text, newline="")]
    else:
        lines = [(line, len(line.encode(encoding, "surrogatepass"))) for line in StringIO(text, newline="")]
    if odd:
        ended = not lines or lines[-1][0].endswith(("\n", "\r"))
        begun, size = ("", 0) if ended else lines.pop()
        lines.append((f"{begun}\udcff", size + 1))
    return lines


def damage(text: str) -> str | None:
    """What is wrong with the characters of `text`, if anything is."""
    found = _DAMAGE.search(text)
    if found is None:
        return None
    return "a NUL character" if found[0] == "\0" else "bytes that are no characters in the file's encoding"


def _unmarked_utf_16(sample: bytes) -> str | None:
    units = len(sample) // 2
    if units < 4:
        return None
    first, second = sample[0 : 2 * units : 2].count(0), sample[1 : 2 * units : 2].count(0)
    if first == 0 and second >= 0.6 * units:
        return UTF_16_LE
    if second == 0 and first >= 0.6 * units:
        return UTF_16_BE
    return None


def _whole_utf_8(head: bytes) -> int:
    """Length of `head` without a character that its end has cut."""
    for back in range(1, min(3, len(head)) + 1):
        byte = head[-back]
        if byte >= 0xC0:
            needs = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(head) - back if needs > back else len(head)
        if byte < 0x80:
            break
    return len(head)
