"""Files of guests to import, with the columns that most files have."""

import io
from collections.abc import Iterator


def addresses(guests: int, name: str) -> Iterator[str]:
    """Addresses that nobody has yet; `name` tells the guests of one file from those of another."""
    return (f"{name}.{number:07}@fabrikam.com" for number in range(guests))


def csv_file(guests: int, name: str) -> bytes:
    """A file of so many guests, as Excel writes it."""
    text = io.StringIO()
    text.write("\ufeffemail,name,language\r\n")
    for number, address in enumerate(addresses(guests, name)):
        text.write(f"{address},Guest {number:07},en-US\r\n")
    return text.getvalue().encode()
