"""`POST /admin/functions/{name}`: runs a queue or timer function at once, without its queue or schedule.

In Azure the same address does the same, for whoever has the master key: it answers 202 and the function runs after
that. The body is ``{"input": "text"}``. Source: `FunctionsController.Invoke` of azure-functions-host.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from local.host.engine import Datum
from local.host.functions import Function, QueueTrigger, TimerTrigger
from local.host.invocations import Invocations, Outcome

PATH = "/admin/functions/"


class BadInput(Exception):
    """The body is not ``{"input": "text"}``, or the function is one that only HTTP can ask."""


class Admin:
    """Runs functions by hand."""

    def __init__(self, functions: Sequence[Function], invocations: Invocations) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._invocations = invocations

    def find(self, name: str) -> Function | None:
        """By name, without regard to case."""
        return self._functions.get(name.lower())

    def prepare(self, function: Function, body: bytes) -> Coroutine[Any, Any, Outcome]:
        """A run, to be awaited; how it ends is in the log.

        Raises:
            BadInput: there is nothing to run.
        """
        text = _input(body)
        match function.trigger:
            case TimerTrigger(parameter=parameter):
                timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
                return self._invocations.run(function, [(parameter, Datum(json.dumps(timer), "json"))])
            case QueueTrigger(parameter=parameter):
                return self._invocations.run(function, [(parameter, Datum(text, "string"))], _metadata())
            case _:
                raise BadInput("an HTTP function has an address of its own")


def _input(body: bytes) -> str:
    try:
        text = json.loads(body)["input"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput('the body is {"input": "text"}') from error
    return text if isinstance(text, str) else json.dumps(text)


def _metadata() -> dict[str, Any]:
    """Of a message that was never in a queue."""
    now = datetime.now(UTC)
    times = {"InsertionTime": now, "NextVisibleTime": now, "ExpirationTime": now + timedelta(days=7)}
    return {
        "Id": Datum(str(uuid4()), "string"),
        "DequeueCount": Datum("1", "json"),
        "PopReceipt": Datum("", "string"),
        **{name: Datum(json.dumps(time.isoformat()), "json") for name, time in times.items()},
    }
