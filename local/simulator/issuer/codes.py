"""Authorization codes (with PKCE) and device codes: asked for by an app, granted by a person, redeemed once."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from .people import Client
from .refusal import Refusal

_CODE_LIFETIME_S = 600
DEVICE_LIFETIME_S = 900
DEVICE_INTERVAL_S = 1
"""Entra says 5; nobody is to be spared here."""

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"
"""Of user codes: none can be taken for another, and no words come of them."""


@dataclass(frozen=True, slots=True)
class Code:
    """What a person has granted, until the app fetches the tokens."""

    client_id: str
    username: str
    redirect_uri: str
    scope: str
    challenge: str
    nonce: str | None
    expires: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What a refresh token stands for."""

    username: str
    client_id: str
    scope: str


class Codes:
    """Authorization codes that are out."""

    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}

    def give(self, asked: Mapping[str, str], username: str) -> str:
        """A code for what the request to the authorization endpoint asked for."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = Code(
            client_id=asked["client_id"],
            username=username,
            redirect_uri=asked["redirect_uri"],
            scope=asked["scope"],
            challenge=asked["code_challenge"],
            nonce=asked.get("nonce"),
            expires=time.monotonic() + _CODE_LIFETIME_S,
        )
        return code

    def redeem(self, form: Mapping[str, str], client: Client) -> Code:
        """Gives a code once: it is gone even where the rest of the request is wrong. Raises Refusal: it is unknown,
        old, another client's, or its redirect address or verifier does not match."""
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.expires < time.monotonic() or code.client_id.lower() != client.client_id.lower():
            raise Refusal("code unknown")
        if code.redirect_uri != form.get("redirect_uri"):
            raise Refusal("code elsewhere")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if not secrets.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"="), code.challenge.encode()):
            raise Refusal("verifier wrong")
        return code


@dataclass(slots=True)
class Device:
    """A device that waits for a person; `username` is set once they have signed in elsewhere."""

    client_id: str
    scope: str
    user_code: str
    expires: float
    device_code: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    username: str | None = None


class Devices:
    """Device codes that are out."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}

    def add(self, client: Client, scope: str) -> Device:
        user_code = "".join(secrets.choice(_LETTERS) for _ in range(9))
        device = Device(client.client_id, scope, user_code, time.monotonic() + DEVICE_LIFETIME_S)
        self._devices[device.device_code] = device
        return device

    def approve(self, user_code: str, username: str) -> bool:
        """Whether a device waits with that code; it may then fetch tokens for the person."""
        wanted = user_code.strip().upper()
        for device in self._devices.values():
            if device.user_code == wanted and device.username is None and device.expires > time.monotonic():
                device.username = username
                return True
        return False

    def redeem(self, form: Mapping[str, str], client: Client) -> Device:
        """Raises Refusal: `authorization_pending` until a person has signed in, then gives the device once."""
        device = self._devices.get(form.get("device_code", ""))
        if device is None or device.client_id != client.client_id:
            raise Refusal("device unknown")
        if device.expires < time.monotonic():
            raise Refusal("device late")
        if device.username is None:
            raise Refusal("device pending")
        return self._devices.pop(device.device_code)
