"""App settings: `local.settings.json` becomes environment variables, `%NAME%` becomes a setting's value. And
host.json, read as the Functions host reads it.

Source: `HostJsonFileConfigurationSource` of azure-functions-host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.host.errors import NotReproduced, StartError

DEFAULT_CONNECTION = "AzureWebJobsStorage"
_PLACEHOLDER = re.compile(r"%([^%\s]+)%")
_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?")

_OVERRIDE = "AzureFunctionsJobHost__"
"""App settings that begin so override host.json, `__` standing for each level."""

_LIMITS = ("maxConcurrentRequests", "maxOutstandingRequests")
_KNOWN = (  # the host's own list of well-known properties
    *("version", "functionTimeout", "retry", "functions", "http", "watchDirectories", "watchFiles", "queues"),
    *("serviceBus", "eventHub", "singleton", "logging", "aggregator", "healthMonitor", "extensionBundle"),
    *("managedDependency", "customHandler", "httpWorker", "extensions", "concurrency", "telemetryMode"),
)
_KNOWN_OF_QUEUES = (
    *("maxPollingInterval", "visibilityTimeout", "batchSize", "maxDequeueCount", "newBatchThreshold"),
    "messageEncoding",
)
_KNOWN_OF_HTTP = ("routePrefix", "dynamicThrottlesEnabled", "hsts", "customHeaders", *_LIMITS)


def read_local_settings(path: Path) -> dict[str, str]:
    """The `Values` of a `local.settings.json`. A value of null is left out, as Core Tools does. Raises StartError:
    the file cannot be read, is encrypted, or holds something other than texts."""
    document = _read_object(path, "the settings file")
    values = document.get("Values", {})
    if not isinstance(values, dict):
        raise StartError(f"'Values' of the settings file '{path}' is not a JSON object.")
    if document.get("IsEncrypted"):
        raise StartError(f"The settings in '{path}' are encrypted: run 'func settings decrypt' first.")
    if sections := [name for name in ("ConnectionStrings", "Host") if document.get(name)]:
        raise NotReproduced(f"{' and '.join(sections)} in '{path}'")
    for name, value in values.items():
        if isinstance(value, dict | list):
            raise StartError(f"'Values.{name}' in '{path}' is not a text: settings are flat.")
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return {name: text for name, text in texts.items() if values[name] is not None}


def _read_object(path: Path, what: str) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StartError(f"Unable to read {what} '{path}': {error.strerror}.") from error
    except ValueError as error:
        raise StartError(f"Unable to parse {what} '{path}': {error}.") from error
    if not isinstance(document, dict):
        raise StartError(f"Unable to parse {what} '{path}': it is not a JSON object.")
    return document


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


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """`extensions.queues`, with Microsoft's documented defaults."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    max_polling_interval: timedelta = timedelta(minutes=1)
    visibility_timeout: timedelta = timedelta(0)
    """How long a failed message waits before it is tried again."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What of host.json this host acts on."""

    queues: QueueSettings = field(default_factory=QueueSettings)
    route_prefix: str = "api"
    function_timeout: timedelta = timedelta(minutes=30)
    """30 minutes is the default of every plan but Consumption."""
    bundle: bool = False
    """An extension bundle is named: without one the host knows HTTP and timers alone."""
    exports: bool = False
    """`telemetryMode` is OpenTelemetry: the host exports its own telemetry where it is told where to."""
    warnings: tuple[str, ...] = ()
    """Lines about what this host read but does not act on."""


def read_host_json(folder: Path, environment: Mapping[str, str]) -> HostSettings:
    """Reads and checks `host.json` of the app. Raises StartError: the file is missing, is not JSON, or says something
    the host refuses."""
    path = folder / "host.json"
    if not path.exists():
        raise StartError(f"host.json was not found in '{folder}'.")
    document = _read_object(path, "host configuration file")
    _override(document, environment)
    _check_version(document)
    return _settings(document)


