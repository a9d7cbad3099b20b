"""The grant command against the directory: what it grants and takes away, run again, in bad weather, by the wrong
person."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import grant
from infra.directory import GRAPH_APP_ID
from shared.core.features import Feature, choose, lacking, needed_by
from shared.graph.session import GraphSession
from tests.contract.simulated_tenant import CLIENT, SimulatedTenant

OBJECT = "c0000000-0000-4000-8000-0000000000ff"
ADMIN = "c0000000-0000-4000-8000-0000000000a1"
TABLE: dict[str, list[str]] = json.loads((Path(grant.__file__).parent / "permissions.json").read_text())

type Grant = Callable[..., int]


@pytest.fixture(autouse=True)
def fresh(tenant: SimulatedTenant) -> None:
    """An identity that may do nothing, an administrator who may grant, and pages of two."""
    tenant.permit()
    tenant.settings(paging={"pageSize": 2})
    may = ["AppRoleAssignment.ReadWrite.All", "Application.Read.All"]
    admin = {"clientId": ADMIN, "objectId": f"{ADMIN[:-2]}af", "name": "az", "graphPermissions": may}
    tenant.seed(clients=[admin])


@pytest.fixture
def run(tenant: SimulatedTenant, tmp_path: Path) -> Grant:
    """The command as it is typed, with a token of the administrator's."""
    file = tmp_path / "token"

    def command(*arguments: str, identity: str = CLIENT, features: str = "inviting", wait: str = "30") -> int:
        order = {"audience": "https://graph.microsoft.com", "clientId": ADMIN}
        file.write_text(tenant._ask("POST", "tokens", order)["access_token"])
        where = ["--graph-url", tenant.graph_url, "--token-file", str(file), "--wait", wait]
        return grant.main(["--identity", identity, "--features", features, *where, *arguments])

    return command


async def held(session: GraphSession) -> set[str]:
    """What the identity's next token says; a session of a test has none before it asks."""
    return set(await session.permissions())


def writes(tenant: SimulatedTenant) -> int:
    calls = tenant._ask("GET", "calls")
    return sum(
        int(c["count"]) for c in calls if "/appRoleAssignments" in c["call"] and not c["call"].startswith("GET")
    )


