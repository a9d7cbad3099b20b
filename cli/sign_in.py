"""Access tokens for the API: given, from the Azure CLI, from a browser, or from a development issuer.

The API itself says where to sign in (``GET /api/sign-in``). That answer is checked before anything is done with it:
whoever answers at the address gets the token, so only tokens for a Guestlist API are ever asked for, and only for the
one that `cli.trust` knows by that address.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.failures import SignInFailed, Unreachable
from cli.place import Place, place_of

if TYPE_CHECKING:
    from cli.api import Api
    from cli.trust import Trust

_EARLY_S = 120
"""A token is renewed this long before its end, so that it does not end on the way."""
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def claims_of(token: str) -> dict[str, Any]:
    """What a token says of itself, unverified (that is the API's work); empty where it cannot be read."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return found if isinstance(found, dict) else {}


class SignIn:
    """Tokens of one person for one API; asks a person only where nothing else gives one."""

    def __init__(self, anonymous: Api, trust: Trust, *, device_code: bool, tell: Callable[[str], None]) -> None:
        self._anonymous = anonymous
        self._trust = trust
        self._device_code = device_code
        self._tell = tell
        self._token: str | None = None
        self._expires = 0.0
        self.way = ""

    @cached_property
    def place(self) -> Place:
        """Raises Unreachable and SignInFailed."""
        found = place_of(self._anonymous.get("/api/sign-in").body)
        self._trust.need(found)
        return found

    def token(self, *, fresh: bool = False) -> str:
        """An access token; `fresh` makes a new one, as the API refused the last.

        Raises:
            SignInFailed: nobody gives one; says what to do.
        """
        given = os.environ.get("GUESTLIST_TOKEN")
        if given:
            self.way = "GUESTLIST_TOKEN"
            return given.strip()
        if self._token is None or fresh or time.time() > self._expires - _EARLY_S:
            if self.place.is_development:
                self._token, self._expires = self._from_development_issuer()
            else:
                self._token, self._expires = self._from_entra()
        return self._token

    def _from_entra(self) -> tuple[str, float]:
        from cli.entra import Refused, from_azure_cli, from_person

        try:
            self.way = "Azure CLI"
            return from_azure_cli(self.place.tenant_id, self.place.audience)
        except Refused as error:
            without = str(error)
        if self.place.client_id is None:
            raise SignInFailed(
                "Signing in needs the Azure CLI or a client id",
                without,
                "Run 'az login', or give the client id of an app for sign-in in GUESTLIST_CLIENT_ID",
                reason="sign-in-failed",
            )
        try:
            self.way = "device code" if self._device_code else "browser"
            return from_person(
                self.place.authority,
                self.place.tenant_id,
                self.place.client_id,
                self.place.scope,
                device_code=self._device_code,
                tell=self._tell,
            )
        except Refused as error:
            raise SignInFailed(
                "Signing in failed",
                f"{error} (the Azure CLI: {without})",
                "Run 'az login', or sign in on another device with --device-code",
                reason="sign-in-failed",
            ) from error

    def _from_development_issuer(self) -> tuple[str, float]:
        """By the password grant, which only such an issuer has; else by a code that a person enters elsewhere."""
        if self.place.client_id is None:
            raise SignInFailed(
                "Signing in needs a client id",
                "The API names none",
                "Give it in GUESTLIST_CLIENT_ID",
                reason="sign-in-failed",
            )
        user, password = os.environ.get("GUESTLIST_USER"), os.environ.get("GUESTLIST_PASSWORD")
        about = {"client_id": self.place.client_id, "scope": self.place.scope}
        if user and password:
            self.way = "password"
            return self._ask(about | {"grant_type": "password", "username": user, "password": password})
        self.way = "device code"
        return self._by_device_code(about)

    def _by_device_code(self, about: dict[str, str]) -> tuple[str, float]:
        """RFC 8628."""
        _, device = self._post("devicecode", about)
        if "device_code" not in device:
            raise _refused(device)
        self._tell(str(device.get("message") or f"Open {device['verification_uri']}, enter {device['user_code']}"))
        end = time.monotonic() + float(device.get("expires_in", 900))
        pause = float(device.get("interval", 5))
        form = about | {"grant_type": _DEVICE_GRANT, "device_code": str(device["device_code"])}
        while time.monotonic() < end:
            time.sleep(pause)
            status, body = self._post("token", form)
            if status == 200:
                return _granted(body)
            if body.get("error") == "slow_down":
                pause += 5
            elif body.get("error") != "authorization_pending":
                raise _refused(body)
        raise SignInFailed("Nobody entered the code in time", None, "Start again", reason="sign-in-failed")

    def _ask(self, form: dict[str, str]) -> tuple[str, float]:
        status, body = self._post("token", form)
        if status != 200:
            raise _refused(body)
        return _granted(body)

    def _post(self, endpoint: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        import httpx

        url = f"{self.place.authority}/{self.place.tenant_id}/oauth2/v2.0/{endpoint}"
        try:
            answer = httpx.post(url, data=form, timeout=30)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            remedy = "Check that the local stack runs: it serves its own issuer"
            raise Unreachable(
                f"The issuer at {self.place.authority} cannot be reached", str(error), remedy, reason="unreachable"
            ) from error
        return answer.status_code, body if isinstance(body, dict) else {}


def _granted(body: dict[str, Any]) -> tuple[str, float]:
    return str(body["access_token"]), time.time() + float(body.get("expires_in", 3600))


def _refused(body: dict[str, Any]) -> SignInFailed:
    words = str(body.get("error_description") or body.get("error") or "no reason was given")
    remedy = "Check GUESTLIST_USER, GUESTLIST_PASSWORD and GUESTLIST_CLIENT_ID"
    return SignInFailed("Signing in was refused", words, remedy, reason="sign-in-failed")