def _override(document: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if not name.startswith(_OVERRIDE):
            continue
        *levels, last = (part for part in name.removeprefix(_OVERRIDE).split("__") if part)
        section = document
        for level in levels:
            child = section.get(_spelled(section, level))
            if not isinstance(child, dict):
                child = {}
                section[_spelled(section, level)] = child
            section = child
        section[_spelled(section, last)] = value


def _spelled(section: dict[str, Any], name: str) -> str:
    """Keys of configuration are compared without case."""
    return next((key for key in section if key.lower() == name.lower()), name)


def _check_version(document: dict[str, Any]) -> None:
    version = document.get("version")
    if not version:
        raise StartError("The host.json file is missing the required 'version' property.")
    if version != "2.0":
        raise StartError(
            f"'{version}' is an invalid value for host.json 'version' property. "
            "We recommend you set the 'version' property to '2.0'."
        )


def _settings(document: dict[str, Any]) -> HostSettings:
    extensions = _section(document, "extensions")
    queues, http = _section(extensions, "queues", "extensions."), _section(extensions, "http", "extensions.")
    for section, name, default in (
        (document, "functions", None),
        (document, "retry", None),
        (_section(document, "logging"), "logLevel", None),
        *((http, name, "-1") for name in _LIMITS),
        (queues, "messageEncoding", "base64"),
    ):
        if name in section and str(section[name]).lower() != default:
            raise NotReproduced(f"host.json '{name}'")
    return HostSettings(
        queues=_queues(queues),
        route_prefix=str(http.get("routePrefix", "api")).strip("/"),
        function_timeout=_function_timeout(document.get("functionTimeout")),
        bundle=bool(_section(document, "extensionBundle").get("id")),
        exports=str(document.get("telemetryMode", "")).lower() == "opentelemetry",
        warnings=(
            *_unknown(document, "", _KNOWN),
            *_unknown(queues, "extensions.queues.", _KNOWN_OF_QUEUES),
            *_unknown(http, "extensions.http.", _KNOWN_OF_HTTP),
        ),
    )


def _unknown(section: dict[str, Any], where: str, known: Sequence[str]) -> list[str]:
    names = {name.lower() for name in known}
    return [f"host.json: unknown key '{where}{key}' is ignored." for key in section if key.lower() not in names]


def _section(parent: dict[str, Any], name: str, where: str = "") -> dict[str, Any]:
    section = parent.get(name, {})
    if not isinstance(section, dict):
        raise StartError(f"host.json '{where}{name}' is not a JSON object.")
    return section


def _queues(section: dict[str, Any]) -> QueueSettings:
    batch_size = _whole(section, "batchSize", 16, lowest=1, highest=32)
    return QueueSettings(
        batch_size=batch_size,
        new_batch_threshold=_whole(section, "newBatchThreshold", batch_size // 2, lowest=0),
        max_dequeue_count=_whole(section, "maxDequeueCount", 5, lowest=1),
        max_polling_interval=_duration(section, "maxPollingInterval", timedelta(minutes=1)),
        visibility_timeout=_duration(section, "visibilityTimeout", timedelta(0)),
    )


def _function_timeout(value: Any) -> timedelta:
    if value is None:
        return timedelta(minutes=30)
    if str(value) == "-1":
        raise NotReproduced("host.json 'functionTimeout' of -1")
    timeout = parse_time_span(str(value))
    if timeout is None or timeout < timedelta(seconds=1):
        raise StartError(f"host.json 'functionTimeout': '{value}' is not a time of at least one second.")
    return timeout


def _whole(section: dict[str, Any], name: str, default: int, *, lowest: int, highest: int = 2**31 - 1) -> int:
    value = section.get(name, default)
    try:
        number = int(str(value))
    except ValueError:
        number = lowest - 1
    if not lowest <= number <= highest:
        limits = f"between {lowest} and {highest}" if highest < 2**31 - 1 else f"of at least {lowest}"
        raise StartError(f"host.json 'extensions.queues.{name}': '{value}' is not a whole number {limits}.")
    return number


def _duration(section: dict[str, Any], name: str, default: timedelta) -> timedelta:
    if name not in section:
        return default
    value = parse_time_span(str(section[name]))
    if value is None:
        raise StartError(f"host.json 'extensions.queues.{name}': '{section[name]}' is not hh:mm:ss.")
    return value


def parse_time_span(text: str) -> timedelta | None:
    """.NET's `[d.]hh:mm[:ss[.fffffff]]`; None when the text is something else."""
    match = _TIME_SPAN.fullmatch(text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    fraction = int((match[5] or "0").ljust(7, "0")) // 10
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=fraction)
