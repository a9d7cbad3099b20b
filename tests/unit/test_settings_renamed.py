"""Settings that got another name: the old one is read for a version, and somebody hears of it."""

from dataclasses import replace

import pytest

from shared.settings import RENAMED, SettingsError, read_settings

NEEDED = {"GUESTLIST_TENANT_ID": "t", "GUESTLIST_API_AUDIENCE": "a"}


def value_of(name: str) -> str:
    return "77" if "_IMPORTS_" in name else "P3D"


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_is_read_and_noted(old: str) -> None:
    by_old = read_settings(NEEDED | {old: value_of(old)})
    by_new = read_settings(NEEDED | {RENAMED[old]: value_of(old)})

    assert replace(by_old, renamed=()) == by_new != read_settings(NEEDED)
    assert by_old.renamed == (f"{old} is called {RENAMED[old]} now",)


@pytest.mark.parametrize("old", RENAMED)
def test_the_new_name_counts_where_both_are_set(old: str) -> None:
    both = read_settings(NEEDED | {old: "nonsense", RENAMED[old]: value_of(old)})

    assert replace(both, renamed=()) == read_settings(NEEDED | {RENAMED[old]: value_of(old)})
    assert both.renamed


def test_an_empty_name_counts_as_not_set() -> None:
    assert read_settings(NEEDED | {"GUESTLIST_STILLNESS": " "}) == read_settings(NEEDED)
    by_old = read_settings(NEEDED | {"GUESTLIST_STILLNESS": "PT1M", "GUESTLIST_STALL_TIMEOUT": ""})
    assert by_old.timing.stall_timeout.total_seconds() == 60


def test_what_is_wrong_by_an_old_name_says_both() -> None:
    with pytest.raises(SettingsError) as wrong:
        read_settings(NEEDED | {"GUESTLIST_STILLNESS": "soon"})

    assert wrong.value.faults == [
        "GUESTLIST_STALL_TIMEOUT must be a duration such as PT10M, not 'soon'",
        "GUESTLIST_STILLNESS is called GUESTLIST_STALL_TIMEOUT now",
    ]
