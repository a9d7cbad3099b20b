"""The file of outcomes: one line per row of an import, which Excel opens and which runs nothing there."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import NamedTuple

from shared.core.csv.encoding import UTF_8
from shared.core.reasons import REASONS, Reason
from shared.core.texts import harmless

COLUMNS = ("line", "address", "outcome", "reason", "detail", "remedy", "directLink")

_CELL_START = re.compile(r"(?:\A|[;\t\r\n])[\"\s;]*+([=+\-@＝＋－＠])?")
"""Where a spreadsheet begins a cell, and what it would compute it by.

The beginning of a cell, and what a spreadsheet with another delimiter than the comma takes for one.
Source: OWASP, "CSV Injection": =, +, -, @, tab, CR and LF, their full-width forms, and delimiters within a cell.
"""


class Result(NamedTuple):
    """What became of the row that begins at `line`; `directLink` of the file is `direct_link`."""

    line: int
    address: str
    outcome: str
    reason: Reason | None = None
    detail: str | None = None
    direct_link: str | None = None


def defused(cell: str) -> str:
    """`cell`, with an apostrophe before whatever would make a spreadsheet compute it.

    The apostrophe stays visible in most programs; a cell that is harmless is left as it is.
    """
    shown = _CELL_START.sub(
        lambda start: start[0] if start[1] is None else f"{start[0][:-1]}'{start[1]}", harmless(cell)
    )
    return f"'{shown}" if shown.startswith(("\t", "\r", "\n")) else shown


def result_cells(result: Result) -> tuple[str, ...]:
    """The cells of one line, in the order of `COLUMNS`, safe against formula injection."""
    remedy = "" if result.reason is None else REASONS[result.reason].remedy
    reason = "" if result.reason is None else result.reason.value
    texts = (result.address, result.outcome, reason, result.detail, remedy, result.direct_link)
    return (str(result.line), *(defused(text or "") for text in texts))


def render_headings() -> bytes:
    """How the file begins: UTF-8 with a byte order mark, by which Excel knows it, and the headings."""
    return b"\xef\xbb\xbf" + _lines([COLUMNS])


def render_results(results: Iterable[Result]) -> bytes:
    """Lines of the file, without its beginning: batches can be rendered one by one and joined."""
    return _lines(map(result_cells, results))


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)  # RFC 4180
    # A lone surrogate, which no address of a good row has, must not cost the file.
    return text.getvalue().encode(UTF_8, "replace")
