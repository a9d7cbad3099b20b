"""Who a program here acts as in the cloud: whoever is signed in with the Azure CLI or the Azure Developer CLI, or
whose token is in a file."""

import argparse
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit


class Failed(Exception):
    """It cannot go on; the message says what to do."""


def address(text: str) -> str:
    """An option's value: an address that a token may be sent to."""
    parts = urlsplit(text)
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or (parts.scheme != "https" and not (is_local and parts.scheme == "http")):
        raise argparse.ArgumentTypeError(f"an https address is needed, not '{text}'")
    return text


def token_for(url: str, file: Path | None, *, as_azd: bool = False) -> Callable[[], str]:
    """Gives access tokens for the service at an address: of the Azure CLI first, or as azd where azd is what calls.

    Raises Failed where nobody is signed in.
    """
    if file is not None:
        try:
            token = file.read_text(encoding="utf-8").strip()
        except OSError as e:
            raise Failed(f"The token cannot be read: {e}") from e
        return lambda: token

    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import AzureCliCredential, AzureDeveloperCliCredential, ChainedTokenCredential

    az, azd = AzureCliCredential(), AzureDeveloperCliCredential()
    credential = ChainedTokenCredential(azd, az) if as_azd else ChainedTokenCredential(az, azd)
    scope = f"https://{urlsplit(url).hostname}/.default"

    def token_of_sign_in() -> str:
        try:
            return str(credential.get_token(scope).token)
        except ClientAuthenticationError as e:
            raise Failed("Nobody is signed in: run 'az login' or 'azd auth login' as an administrator") from e

    return token_of_sign_in
