"""App settings: `local.settings.json` becomes environment variables, `%NAME%` becomes a setting's value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.host.errors import StartError

_PLACEHOLDER = re.compile(r"%([^%\s]+)%")


def read_local_settings(path: Path) -> dict[str, str]:
    """The settings a `local.settings.json` asks for, `ConnectionStrings` included.

    A value of null is left out, as Core Tools does.

    Raises:
        StartError: the file cannot be read, is encrypted, or holds something other than texts.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StartError(f"Unable to read the settings file '{path}': {error.strerror}.") from error
    except ValueError as error:
        raise StartError(f"Unable to parse the settings file '{path}': {error}.") from error
    if not isinstance(document, dict):
        raise StartError(f"The settings file '{path}' is not a JSON object.")
    if document.get("IsEncrypted"):
        raise StartError(f"The settings in '{path}' are encrypted: run 'func settings decrypt' first.")
    settings = _texts(document.get("Values"), path, "Values")
    for name, value in _texts(document.get("ConnectionStrings"), path, "ConnectionStrings").items():
        settings[f"ConnectionStrings:{name}"] = value
    return settings


def local_http_port(path: Path) -> int | None:
    """`Host.LocalHttpPort` of a settings file that `read_local_settings` accepted."""
    host = json.loads(path.read_text(encoding="utf-8-sig")).get("Host") or {}
    port = host.get("LocalHttpPort") if isinstance(host, dict) else None
    return port if isinstance(port, int) else None


def _texts(section: Any, path: Path, name: str) -> dict[str, str]:
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise StartError(f"'{name}' in '{path}' is not a JSON object.")
    texts: dict[str, str] = {}
    for key, value in section.items():
        if isinstance(value, dict | list):
            raise StartError(f"'{name}.{key}' in '{path}' is not a text: settings are flat.")
        if value is not None:
            texts[key] = value if isinstance(value, str) else json.dumps(value)
    return texts


def merge(environment: Mapping[str, str], settings: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The environment of the app, and the names that the file sets in vain.

    A variable that is set and not empty wins over the file (Core Tools, `StartHostAction`).
    """
    merged = dict(environment)
    skipped = []
    for name, value in settings.items():
        if environment.get(name):
            skipped.append(name)
        else:
            merged[name] = value
    return merged, skipped


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """Puts settings' values in the place of `%NAME%`.

    Raises:
        StartError: there is no such setting; in the words of the real host.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise StartError(f"'{match[0]}' does not resolve to a value.")
        return environment[match[1]]

    return _PLACEHOLDER.sub(value, text)


def connection_names(connection: str) -> tuple[str, ...]:
    """Settings that may hold a connection string; the host also looks for the name with its historical prefix."""
    return (f"AzureWebJobs{connection}", connection, f"ConnectionStrings:{connection}")


def check_connection(connection: str, environment: Mapping[str, str]) -> None:
    """Looks whether there is anything of a binding's `connection`: a connection string, or settings below its name.

    Raises:
        StartError: there is nothing; in the words of the real host.
    """
    names = connection_names(connection)
    below = tuple(f"{name}__" for name in names[:2])
    if not any(environment.get(name) for name in names) and not any(
        name.startswith(below) and value for name, value in environment.items()
    ):
        raise StartError(
            f"Storage account connection string 'AzureWebJobs{connection}' does not exist. "
            "Make sure that it is a defined App Setting."
        )
