"""Where a request came from is what the platform's front end saw, whatever the client wrote."""

import azure.functions as func
import pytest

from functions.callers import source_of


@pytest.mark.parametrize(
    ("header", "source"),
    [
        ("198.51.100.7:51234", "198.51.100.7"),
        ("1.2.3.4, 198.51.100.7:51234", "198.51.100.7"),
        ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("198.51.100.7", "198.51.100.7"),
        ("made up", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_last_address_counts(header: str, source: str) -> None:
    request = func.HttpRequest("POST", "https://g.example/", headers={"x-forwarded-for": header}, body=b"")

    assert source_of(request) == source
