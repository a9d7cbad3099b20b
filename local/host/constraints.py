"""Constraints of route parameters: `{id:guid}`, `{page:int:min(1)}`, `{code:regex(^[A-Z]{{3}}$)}`.

Source: Microsoft's reference of ASP.NET Core route constraints.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

Constraint = Callable[[str], bool]
"""Says whether a value may stand there."""


def _is_integer(bits: int) -> Constraint:
    limit = 2 ** (bits - 1)

    def check(value: str) -> bool:
        return re.fullmatch(r"[+-]?[0-9]+", value) is not None and -limit <= int(value) < limit

    return check


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return "_" not in value


def _is_decimal(value: str) -> bool:
    try:
        return Decimal(value).is_finite() and "_" not in value
    except InvalidOperation:
        return False


def _is_guid(value: str) -> bool:
    # .NET takes 32 digits, with hyphens, and these in braces or parentheses.
    if not re.fullmatch(r"[0-9a-fA-F]{32}|([({]?)[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[)}]?", value):
        return False
    UUID(value.strip("(){}"))
    return True


def _is_datetime(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_PLAIN: dict[str, Constraint] = {
    "int": _is_integer(32),
    "long": _is_integer(64),
    "bool": lambda value: value.lower() in ("true", "false"),
    "datetime": _is_datetime,
    "decimal": _is_decimal,
    "double": _is_number,
    "float": _is_number,
    "guid": _is_guid,
    "alpha": lambda value: re.fullmatch(r"[a-zA-Z]*", value) is not None,
    "required": lambda value: value != "",
}

_LONG = _is_integer(64)


def parse_constraint(text: str) -> Constraint:
    """The check behind `int`, `length(3,8)` and the like.

    Raises:
        ValueError: there is no such constraint, or its arguments are wrong.
    """
    found = re.fullmatch(r"(\w+)(?:\((.*)\))?", text, re.DOTALL)
    if found is None:
        raise ValueError(f"'{text}' is not a constraint")
    name, argument = found[1].lower(), found[2]
    if name in _PLAIN and argument is None:
        return _PLAIN[name]
    if name == "regex" and argument:
        try:
            pattern = re.compile(argument, re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"'{argument}' is not a regular expression: {error}") from error
        return lambda value: pattern.search(value) is not None
    try:
        numbers = [int(number) for number in (argument or "").split(",")]
    except ValueError:
        raise ValueError(f"'{text}' is not a constraint this host knows") from None
    return _of_numbers(text, name, numbers)


def _of_numbers(text: str, name: str, numbers: list[int]) -> Constraint:
    match name, numbers:
        case "minlength", [least]:
            return lambda value: len(value) >= least
        case "maxlength", [most]:
            return lambda value: len(value) <= most
        case "length", [exact]:
            return lambda value: len(value) == exact
        case "length", [least, most]:
            return lambda value: least <= len(value) <= most
        case "min", [least]:
            return lambda value: _LONG(value) and int(value) >= least
        case "max", [most]:
            return lambda value: _LONG(value) and int(value) <= most
        case "range", [least, most]:
            return lambda value: _LONG(value) and least <= int(value) <= most
        case _:
            raise ValueError(f"'{text}' is not a constraint this host knows")
