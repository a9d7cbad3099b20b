"""Where tokens come from: the environment, the Azure CLI, a development issuer. The issuer here is the local one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.sign_in import claims_of
from tests.cli.api_server import ApiServer, Reply, problem
from tests.cli.conftest import ROOT, Run

SEED = ROOT / "local" / "simulator" / "sample_tenant.json"
SAMPLE = json.loads(SEED.read_text(encoding="utf-8"))
TENANT = SAMPLE["tenant"]["id"]
API_ID, CLI_ID = (
    next(c["clientId"] for c in SAMPLE["clients"] if c["name"] == name) for name in ("guestlist-api", "guestlist-cli")
)
ADAM = next(u for u in SAMPLE["users"] if u["displayName"] == "Adam Admin")
AS_ADAM = {"GUESTLIST_USER": ADAM["userPrincipalName"], "GUESTLIST_PASSWORD": ADAM["password"]}
type Start = Any


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the sample tenant's issuer, in a process of its own."""
    ready = tmp_path_factory.mktemp("issuer") / "ready.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "local.simulator", "--port", "0", "--ready-file", ready, "--seed", SEED],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield json.loads(ready.read_text())["url"]
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """No token is given."""
    return {name: value for name, value in environment.items() if name != "GUESTLIST_TOKEN"}


def place(authority: str, **more: Any) -> dict[str, Any]:
    return {
        "authority": authority,
        "tenantId": TENANT,
        "audience": API_ID,
        "scope": f"api://{API_ID}/access_as_user",
        "clientId": CLI_ID,
    } | more


@pytest.fixture
def local_api(api: ApiServer, issuer: str) -> ApiServer:
    api.on("GET /api/sign-in", place(issuer))
    api.on("GET /api/apps", {"value": []})
    return api


def token_of(api: ApiServer, path: str = "/api/apps") -> str:
    """What the last call to a path carried."""
    scheme, _, token = api.calls_of("GET", path)[-1].headers["authorization"].partition(" ")
    assert scheme == "Bearer"
    return token


def test_a_token_in_the_environment_is_used_as_it_is_and_nobody_is_asked(guestlist: Run, api: ApiServer) -> None:
    api.on("GET /api/apps", {"value": []})

    assert guestlist("app", "list", GUESTLIST_TOKEN="given").exit_code == 0

    assert token_of(api) == "given"
    assert not api.calls_of("GET", "/api/sign-in")


def test_at_a_development_issuer_a_password_gives_the_persons_token(guestlist: Run, local_api: ApiServer) -> None:
    assert guestlist("app", "list", **AS_ADAM).exit_code == 0

    claims = claims_of(token_of(local_api))
    assert claims["preferred_username"] == ADAM["userPrincipalName"]
    assert (claims["aud"], claims["azp"], claims["scp"]) == (API_ID, CLI_ID, "access_as_user")
    assert claims["roles"] == ["Admin", "SetupAdmin", "Operator", "PrivacyOfficer"]
    assert "authorization" not in local_api.calls_of("GET", "/api/sign-in")[0].headers


def test_the_doctor_names_who_signed_in_and_how(guestlist: Run, local_api: ApiServer) -> None:
    local_api.on("GET /api/doctor", {"checks": []})

    found = guestlist("doctor", **AS_ADAM)

    assert found.exit_code == 0
    assert f"as {ADAM['userPrincipalName']} (password)" in found.stdout


def test_a_wrong_password_is_refused_in_the_issuers_words(guestlist: Run, local_api: ApiServer) -> None:
    found = guestlist("app", "list", **AS_ADAM | {"GUESTLIST_PASSWORD": "wrong"})

    assert found.exit_code == 1
    assert "AADSTS50126" in found.stderr
    assert not local_api.calls_of("GET", "/api/apps")


