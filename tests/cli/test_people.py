"""`guestlist person`: a person's data, fetched or erased."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.api_server import ApiServer, Reply
from tests.cli.conftest import Run
from tests.cli.terminal import terminal

CASE, ERASURE = "fe5df1e65dc950c4998c6d", "fe5df1e65dc950c4998c6e"
EXPORTS, ERASURES = "/api/people/exports", "/api/people/erasures"
ADA, USER = "ada@fabrikam.com", "66666666-6666-4666-8666-666666666666"


def a_case(state: str = "done", **changes: Any) -> dict[str, Any]:
    facts = {
        "id": CASE,
        "state": state,
        "askedAt": "2026-11-24T02:00:00Z",
        "askedBy": "Adam Admin",
        "endedAt": None,
        "keptUntil": None,
        "waitsFor": None,
        "person": {"addresses": [ADA], "userIds": [USER]},
        "found": [{"where": "Invitations", "what": "an invitation", "role": "the guest", "count": 2}],
        "mentionedAt": ["import fe5d line 7"],
    }
    return facts | changes


def an_erasure(state: str = "done", **changes: Any) -> dict[str, Any]:
    more = {"isDryRun": True, "underWay": [], "kept": [], "elsewhere": []}
    return a_case(state, **more) | changes


@pytest.fixture
def erasing(api: ApiServer) -> ApiServer:
    begun = (Reply(202, {"id": CASE, "state": "running"}), Reply(202, {"id": ERASURE, "state": "running"}))
    api.on(f"POST {ERASURES}", *begun)
    api.on(f"GET {ERASURES}/{CASE}", an_erasure("running"), an_erasure())
    kept = [{"what": "an invitation", "kept": "that somebody was invited"}]
    done = an_erasure(id=ERASURE, isDryRun=False, kept=kept, elsewhere=["The account in the directory"])
    api.on(f"GET {ERASURES}/{ERASURE}", an_erasure("running", waitsFor="an audit is running"), done)
    return api


def test_an_export_is_waited_for_and_written(guestlist: Run, api: ApiServer, tmp_path: Path) -> None:
    api.on(f"POST {EXPORTS}", Reply(202, {"id": CASE, "state": "running"}))
    done = a_case(data=[{"where": "Invitations", "records": []}])
    api.on(f"GET {EXPORTS}/{CASE}", a_case("running", data=None), done)
    target = tmp_path / "ada.json"

    found = guestlist("person", "export", ADA, "--out", str(target))

    assert found.exit_code == 0, found.stderr
    assert json.loads(target.read_text()) == done
    assert f"Taken as one person: {ADA}, {USER}" in found.stderr
    assert [c.body for c in api.calls_of("POST", EXPORTS)] == [{"address": ADA}]
    assert not [c for c in api.calls if ADA in c.path or ADA in str(c.query)]


@pytest.mark.parametrize("json_option", [(), ("--json",)])
def test_an_export_without_a_file_is_the_only_thing_that_is_printed(
    guestlist: Run, api: ApiServer, json_option: tuple[str, ...]
) -> None:
    api.on(f"POST {EXPORTS}", Reply(202, {"id": CASE, "state": "running"}))
    api.on(f"GET {EXPORTS}/{CASE}", a_case(data=[]))

    found = guestlist(*json_option, "person", "export", "--user", USER)

    assert json.loads(found.stdout) == a_case(data=[])
    assert [c.body for c in api.calls_of("POST", EXPORTS)] == [{"userId": USER}]


def test_a_file_that_is_there_is_not_overwritten(guestlist: Run, api: ApiServer, tmp_path: Path) -> None:
    target = tmp_path / "ada.json"
    target.write_text("mine")

    found = guestlist("person", "export", ADA, "--out", str(target))

    assert found.exit_code == 2
    assert (target.read_text(), api.calls) == ("mine", [])


def test_an_erasure_shows_what_it_would_erase_and_does_it(guestlist: Run, erasing: ApiServer) -> None:
    found = guestlist("person", "erase", ADA, "--yes")

    assert found.exit_code == 0, found.stderr
    assert [c.body for c in erasing.calls_of("POST", ERASURES)] == [
        {"address": ADA},
        {"address": ADA, "confirm": True},
    ]
    assert "an invitation" in found.stdout
    assert f"Erased. The receipt, which names nobody: {ERASURE}" in found.stdout
    assert "Left of an invitation: that somebody was invited." in found.stdout
    assert "The account in the directory" in found.stdout
    assert "Waits: an audit is running" in found.stderr
    assert "import fe5d line 7" in found.stderr


def test_without_a_terminal_and_without_yes_nothing_is_erased(guestlist: Run, erasing: ApiServer) -> None:
    found = guestlist("person", "erase", ADA)

    assert found.exit_code == 3
    assert "repeat it with --yes" in found.stderr
    assert len(erasing.calls_of("POST", ERASURES)) == 1


@pytest.mark.parametrize(("answer", "posts", "code"), [("n", 1, 1), ("y", 2, 0)])
def test_somebody_at_a_terminal_is_asked(
    erasing: ApiServer, environment: dict[str, str], answer: str, posts: int, code: int
) -> None:
    with terminal(environment, "person", "erase", ADA) as person:
        person.read_until("Erase all of this?")
        person.type(f"{answer}\n")

        assert person.end() == code

    assert len(erasing.calls_of("POST", ERASURES)) == posts


def test_of_whom_nothing_is_kept_nothing_is_erased(guestlist: Run, api: ApiServer) -> None:
    api.on(f"POST {ERASURES}", Reply(202, {"id": CASE, "state": "running"}))
    api.on(f"GET {ERASURES}/{CASE}", an_erasure(found=[]))

    found = guestlist("person", "erase", ADA, "--yes")

    assert (found.exit_code, len(api.calls_of("POST", ERASURES))) == (0, 1)
    assert "Nothing is kept of this person." in found.stdout


def test_work_that_is_under_way_is_named(guestlist: Run, erasing: ApiServer) -> None:
    refused = an_erasure("refused", id=ERASURE, isDryRun=False, underWay=["invitation 22-fe-00"])
    erasing.on(f"GET {ERASURES}/{ERASURE}", refused)

    found = guestlist("person", "erase", ADA, "--yes")

    assert found.exit_code == 1
    assert "invitation 22-fe-00" in found.stderr


def test_nobody_is_no_person(guestlist: Run, api: ApiServer) -> None:
    assert guestlist("person", "erase").exit_code == 2
    assert api.calls == []
