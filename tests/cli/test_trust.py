"""An address that names somebody else's API gets no token for it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.failures import SignInFailed
from cli.place import Place
from cli.trust import Trust

URL = "https://guestlist-contoso.azurewebsites.net"
TENANT, API, OTHER = (f"00000000-0000-4000-8000-{n:012}" for n in (1, 2, 3))
OURS = Place("https://login.microsoftonline.com", TENANT, API, None)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("GUESTLIST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("typer.get_app_dir", lambda _: str(tmp_path / "app"))
    return tmp_path / "app"


def person(says: bool, asked: list[str]) -> Callable[[str], bool]:
    def ask(question: str) -> bool:
        asked.append(question)
        return says

    return ask


def refused(trust: Trust, place: Place) -> str:
    with pytest.raises(SignInFailed) as failure:
        trust.need(place)
    assert failure.value.reason == "sign-in-untrusted"
    return str(failure.value.document["detail"])


def test_where_nobody_is_there_to_ask_a_new_address_gets_nothing() -> None:
    assert "not been used before" in refused(Trust(URL, None), OURS)


def test_a_person_is_asked_once_and_shown_for_what() -> None:
    asked: list[str] = []
    Trust(URL, person(True, asked)).need(OURS)
    Trust(URL, None).need(OURS)

    assert len(asked) == 1
    assert all(word in asked[0] for word in (URL, API, TENANT))


def test_a_no_is_a_no_and_is_asked_again() -> None:
    asked: list[str] = []
    refused(Trust(URL, person(False, asked)), OURS)
    refused(Trust(URL, person(False, asked)), OURS)

    assert len(asked) == 2


@pytest.mark.parametrize(
    "now",
    [
        Place(OURS.authority, TENANT, OTHER, None),
        Place(OURS.authority, OTHER, API, None),
        Place("https://login.microsoftonline.us", TENANT, API, None),
    ],
    ids=["audience", "tenant", "authority"],
)
def test_an_address_that_says_something_else_one_day_is_refused_without_a_question(now: Place) -> None:
    Trust(URL, person(True, [])).need(OURS)
    asked: list[str] = []

    assert "than before" in refused(Trust(URL, person(True, asked)), now)
    assert asked == []


def test_another_address_that_names_the_same_api_is_asked_about_again() -> None:
    Trust(URL, person(True, [])).need(OURS)

    refused(Trust("https://guestlist-contoso.evil.example", None), OURS)


def test_scripts_name_the_api_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_API_AUDIENCE", API)
    Trust(URL, None).need(OURS)

    assert "names another API" in refused(
        Trust("https://else.example", person(True, [])), Place(OURS.authority, TENANT, OTHER, None)
    )


@pytest.mark.parametrize(
    "authority",
    [
        "https://login.microsoftonline.com.evil.example",
        "https://login.microsoftonline.com:444",
        "https://user@login.microsoftonline.com",
        "https://login.example",
    ],
)
def test_a_place_to_sign_in_that_is_not_microsofts_is_for_a_person_to_take(
    authority: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUESTLIST_API_AUDIENCE", API)
    there, asked = Place(authority, TENANT, API, None), list[str]()
    refused(Trust(URL, None), there)
    Trust(URL, person(True, asked)).need(there)

    assert f"{authority}, which is not Microsoft's" in asked[0]


def test_an_address_elsewhere_cannot_send_a_password_to_an_issuer_on_this_machine() -> None:
    there = Place("http://localhost:1234", TENANT, API, None)

    assert "localhost" in refused(Trust(URL, person(True, [])), there)


def test_an_api_on_this_machine_is_not_asked_about() -> None:
    Trust("http://127.0.0.1:7071", None).need(Place("http://localhost:1234", TENANT, API, None))


def test_a_file_of_what_was_taken_that_cannot_be_read_is_nothing(home: Path) -> None:
    home.mkdir()
    (home / "apis.json").write_text("[")
    Trust(URL, person(True, [])).need(OURS)

    assert json.loads((home / "apis.json").read_text())[URL]["audience"] == API
