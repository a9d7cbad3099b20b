"""Registers in the subscription what Guestlist needs and no deployment registers by itself: Microsoft.App.

A deployment registers the providers of all resources of its template. Of Microsoft.App there is no resource: only
the subnet that the app comes out of is delegated to it, and the deployment fails where it is not registered. azd runs
this before each deployment; it changes nothing where all is registered.

Sources: Azure Resource Manager, "Resource providers and types"; Azure Functions, "Flex Consumption plan", Virtual
network; Azure/bicep 16340.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from infra.sign_in import Failed, address, token_for

DONE, REFUSED = 0, 1
"""Exit codes: the deployment can go on; it would fail."""
PROVIDERS = ("Microsoft.App",)

_API = "2021-04-01"
_TIMEOUT_S = 60.0
_TRUE = {"1", "t", "true"}
_FALSE = {"0", "f", "false"}
_NETWORKS = ("GUESTLIST_PRIVATE_NETWORK", "GUESTLIST_PRIVATE_APP")


def needs_network(environment: Mapping[str, str]) -> bool | None:
    """Whether the deployment has a virtual network; None where azd has yet to ask."""
    network, app = (environment.get(name, "").lower() for name in _NETWORKS)
    if network in _TRUE or app in _TRUE:
        return True
    return False if network in _FALSE else None


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Gives the exit code."""
    given = parser().parse_args(arguments)
    needed = needs_network(environment)
    subscription = given.subscription or environment.get("AZURE_SUBSCRIPTION_ID", "")
    if needed is False:
        print("providers: nothing to register, as there is no virtual network.")
        return DONE
    try:
        if not subscription:
            raise Failed("No subscription is chosen yet")
        with httpx.Client(timeout=_TIMEOUT_S) as http:
            token = token_for(given.arm_url, given.token_file, as_azd=True)
            account = Subscription(http, given.arm_url, subscription, token)
            for name in PROVIDERS:
                account.register(name, patience_s=given.wait)
                print(f"providers: {name} is registered.")
    except Failed as e:
        what = ", ".join(PROVIDERS)
        print(
            f"providers: {e}.\nWith a virtual network the deployment needs {what}; an Owner or Contributor registers",
            end=" ",
        )
        print("it: " + "; ".join(f"az provider register --namespace {name} --wait" for name in PROVIDERS))
        # Whoever answers azd's question with no needs none of it.
        return REFUSED if needed else DONE
    return DONE


class Subscription:
    """Resource providers of one subscription. Source: Azure REST, Resource Management, "Providers"."""

    def __init__(self, http: httpx.Client, arm_url: str, subscription: str, token: Callable[[], str]) -> None:
        self._http, self._token = http, token
        self._url = f"{arm_url.rstrip('/')}/subscriptions/{subscription}/providers"

    def register(self, name: str, *, patience_s: float, pause_s: float = 2.0) -> None:
        """Safe to repeat; waits until it counts. Raises Failed."""
        until = time.monotonic() + patience_s
        state = self._state("GET", name)
        if state not in ("Registered", "Registering"):
            state = self._state("POST", f"{name}/register")
        while state != "Registered":
            if time.monotonic() + pause_s > until:
                raise Failed(f"{name} is still '{state}' after {patience_s:.0f} seconds")
            time.sleep(pause_s)
            state = self._state("GET", name)

    def _state(self, method: str, path: str) -> str:
        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            answer = self._http.request(method, f"{self._url}/{path}", params={"api-version": _API}, headers=headers)
        except httpx.HTTPError as e:
            raise Failed(f"Azure cannot be reached ({type(e).__name__})") from e
        if answer.status_code != 200:
            raise Failed(f"{path}: Azure answered {answer.status_code}, {_message(answer)}")
        return str(answer.json().get("registrationState"))


def _message(answer: httpx.Response) -> str:
    try:
        body: Any = answer.json()
        return str(body["error"]["message"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return answer.text[:300].strip()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="providers", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--subscription", metavar="ID", help="the subscription (default: AZURE_SUBSCRIPTION_ID)")
    parser.add_argument(
        "--arm-url",
        type=address,
        default="https://management.azure.com",
        metavar="URL",
        help="address of Azure Resource Manager (national clouds differ)",
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="an access token, instead of a sign-in")
    parser.add_argument(
        "--wait", type=float, default=300.0, metavar="SECONDS", help="how long to wait for each (default: 300)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