async def test_it_grants_what_the_chosen_features_need_and_says_for_what(
    run: Grant, session: GraphSession, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(features="audits,sign-ins") == grant.DONE

    assert await held(session) == {*TABLE["inviting"], *TABLE["audits"], *TABLE["sign-ins"]}
    said = capsys.readouterr().out
    assert "granted  User.Invite.All: invite guests (inviting)" in said
    assert "It allows at most: Invite any address as a guest" in said


@pytest.mark.parametrize("feature", Feature)
async def test_a_feature_lacks_nothing_after_its_grant(run: Grant, session: GraphSession, feature: Feature) -> None:
    assert run(features=feature.value) == grant.DONE

    features, _ = choose(None, mailbox=True)
    lacks = lacking(await held(session), features)
    assert not lacks[feature]
    assert not lacks[Feature.INVITING]


async def test_all_is_every_feature(run: Grant, session: GraphSession) -> None:
    assert run(features="all") == grant.DONE

    assert await held(session) == {p.name for f in Feature for p in needed_by(f)}


def test_run_again_it_does_nothing(run: Grant, tenant: SimulatedTenant, capsys: pytest.CaptureFixture[str]) -> None:
    run(features="all")
    before = writes(tenant)
    capsys.readouterr()

    assert run(features="all") == grant.DONE

    assert writes(tenant) == before
    assert "Nothing is to be changed" in capsys.readouterr().out


async def test_it_takes_away_what_is_not_needed_when_told(
    run: Grant, tenant: SimulatedTenant, session: GraphSession, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant.permit("Group.ReadWrite.All", "User.Read.All", *TABLE["inviting"])

    assert run() == grant.DONE
    assert "left     Group.ReadWrite.All" in capsys.readouterr().out
    assert run("--revoke-others") == grant.DONE

    assert await held(session) == set(TABLE["inviting"])


async def test_a_dry_run_says_it_and_does_nothing(
    run: Grant, tenant: SimulatedTenant, session: GraphSession, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant.permit("Group.ReadWrite.All")

    assert run("--dry-run", "--revoke-others") == grant.DONE

    assert await held(session) == {"Group.ReadWrite.All"}
    assert writes(tenant) == 0
    said = capsys.readouterr().out
    assert "to grant User.Invite.All" in said
    assert "to take  Group.ReadWrite.All" in said


async def test_the_identity_may_be_named_by_its_object_id(run: Grant, session: GraphSession) -> None:
    assert run(identity=OBJECT.upper()) == grant.DONE

    assert await held(session) == set(TABLE["inviting"])


WEATHER: dict[str, list[dict[str, Any]]] = {
    "the identity is not seen yet": [{"method": "GET", "path": CLIENT, "status": 404, "times": 3}],
    "its principal is not known yet": [
        {
            "method": "POST",
            "path": "/appRoleAssignments",
            "status": 400,
            "message": "Not a valid reference update.",
            "times": 2,
        }
    ],
    "throttled": [{"status": 429, "headers": {"Retry-After": "1"}, "times": 2, "skip": 1}],
    "the answer is lost after the grant": [
        {"method": "POST", "path": "/appRoleAssignments", "when": "after", "status": 504},
        {"method": "POST", "path": "/appRoleAssignments", "when": "after", "cut": True, "skip": 1},
    ],
    "the answer is lost after taking away": [{"method": "DELETE", "when": "after", "cut": True}],
}


@pytest.mark.parametrize("weather", WEATHER)
async def test_bad_weather_is_waited_out(
    run: Grant,
    tenant: SimulatedTenant,
    session: GraphSession,
    monkeypatch: pytest.MonkeyPatch,
    weather: str,
) -> None:
    monkeypatch.setattr("infra.directory._LONGEST_PAUSE_S", 0.05)
    tenant.permit("Group.ReadWrite.All")
    for fault in WEATHER[weather]:
        tenant.fault(**fault)

    assert run("--revoke-others") == grant.DONE

    assert await held(session) == set(TABLE["inviting"])


def test_it_does_not_wait_for_ever(run: Grant, tenant: SimulatedTenant, capsys: pytest.CaptureFixture[str]) -> None:
    tenant.fault(method="GET", path=CLIENT, status=404, times=0)

    assert run(wait="0.2") == grant.REFUSED

    assert f"No service principal of the id {CLIENT}" in capsys.readouterr().err


def test_who_may_not_grant_is_told_who_may(
    run: Grant, tenant: SimulatedTenant, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant._ask("PATCH", f"clients/{ADMIN}", {"graphPermissions": ["Application.Read.All"]})

    assert run() == grant.REFUSED

    assert "Privileged Role Administrator" in capsys.readouterr().err


def test_a_token_that_is_not_accepted_is_said_so(
    tenant: SimulatedTenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text("old")
    arguments = ["--identity", CLIENT, "--features", "inviting", "--graph-url", tenant.graph_url]

    assert grant.main([*arguments, "--token-file", str(tmp_path / "token")]) == grant.REFUSED
    assert "az login" in capsys.readouterr().err
    assert grant.main([*arguments, "--token-file", str(tmp_path / "nowhere")]) == grant.REFUSED


def test_who_is_not_signed_in_is_told_to(
    tenant: SimulatedTenant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")

    arguments = ["--identity", CLIENT, "--features", "inviting", "--graph-url", tenant.graph_url]
    assert grant.main(arguments) == grant.REFUSED

    assert "az login" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--identity", CLIENT, "--features", "audit"], "no feature is called audit; known are inviting, setup"),
        (["--identity", CLIENT], "--features"),
        (["--features", "audits"], "--identity"),
        (["--identity", CLIENT, "--features", "audits", "--graph-url", "http://graph.example"], "https"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        grant.main(arguments)

    assert ended.value.code == grant.USAGE
    assert said in capsys.readouterr().err


def test_an_identity_that_is_no_guid_is_refused_before_anything_is_asked(
    run: Grant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(identity="guestlist") == grant.REFUSED
    assert "a GUID is needed" in capsys.readouterr().err


def test_graph_itself_is_found_as_in_every_tenant() -> None:
    assert GRAPH_APP_ID == "00000003-0000-0000-c000-000000000000"
