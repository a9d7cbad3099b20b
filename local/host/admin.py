"""`POST /admin/functions/{name}`: runs a timer function at once, without its schedule.

In Azure the same address does the same, for whoever has the master key: it answers 202 and the function runs after
that. The body is ``{"input": "…"}``, of which a timer sees nothing.
Source: `FunctionsController.Invoke` of azure-functions-host.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine, Sequence
from typing import Any

from local.host.engine import Datum
from local.host.functions import Function, TimerTrigger
from local.host.invocations import Invocations, Outcome

PATH = "/admin/functions/"


class BadInput(Exception):
    """The body is not ``{"input": "text"}``, or the function is no timer."""


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
        try:
            json.loads(body)["input"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput('the body is {"input": "text"}') from error
        if not isinstance(function.trigger, TimerTrigger):
            raise BadInput("this host runs timers alone so")
        timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
        return self._invocations.run(function, [(function.trigger.parameter, Datum(json.dumps(timer), "json"))])
