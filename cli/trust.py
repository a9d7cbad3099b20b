"""Whether an address may get tokens for what it says it is.

The API says for which tenant and audience its tokens are (``GET /api/sign-in``). Whoever answers at the address could
name somebody else's, and use there what it gets. So what an address says is taken once, by a person or by the
environment, and has to stay the same from then on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import typer

from cli.failures import SignInFailed
from cli.place import Place, is_loopback

MICROSOFT = frozenset({"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"})
"""Where Entra ID signs people in, in all of its clouds. Source: Microsoft, "National clouds: authentication"."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Of the API at `url`. `ask` asks a person; None where nobody is there."""

    url: str
    ask: Callable[[str], bool] | None

    def need(self, place: Place) -> None:
        """Raises SignInFailed: `sign-in-untrusted`, where nothing says that this address may have such tokens."""
        authority = urlsplit(place.authority)
        if is_loopback(urlsplit(self.url).hostname or ""):
            return  # A program on this machine could ask for tokens itself.
        if authority.scheme != "https":
            raise self._refused(f"It sends people to {place.authority} to sign in", place)
        said = {"authority": place.authority, "tenant": place.tenant_id.lower(), "audience": place.audience.lower()}
        known = self._known()
        if known.get(self.url) == said:
            return
        if self.url in known:
            raise self._refused("It names another tenant, API or place to sign in than before", place)
        named = os.environ.get("GUESTLIST_API_AUDIENCE")
        if named is not None and named.strip().lower() != said["audience"]:
            raise self._refused("GUESTLIST_API_AUDIENCE names another API", place)
        is_microsofts = authority.netloc in MICROSOFT
        if (named is None or not is_microsofts) and not self._is_confirmed(place, is_microsofts):
            raise self._refused("This address has not been used before", place)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(known | {self.url: said}, indent=2), encoding="utf-8")

    def _is_confirmed(self, place: Place, is_microsofts: bool) -> bool:
        where = "" if is_microsofts else f" People sign in at {place.authority}, which is not Microsoft's."
        return self.ask is not None and self.ask(
            f"{self.url} asks for tokens for the API {place.audience} of the tenant {place.tenant_id}.{where} "
            "Is this your Guestlist?"
        )

    def _known(self) -> dict[str, dict[str, str]]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def _file(self) -> Path:
        return Path(typer.get_app_dir("guestlist")) / "apis.json"

    def _refused(self, detail: str, place: Place) -> SignInFailed:
        return SignInFailed(
            f"{self.url} gets no token for the API {place.audience}",
            detail,
            "Check --url. If it is your Guestlist, give the client id of its API in GUESTLIST_API_AUDIENCE, or "
            f"confirm it at a terminal; what was confirmed before is in {self._file}",
            reason="sign-in-untrusted",
        )
