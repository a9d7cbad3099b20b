"""What is printed when the app serves: functions, URLs and triggers, as `func start` prints them."""

from __future__ import annotations

from collections.abc import Sequence

from local.host.functions import Function, HttpTrigger, QueueTrigger, TimerTrigger

URL = "{url}"
"""Stands in a banner for the address, which only the supervisor knows."""


def describe_for_people(functions: Sequence[Function], prefix: str) -> str:
    """The banner without the address."""
    lines = ["", "Functions:", ""]
    for function in sorted(functions, key=_order):
        lines.append(f"\t{function.name}: {_summary(function, prefix)}")
        lines.append("")
    lines += [f"Function {function.name} is disabled." for function in functions if function.disabled]
    return "\n".join(lines)


def _order(function: Function) -> tuple[bool, str]:
    return not isinstance(function.trigger, HttpTrigger), function.name.lower()


def _summary(function: Function, prefix: str) -> str:
    match function.trigger:
        case HttpTrigger(route=route, methods=methods):
            path = "/".join(part for part in (prefix, route.strip("/")) if part)
            return f"[{','.join(methods) or 'ALL'}] {URL}/{path}"
        case QueueTrigger(queue=queue, connection=connection):
            return f"queueTrigger ({queue}, {connection})"
        case TimerTrigger(schedule=schedule):
            return f"timerTrigger ({schedule.text})"
