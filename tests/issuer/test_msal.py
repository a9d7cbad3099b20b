"""Microsoft's own library for signing in (MSAL) takes the issuer for Entra ID: each flow it has that we serve."""

import asyncio
from pathlib import Path
from typing import Any

import msal  # type: ignore[import-untyped]  # ships no py.typed
import pytest
import requests

from local.simulator.issuer import GRAPH
from tests.issuer.forms import forms
from tests.issuer.tenant import API, API_SCOPE, DAEMON, OLIVIA, SPA, TENANT, Running

REDIRECT = "http://localhost:40000"


class Msal:
    """MSAL's applications on the running issuer; its calls block, so each runs in a thread."""

    def __init__(self, running: Running, certificate: Path) -> None:
        self.session = requests.Session()
        self.session.verify = str(certificate)
        # MSAL hands the session on as it is; the proxy settings of a machine are not meant.
        self.session.trust_env = False
        self._common: dict[str, Any] = {
            "authority": f"{running.base}/{TENANT}",
            "instance_discovery": False,
            "http_client": self.session,
        }

    async def public(self) -> Any:
        return await asyncio.to_thread(msal.PublicClientApplication, SPA.client_id, **self._common)

    async def confidential(self) -> Any:
        return await asyncio.to_thread(
            msal.ConfidentialClientApplication, DAEMON.client_id, client_credential=DAEMON.secret, **self._common
        )


@pytest.fixture
def microsoft(running_tls: Running, certificate: Path) -> Any:
    found = Msal(running_tls, certificate)
    yield found
    found.session.close()


def person_of(running: Running, tokens: dict[str, Any]) -> str:
    assert "access_token" in tokens, tokens
    return str(running.issuer.verify(tokens["access_token"], audience=API.client_id)["oid"])


async def test_msal_signs_in_with_a_code_and_later_silently(running_tls: Running, microsoft: Msal) -> None:
    app = await microsoft.public()
    flow = await asyncio.to_thread(
        app.initiate_auth_code_flow, [API_SCOPE], redirect_uri=REDIRECT, response_mode="form_post"
    )
    login = {"username": OLIVIA.username, "password": OLIVIA.password}

    sent = await asyncio.to_thread(microsoft.session.post, flow["auth_uri"], data=login)

    answer = forms(sent.text)[0]
    tokens = await asyncio.to_thread(app.acquire_token_by_auth_code_flow, flow, answer)
    assert person_of(running_tls, tokens) == OLIVIA.object_id
    account = app.get_accounts()[0]
    assert account["username"] == OLIVIA.username
    silently = await asyncio.to_thread(app.acquire_token_silent, [API_SCOPE], account, force_refresh=True)
    assert person_of(running_tls, silently) == OLIVIA.object_id
    assert silently["access_token"] != tokens["access_token"]


async def test_msal_signs_in_with_a_device_code(running_tls: Running, microsoft: Msal) -> None:
    app = await microsoft.public()
    flow = await asyncio.to_thread(app.initiate_device_flow, [API_SCOPE])
    login = {"username": OLIVIA.username, "password": OLIVIA.password, "user_code": flow["user_code"]}
    await asyncio.to_thread(microsoft.session.post, flow["verification_uri"], data=login)

    tokens = await asyncio.to_thread(app.acquire_token_by_device_flow, flow)

    assert person_of(running_tls, tokens) == OLIVIA.object_id


async def test_msal_gets_an_apps_token_for_graph(running_tls: Running, microsoft: Msal) -> None:
    app = await microsoft.confidential()

    tokens = await asyncio.to_thread(app.acquire_token_for_client, [f"{GRAPH}/.default"])

    claims = running_tls.issuer.verify(tokens["access_token"], audience=GRAPH)
    assert (claims["appid"], claims["idtyp"]) == (DAEMON.client_id, "app")


async def test_msal_reads_a_refusal(microsoft: Msal) -> None:
    app = await microsoft.confidential()
    answer = await asyncio.to_thread(app.acquire_token_for_client, ["api://nobody/.default"])
    assert (answer["error"], answer["error_codes"]) == ("invalid_resource", [500011])
