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


def result_cells(result: Result) -> tuple[str | None, ...]:
    """The cells of one line, in the order of `COLUMNS`."""
    reason, remedy = (result.reason.value, REASONS[result.reason].remedy) if result.reason else (None, None)
    return str(result.line), result.address, result.outcome, reason, result.detail, remedy, result.direct_link


def spreadsheet(rows: Iterable[Iterable[str | None]], headings: Sequence[str] = ()) -> bytes:
    """Lines of a file that a spreadsheet opens and computes nothing of; batches of them can be joined. Headings have
    the byte order mark before them that Excel knows UTF-8 by."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    if headings:
        text.write("\ufeff")
        writer.writerow(headings)
    writer.writerows([defused(cell or "") for cell in row] for row in rows)
    # A lone surrogate in somebody's name must not cost the file.
    return text.getvalue().encode(UTF_8, "replace")
