"""A row of a file without its guest: as long as it was, with its delimiters, quotes and line ends, so that no other
row moves, and of the same use to whoever counts rows (see `shared.imports.read_rows`)."""

from shared.core.addresses import Address
from shared.core.personal import ERASED

ERASED_ADDRESS = Address(ERASED, ERASED, ERASED)
"""Of a row that was usable, and holds its place."""

_GOOD, _BAD = "~", "-"
"""What characters are replaced by: a row that could be used stays one, and one that could not does, too. Neither
character alone makes an address."""
_SHORTEST = 6


def is_erased(cell: str) -> bool:
    """Whether a cell's address was erased."""
    return len(cell) >= _SHORTEST and set(cell) == {_GOOD}


def blanked(record: bytes, encoding: str, delimiter: str, *, usable: bool, keep: str | None) -> bytes:
    """The bytes of a record without what it says but for the text `keep` (the group that it names)."""
    filler = (_GOOD if usable else _BAD).encode(encoding)
    width = len(filler)
    structure = {char.encode(encoding) for char in ('"', delimiter, "\r", "\n", " ")}
    kept = range(0)
    if keep and (at := record.find(keep.encode(encoding))) >= 0:
        kept = range(at, at + len(keep.encode(encoding)))
    found = bytearray(record)
    for at in range(0, len(record) - width + 1, width):
        if at not in kept and bytes(found[at : at + width]) not in structure:
            found[at : at + width] = filler
    return bytes(found)


def text_of(record: bytes, encoding: str) -> str:
    """As far as it is text."""
    return record.decode(encoding, "replace")
