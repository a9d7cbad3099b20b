"""Where people sign in for an API, as the API itself says it."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cli.failures import SignInFailed

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where people sign in, and for what."""

    authority: str
    tenant_id: str
    audience: str
    client_id: str | None

    @property
    def scope(self) -> str:
        return f"api://{self.audience}/access_as_user"

    @property
    def is_development(self) -> bool:
        """An issuer on this machine without TLS, which Microsoft's libraries refuse to talk to."""
        return urlsplit(self.authority).scheme == "http"


def place_of(said: Any) -> Place:
    """Read ``GET /api/sign-in``.

    Raises:
        SignInFailed: it names no tenant or API, or a place that nobody should give a password to.
    """
    said = said if isinstance(said, dict) else {}
    authority, client = str(said.get("authority")), os.environ.get("GUESTLIST_CLIENT_ID") or said.get("clientId")
    tenant, audience = str(said.get("tenantId")), str(said.get("audience"))
    found = urlsplit(authority)
    safe = found.scheme == "https" or (found.scheme == "http" and is_loopback(found.hostname or ""))
    if not safe or not _GUID.fullmatch(tenant) or not _GUID.fullmatch(audience):
        raise SignInFailed(
            "The API does not say where to sign in",
            f"Its answer: {json.dumps(said)[:300]}",
            "Check --url, and the settings GUESTLIST_TENANT_ID and GUESTLIST_API_AUDIENCE of the function app",
            reason="sign-in-unknown",
        )
    return Place(authority.rstrip("/"), tenant, audience, str(client) if client else None)


def is_loopback(host: str) -> bool:
    """Whether a name or address can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
