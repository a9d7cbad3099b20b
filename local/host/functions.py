"""The app's functions in the host's terms: what triggers each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.host.configuration import DEFAULT_CONNECTION, connection_string, resolve
from local.host.engine import IndexedFunction
from local.host.errors import NotReproduced, StartError
from local.host.logs import LOG
from local.host.scaling import HTTP, Group
from local.host.schedule import Schedule

POISON_SUFFIX = "-poison"
URL = "{url}"
"""Stands in a banner for the address, which only the supervisor knows."""


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """A function that answers requests."""

    parameter: str
    route: str
    """Template without the prefix."""
    methods: tuple[str, ...]
    """Upper case; empty: all."""


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """A function that takes messages."""

    parameter: str
    queue: str
    connection: str


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """A function that runs on a schedule."""

    parameter: str
    schedule: Schedule
    monitored: bool
    """Its last run is kept, so that a missed run is made up for."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app."""

    name: str
    function_id: str
    trigger: HttpTrigger | QueueTrigger | TimerTrigger
    disabled: bool


class _InError(Exception):
    """This function cannot run; the real host goes on without it."""


_WITHOUT_BUNDLE = ("httpTrigger", "http", "timerTrigger")
"""What the host itself knows; everything else comes with the extension bundle."""

_ALSO_HERE = (*_WITHOUT_BUNDLE, "queueTrigger")


def describe(
    indexed: Sequence[IndexedFunction],
    environment: Mapping[str, str],
    *,
    bundle: bool = True,
) -> list[Function]:
    """Turns what the worker library indexed into functions, settings put in.

    A function whose extension, setting or connection is missing is in error by itself: it is left out, and the log
    says why in the real host's words. Source:
    `FunctionDescriptorProvider.VerifyResolvedBindings` of azure-functions-host; `FunctionIndexer` of the WebJobs SDK
    with `AllowPartialHostStartup`; `StorageClientProvider` of its storage extension.

    Args:
        bundle: host.json names an extension bundle.

    Raises:
        NotReproduced: a function is more than this host can run.
    """
    functions = []
    for one in indexed:
        try:
            functions.append(_function(one, environment, bundle=bundle))
        except _InError as error:
            LOG.error("The '%s' function is in error: %s", one.name, error)
    return functions


def _function(indexed: IndexedFunction, environment: Mapping[str, str], *, bundle: bool) -> Function:
    kinds = list(dict.fromkeys(binding["type"] for binding in indexed.bindings))
    if not bundle and (unknown := [kind for kind in kinds if kind not in _WITHOUT_BUNDLE]):
        raise _InError(
            f"The binding type(s) '{', '.join(unknown)}' are not registered. "
            "Please ensure the type is correct and the binding extension is installed."
        )
    if foreign := [kind for kind in kinds if kind not in _ALSO_HERE]:
        raise NotReproduced(f"The '{indexed.name}' function: bindings of type '{', '.join(foreign)}'")
    if indexed.retries:
        raise NotReproduced(f"The '{indexed.name}' function: a retry policy")
    try:
        return _bound(indexed, environment)
    except NotReproduced as error:
        raise NotReproduced(f"The '{indexed.name}' function: {error.what}") from error
    except StartError as error:
        LOG.warning("Function 'Functions.%s' failed indexing and will be disabled.", indexed.name)
        raise _InError(
            f"Microsoft.Azure.WebJobs.Host: Error indexing method 'Functions.{indexed.name}'. "
            f"Microsoft.Azure.WebJobs.Host: {error}"
        ) from error


def _bound(indexed: IndexedFunction, environment: Mapping[str, str]) -> Function:
    triggers: list[HttpTrigger | QueueTrigger | TimerTrigger] = []
    for binding in indexed.bindings:
        match binding["type"]:
            case "httpTrigger":
                triggers.append(_http(binding, indexed.name, environment))
            case "queueTrigger":
                triggers.append(_queue(binding, environment))
            case "timerTrigger":
                triggers.append(_timer(binding, environment))
    if len(triggers) != 1:
        raise _InError("No trigger binding specified. A function must have a trigger input binding.")
    return Function(indexed.name, indexed.function_id, triggers[0], disabled=_is_disabled(indexed.name, environment))


def _is_disabled(name: str, environment: Mapping[str, str]) -> bool:
    # On Linux the setting's dots are written as underscores.
    names = (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs_{name}_Disabled")
    return any(environment.get(setting, "").lower() in ("1", "true") for setting in names)


def _http(binding: Mapping[str, Any], name: str, environment: Mapping[str, str]) -> HttpTrigger:
    if (level := str(binding.get("authLevel") or "function").lower()) != "anonymous":
        raise NotReproduced(f"the authorization level '{level}'")
    return HttpTrigger(
        parameter=binding["name"],
        route=resolve(str(binding.get("route") or name), environment),
        methods=tuple(str(method).upper() for method in binding.get("methods") or ()),
    )


def _queue(binding: Mapping[str, Any], environment: Mapping[str, str]) -> QueueTrigger:
    connection = resolve(str(binding.get("connection") or DEFAULT_CONNECTION), environment)
    connection_string(connection, environment)
    queue = resolve(str(binding["queueName"]), environment).lower()
    if queue.endswith(POISON_SUFFIX):  # the rules are others there: no poison queue of its own, no second try
        raise NotReproduced(f"a trigger on the poison queue '{queue}'")
    return QueueTrigger(binding["name"], queue, connection)


def _timer(binding: Mapping[str, Any], environment: Mapping[str, str]) -> TimerTrigger:
    if binding.get("runOnStartup") or binding.get("useMonitor") is False:
        raise NotReproduced("a timer with 'run_on_startup' or without 'use_monitor'")
    schedule = Schedule.parse(resolve(str(binding["schedule"]), environment))
    return TimerTrigger(binding["name"], schedule, monitored=not schedule.is_frequent(datetime.now(UTC)))


def group_of(function: Function) -> str:
    """The name of the group that a function scales in."""
    return HTTP if isinstance(function.trigger, HttpTrigger) else f"function:{function.name}"


def groups_of(functions: Sequence[Function]) -> list[Group]:
    """HTTP, whether or not there is an HTTP function, and each other function that is not disabled."""
    groups = [Group(HTTP)]
    for function in functions:
        match function.trigger:
            case _ if function.disabled:
                pass
            case QueueTrigger(queue=queue, connection=connection):
                groups.append(Group(group_of(function), queue=queue, connection=connection))
            case TimerTrigger(schedule=schedule, monitored=monitored):
                groups.append(Group(group_of(function), schedule=schedule.text, monitored=monitored))
    return groups


def banner(functions: Sequence[Function], prefix: str) -> str:
    """What is printed when the app serves, as `func start` does: functions, `URL`s and triggers."""
    lines = ["", "Functions:", ""]
    for function in sorted(functions, key=lambda one: (not isinstance(one.trigger, HttpTrigger), one.name.lower())):
        match function.trigger:
            case HttpTrigger(route=route, methods=methods):
                path = "/".join(part for part in (prefix, route.strip("/")) if part)
                summary = f"[{','.join(methods) or 'ALL'}] {URL}/{path}"
            case QueueTrigger(queue=queue, connection=connection):
                summary = f"queueTrigger ({queue}, {connection})"
            case TimerTrigger(schedule=schedule):
                summary = f"timerTrigger ({schedule.text})"
        lines += [f"\t{function.name}: {summary}", ""]
    lines += [f"Function {function.name} is disabled." for function in functions if function.disabled]
    return "\n".join(lines)
