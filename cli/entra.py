"""Tokens from Microsoft Entra ID through azure-identity; imported only when one is needed, as it is slow to load."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import (
    AuthenticationRecord,
    AzureCliCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    TokenCachePersistenceOptions,
)
from msal_extensions import build_encrypted_persistence

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

logging.getLogger("azure").addHandler(logging.NullHandler())  # what fails is said in our own words
_CACHE = TokenCachePersistenceOptions(name="guestlist")


class Refused(Exception):
    """No token came; in Entra's or the library's words."""


def from_azure_cli(tenant_id: str, audience: str) -> tuple[str, float]:
    """Token and end of whoever signed in with ``az login``.

    The Azure CLI asks for a resource, not for single permissions. It gets a token only where the API's app
    registration authorizes it as a client.

    Raises:
        Refused: it is not installed, nobody is signed in, or Entra refuses.
    """
    try:
        return _pair(AzureCliCredential(tenant_id=tenant_id).get_token(f"api://{audience}/.default"))
    except ClientAuthenticationError as error:
        raise Refused(error.message) from error


def from_person(
    authority: str, tenant_id: str, client_id: str, scope: str, *, device_code: bool, tell: Callable[[str], None]
) -> tuple[str, float]:
    """Token and end of a person who signs in now, or did so on this machine before.

    Raises:
        Refused: nobody signed in, or Entra refuses.
    """
    account = _Account(tenant_id, client_id)
    about: dict[str, Any] = {"authority": authority, "tenant_id": tenant_id, "client_id": client_id}
    try:
        if _can_keep_secrets():
            return _sign_in(about | {"cache_persistence_options": _CACHE}, scope, account, device_code, tell)
        return _sign_in(about, scope, None, device_code, tell)
    except AzureError as error:
        raise Refused(error.message) from error


def _can_keep_secrets() -> bool:
    """Whether the platform keeps them encrypted: by its user's key on Windows, Keychain, libsecret on Linux.

    Asked before, as azure-identity reports a cache that it cannot open as a sign-in that failed.
    """
    try:
        build_encrypted_persistence(str(Path(tempfile.gettempdir()) / "guestlist-probe"))
    except Exception:  # of libsecret's bindings, whichever are installed; without a cache one signs in each time
        return False
    return True


def _sign_in(
    about: dict[str, Any], scope: str, account: _Account | None, device_code: bool, tell: Callable[[str], None]
) -> tuple[str, float]:
    if account is not None:
        about["authentication_record"] = account.read()
    credential: DeviceCodeCredential | InteractiveBrowserCredential
    if device_code:
        credential = DeviceCodeCredential(prompt_callback=lambda uri, code, _: tell(_invite(uri, code)), **about)
    else:
        credential = InteractiveBrowserCredential(**about)
    with credential:
        if account is not None and about["authentication_record"] is None:
            account.write(credential.authenticate(scopes=[scope]))
        return _pair(credential.get_token(scope))


def _invite(uri: str, code: str) -> str:
    return f"To sign in, open {uri} and enter the code {code}"


def _pair(token: AccessToken) -> tuple[str, float]:
    return token.token, float(token.expires_on)


class _Account:
    """Which account the token cache is to be asked for. The file holds names and ids, no secret."""

    def __init__(self, tenant_id: str, client_id: str) -> None:
        import typer

        self._file = Path(typer.get_app_dir("guestlist")) / f"account-{tenant_id}-{client_id}.json"

    def read(self) -> AuthenticationRecord | None:
        try:
            return AuthenticationRecord.deserialize(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError):
            return None

    def write(self, record: AuthenticationRecord) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(record.serialize(), encoding="utf-8")
