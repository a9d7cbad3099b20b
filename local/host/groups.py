"""Which group each function of the app scales in."""

from __future__ import annotations

from collections.abc import Sequence

from local.host.functions import Function, HttpTrigger, QueueTrigger, TimerTrigger
from local.host.scaling import HTTP, Group


def group_of(function: Function) -> str:
    """The name of the group that a function scales in."""
    return HTTP if isinstance(function.trigger, HttpTrigger) else f"function:{function.name}"


def groups_of(functions: Sequence[Function]) -> list[Group]:
    """HTTP, whether or not there is an HTTP function, and each other function that is not disabled."""
    others = [one for one in functions if not one.disabled and not isinstance(one.trigger, HttpTrigger)]
    return [Group(HTTP), *(_group(one) for one in others)]


def _group(function: Function) -> Group:
    name = group_of(function)
    match function.trigger:
        case QueueTrigger(queue=queue, connection=connection):
            return Group(name, queue=queue, connection=connection)
        case TimerTrigger(schedule=schedule, monitored=monitored, run_on_startup=at_start):
            return Group(name, schedule=schedule.text, monitored=monitored, run_on_startup=at_start)
        case _:
            return Group(name)
