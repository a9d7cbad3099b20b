"""Storage accounts to try backups on: several in one Azurite, each empty until a test takes it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from local.azurite import ACCOUNT_KEY, ACCOUNT_NAME, Azurite

_EXTRA = [f"empty{number:02}" for number in range(40)]


@contextmanager
def with_accounts() -> Iterator[list[str]]:
    """What Azurite starts meanwhile has these accounts beside its own. Source: Azurite's README, "Custom storage
    accounts"."""
    before = os.environ.get("AZURITE_ACCOUNTS")
    os.environ["AZURITE_ACCOUNTS"] = ";".join(f"{name}:{ACCOUNT_KEY}" for name in (ACCOUNT_NAME, *_EXTRA))
    try:
        yield list(_EXTRA)
    finally:
        if before is None:
            del os.environ["AZURITE_ACCOUNTS"]
        else:
            os.environ["AZURITE_ACCOUNTS"] = before


def connection_of(azurite: Azurite, name: str) -> str:
    return azurite.connection_string.replace(ACCOUNT_NAME, name)
