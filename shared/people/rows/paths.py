"""Fields of a row by path: `Record.owners[].name` of a record, `Targets.*` of each value, `Has…` of columns of which
there is one for each group or account."""

import re
from collections.abc import Callable, Iterator
from typing import Any

DROP = object()
"""What a rewriting gives for a value that is to go."""
_STEP = re.compile(r"\[\]|[^.\[\]]+")
_MANY = "…"


def steps_of(path: str) -> list[str]:
    return _STEP.findall(path)


def values(value: Any, steps: list[str]) -> Iterator[Any]:
    """What stands there; nothing where the way ends before."""
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step == "[]" and isinstance(value, list):
        for each in value:
            yield from values(each, rest)
    elif isinstance(value, dict):
        for key in _keys(value, step):
            yield from values(value[key], rest)


def rewritten(value: Any, steps: list[str], change: Callable[[Any], Any]) -> Any:
    """A copy in which `change` was made to what stands there."""
    if not steps:
        return change(value)
    step, rest = steps[0], steps[1:]
    if step == "[]" and isinstance(value, list):
        return [new for each in value if (new := rewritten(each, rest, change)) is not DROP]
    if isinstance(value, dict) and step != "[]":
        found = dict(value)
        for key in _keys(value, step):
            new = rewritten(value[key], rest, change)
            if new is DROP:
                del found[key]
            else:
                found[key] = new
        return found
    return value


def _keys(value: dict[str, Any], step: str) -> list[str]:
    if step == "*":
        return list(value)
    if step.endswith(_MANY):
        return [key for key in value if key.startswith(step.removesuffix(_MANY))]
    return [step] if step in value else []
