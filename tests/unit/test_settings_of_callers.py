"""Which applications may act for people, and whether guests may call, as the settings say."""

import pytest

from shared.settings import SettingsError, read_settings

API, CLIENT, FLOW, OTHER = (f"{n}1111111-1111-4111-8111-111111111111" for n in "abcd")
NEEDED = {"GUESTLIST_TENANT_ID": "t", "GUESTLIST_API_AUDIENCE": API, "GUESTLIST_CLIENT_ID": CLIENT}


def test_guestlists_own_applications_are_listed_and_no_guest_is_let_in() -> None:
    found = read_settings(NEEDED)

    assert (found.clients, found.guest_callers) == (frozenset({API, CLIENT}), False)


def test_further_applications_are_listed_by_commas_in_any_case() -> None:
    found = read_settings(
        NEEDED | {"GUESTLIST_CLIENTS": f" {FLOW.upper()},{OTHER}, ", "GUESTLIST_GUEST_CALLERS": "true"}
    )

    assert (found.clients, found.guest_callers) == (frozenset({API, CLIENT, FLOW, OTHER}), True)


def test_an_audience_that_is_an_address_names_the_application() -> None:
    assert read_settings(NEEDED | {"GUESTLIST_API_AUDIENCE": f"api://{API}"}).clients == {API, CLIENT}


@pytest.mark.parametrize(
    ("name", "value"), [("GUESTLIST_CLIENTS", "*"), ("GUESTLIST_CLIENTS", "all"), ("GUESTLIST_GUEST_CALLERS", "some")]
)
def test_what_is_no_list_of_ids_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings(NEEDED | {name: value})