def test_without_a_password_a_person_signs_in_elsewhere_with_a_code(started: Start, local_api: ApiServer) -> None:
    process = started("app", "list", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    message = process.stderr.readline()
    words = message.split()
    url = next(word for word in words if word.startswith("http"))
    code = next(w.strip(".") for w in words if len(w.strip(".")) == 9 and w.strip(".").isupper())
    form = {"username": ADAM["userPrincipalName"], "password": ADAM["password"], "user_code": code}

    assert httpx.post(url.rstrip(".,"), data=form).is_success

    process.communicate(timeout=30)
    assert process.returncode == 0
    assert claims_of(token_of(local_api))["preferred_username"] == ADAM["userPrincipalName"]


def test_a_token_that_the_api_takes_no_more_is_replaced_once(guestlist: Run, local_api: ApiServer) -> None:
    local_api.on("GET /api/apps", problem(401, "token-expired"), Reply(200, {"value": []}))

    assert guestlist("app", "list", **AS_ADAM).exit_code == 0

    local_api.on("GET /api/apps", problem(401, "token-expired"))
    assert guestlist("app", "list", **AS_ADAM).exit_code == 1
    assert len(local_api.calls_of("GET", "/api/apps")) == 4


def test_the_environment_may_name_another_client(guestlist: Run, local_api: ApiServer, issuer: str) -> None:
    local_api.on("GET /api/sign-in", place(issuer, clientId=None))

    without = guestlist("app", "list", **AS_ADAM)
    assert without.exit_code == 1
    assert "GUESTLIST_CLIENT_ID" in without.stderr

    assert guestlist("app", "list", **AS_ADAM, GUESTLIST_CLIENT_ID=CLI_ID).exit_code == 0


@pytest.mark.parametrize(
    "said",
    [
        place("http://login.example"),
        place("file:///etc/passwd"),
        place("https://login.example", tenantId="../common"),
        place("https://login.example", audience="https://graph.microsoft.com"),
        {},
        [],
    ],
)
def test_a_place_that_nobody_should_trust_gets_no_password(guestlist: Run, api: ApiServer, said: Any) -> None:
    api.on("GET /api/sign-in", Reply(200, said))

    found = guestlist("app", "list", "--json", **AS_ADAM)

    assert found.exit_code == 1
    assert json.loads(found.stdout)["reason"] == "sign-in-unknown"
    assert [call.path for call in api.calls] == ["/api/sign-in"]


@pytest.fixture
def az(tmp_path: Path) -> Path:
    """A folder for a program that stands in for the Azure CLI; what it was asked is in `asked` beside it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def an_azure_cli(folder: Path, says: str) -> str:
    """PATH with it."""
    program = folder / "az"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{says}\n', encoding="utf-8")
    program.chmod(0o755)
    return f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_who_is_signed_in_to_the_azure_cli_is_asked_nothing(guestlist: Run, api: ApiServer, az: Path) -> None:
    api.on("GET /api/sign-in", place("https://login.microsoftonline.com"))
    api.on("GET /api/apps", {"value": []})
    token = json.dumps({"accessToken": "from-az", "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"})

    found = guestlist("app", "list", PATH=an_azure_cli(az, f"echo '{token}'"))

    assert found.exit_code == 0, found.stderr
    assert token_of(api) == "from-az"
    asked = (az / "asked").read_text()
    assert f"--resource api://{API_ID}" in asked
    assert f"--tenant {TENANT}" in asked


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_where_neither_the_azure_cli_nor_a_client_id_is_there_it_says_what_to_do(
    guestlist: Run, api: ApiServer, az: Path
) -> None:
    api.on("GET /api/sign-in", place("https://login.microsoftonline.com", clientId=None))

    found = guestlist("app", "list", PATH=an_azure_cli(az, "echo 'Please run az login' >&2; exit 1"))

    assert found.exit_code == 1
    assert "az login" in found.stderr
    assert "GUESTLIST_CLIENT_ID" in found.stderr
    assert "Traceback" not in found.stderr
