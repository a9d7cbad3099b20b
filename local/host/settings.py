"""App settings: `local.settings.json` becomes environment variables, `%NAME%` becomes a setting's value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from local.host.errors import NotReproduced, StartError

DEFAULT_CONNECTION = "AzureWebJobsStorage"
_PLACEHOLDER = re.compile(r"%([^%\s]+)%")


def read_local_settings(path: Path) -> dict[str, str]:
    """The `Values` of a `local.settings.json`. A value of null is left out, as Core Tools does. Raises StartError:
    the file cannot be read, is encrypted, or holds something other than texts."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StartError(f"Unable to read the settings file '{path}': {error.strerror}.") from error
    except ValueError as error:
        raise StartError(f"Unable to parse the settings file '{path}': {error}.") from error
    values = document.get("Values", {}) if isinstance(document, dict) else None
    if not isinstance(values, dict):
        raise StartError(f"The settings file '{path}', or its 'Values', is not a JSON object.")
    if document.get("IsEncrypted"):
        raise StartError(f"The settings in '{path}' are encrypted: run 'func settings decrypt' first.")
    if sections := [name for name in ("ConnectionStrings", "Host") if document.get(name)]:
        raise NotReproduced(f"{' and '.join(sections)} in '{path}'")
    for name, value in values.items():
        if isinstance(value, dict | list):
            raise StartError(f"'Values.{name}' in '{path}' is not a text: settings are flat.")
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return {name: text for name, text in texts.items() if values[name] is not None}


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
    """Puts settings' values in the place of `%NAME%`. Raises StartError: there is no such setting; in the words of
    the real host."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise StartError(f"'{match[0]}' does not resolve to a value.")
        return environment[match[1]]

    return _PLACEHOLDER.sub(value, text)


def connection_string(connection: str, environment: Mapping[str, str]) -> str:
    """What a binding's `connection` stands for; the host also looks for the name with its historical prefix.

    Raises:
        StartError: there is nothing; in the words of the real host.
        NotReproduced: there are settings of an identity below the name.
    """
    names = (f"AzureWebJobs{connection}", connection)
    for name in names:
        if text := environment.get(name):
            return text
    below = tuple(f"{name}__" for name in names)
    if any(name.startswith(below) and value for name, value in environment.items()):
        raise NotReproduced(f"the connection '{connection}' with an identity")
    raise StartError(
        f"Storage account connection string 'AzureWebJobs{connection}' does not exist. "
        "Make sure that it is a defined App Setting."
    )
