"""Where a request came from is what the proxies that are trusted saw, whatever the client wrote."""

import azure.functions as func
import pytest

from functions.callers import source_of
from shared.settings import SettingsError, read_settings

NEEDED = {
    "GUESTLIST_TENANT_ID": "c0117050-0000-4000-8000-000000000001",
    "GUESTLIST_API_AUDIENCE": "00000401-0000-4000-8000-000000000401",
}


def source(header: str, trusted_proxies: int = 1) -> str:
    request = func.HttpRequest("POST", "https://g.example/", headers={"x-forwarded-for": header}, body=b"")
    return source_of(request, trusted_proxies)


@pytest.mark.parametrize(
    ("header", "seen"),
    [
        ("198.51.100.7:51234", "198.51.100.7"),
        ("1.2.3.4, 198.51.100.7:51234", "198.51.100.7"),
        ("1.2.3.4,,198.51.100.7:51234", "198.51.100.7"),
        ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("[::ffff:198.51.100.7]:443", "198.51.100.7"),
        ("198.51.100.7", "198.51.100.7"),
        ("made up", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_last_address_counts_where_the_platforms_front_end_is_alone(header: str, seen: str) -> None:
    assert source(header) == seen


@pytest.mark.parametrize(
    ("header", "trusted_proxies", "seen"),
    [
        # Two strangers behind one further hop are two, and what they write themselves does not count.
        ("198.51.100.7, 203.0.113.1:443", 2, "198.51.100.7"),
        ("198.51.100.8, 203.0.113.1:443", 2, "198.51.100.8"),
        ("1.2.3.4, 198.51.100.7, 203.0.113.1:443", 2, "198.51.100.7"),
        ("1.2.3.4, [2001:db8:1:2::9]:1, 10.0.0.4:2, 203.0.113.1:443", 3, "2001:db8:1:2::/64"),
        # Nobody came through the further proxy: what there is was written by the front end.
        ("198.51.100.7:51234", 2, "198.51.100.7"),
    ],
)
def test_each_further_proxy_that_is_trusted_is_passed_over(header: str, trusted_proxies: int, seen: str) -> None:
    assert source(header, trusted_proxies) == seen


def test_the_setting_says_how_many_proxies_there_are() -> None:
    assert read_settings(NEEDED).requests.trusted_proxies == 1
    assert read_settings(NEEDED | {"GUESTLIST_TRUSTED_PROXIES": "2"}).requests.trusted_proxies == 2
    for wrong in ("0", "11", "two"):
        with pytest.raises(SettingsError, match="GUESTLIST_TRUSTED_PROXIES must be from 1 to 10"):
            read_settings(NEEDED | {"GUESTLIST_TRUSTED_PROXIES": wrong})


def test_the_log_says_by_how_many_hops_a_request_came_and_no_address(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="guestlist"):
        source("1.2.3.4, 198.51.100.7, 203.0.113.1:443", 2)

    assert caplog.messages == ["a request came by 3 hops, of which 2 are trusted"]
