"""The sample tenant as those who use it need it: who signs in, with what, for which group."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from build_tools.paths import ROOT

SAMPLE_TENANT = ROOT / "local" / "simulator" / "sample_tenant.json"
SAMPLES = ROOT / "samples"

API_NAME = "guestlist-api"
CLI_NAME = "guestlist-cli"
OWNER = "olivia.owner@contoso.com"
ADMIN = "adam.admin@contoso.com"

_SPECIAL = ("groupTypes", "mailEnabled", "isAssignableToRole", "onPremisesSyncEnabled", "isManagementRestricted")
"""Properties that plain security groups with assigned membership do not have."""


class SampleError(Exception):
    """The seed lacks something that the local stack or the sample run needs."""


@dataclass(frozen=True, slots=True)
class SampleTenant:
    """A seed of the simulator, as JSON."""

    seed: dict[str, Any]

    @classmethod
    def read(cls, path: Path = SAMPLE_TENANT) -> SampleTenant:
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @property
    def id(self) -> str:
        return str(self.seed["tenant"]["id"])

    @property
    def api_client_id(self) -> str:
        """Of Guestlist's API: the audience of callers' tokens."""
        return str(self._client(API_NAME)["clientId"])

    @property
    def cli_client_id(self) -> str:
        """Of the public client that people sign in with."""
        return str(self._client(CLI_NAME)["clientId"])

    def person(self, username: str) -> dict[str, Any]:
        """A user who can sign in: Graph's properties and `password`."""
        return self._one("users", lambda u: u.get("userPrincipalName", "").lower() == username, username)

    @property
    def people(self) -> list[dict[str, Any]]:
        """Everybody who can sign in."""
        return [user for user in self.seed.get("users", []) if user.get("password")]

    def group_of(self, owner: dict[str, Any]) -> dict[str, Any]:
        """The first plain security group with assigned membership that this person owns."""

        def fits(group: dict[str, Any]) -> bool:
            is_plain = group.get("securityEnabled", True) and not any(group.get(name) for name in _SPECIAL)
            return bool(is_plain and owner["id"] in group.get("owners", []))

        return self._one("groups", fits, f"security group owned by {owner['userPrincipalName']}")

    def _client(self, name: str) -> dict[str, Any]:
        return self._one("clients", lambda c: str(c.get("name", "")).lower().replace(" ", "-") == name, name)

    def _one(self, section: str, fits: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        for entry in self.seed.get(section, []):
            if fits(entry):
                return dict(entry)
        raise SampleError(f"The seed has no {what} among its {section}.")
