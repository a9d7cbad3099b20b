"""Names and types in a filter against the published types, as Graph's gateway checks them before the directory is
asked: property names in any case, literals of the property's type.

Sources: pnp/cli-microsoft365 #6064 (the text for functions); microsoft-graph-docs #3044 (names in any case,
``accountEnabled eq 'true'``); "Use the $filter query parameter": "GUID and DateTimeOffset values aren't enclosed in
quotes"; the texts are those of Microsoft's OData library, which the gateway gives on after "Invalid filter clause: ".
"""

from functools import cache

from ..errors import GraphError, bad_request
from . import types
from .filters import FUNCTIONS, Date, DateTime, Expression, Guid, Junction, Lambda, Literal, Not, Path, Test

_KINDS = {
    "eq": "Equal",
    "in": "Equal",
    "ne": "NotEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanOrEqual",
    "lt": "LessThan",
    "le": "LessThanOrEqual",
}
_LITERALS = {
    Guid: "Edm.Guid",
    Date: "Edm.Date",
    DateTime: "Edm.DateTimeOffset",
    str: "Edm.String",
    bool: "Edm.Boolean",
    int: "Edm.Int32",
    float: "Edm.Double",
}
_NUMBERS = {"Edm.Int32", "Edm.Int64", "Edm.Double"}
_ANY = ""
"""Type of what the excerpt of the metadata does not hold: the objects behind a link, a directory extension."""


def resolved(kind: str, expression: Expression) -> Expression:
    """The filter with every property in its published spelling. Raises GraphError: 400 for a property that the type
    does not have, or a literal of another type than its property."""
    return _resolved(expression, {"": kind})


def property_name(kind: str, name: str) -> str:
    """A property of the type in its published spelling. Raises GraphError: 400 where there is none."""
    found = _lower(kind).get(name.lower(), name if name.startswith("extension_") else None)
    if found is None:
        raise bad_request(f"Could not find a property named '{name}' on type 'microsoft.graph.{kind}'.", "BadRequest")
    return found


def _resolved(node: Expression, scope: dict[str, str]) -> Expression:
    match node:
        case Junction(word, operands):
            return Junction(word, tuple(_resolved(operand, scope) for operand in operands))
        case Not(inner):
            return Not(_resolved(inner, scope))
        case Test(path, op, values):
            path, type_ = _path(path, scope)
            if op in FUNCTIONS:
                _check_function(type_, FUNCTIONS[op])
            else:
                for value in values:
                    _check_literal(type_, value, _KINDS[op])
            return Test(path, op, values)
        case Lambda(path, quantifier, variable, condition):
            path, type_ = _path(path, scope)
            if type_ != _ANY and not type_.startswith("Collection("):
                raise _invalid("Any/All may only be used following a collection.")
            element = {**scope, variable: type_.removeprefix("Collection(").removesuffix(")")}
            return Lambda(path, quantifier, variable, None if condition is None else _resolved(condition, element))


def _path(path: Path, scope: dict[str, str]) -> tuple[Path, str]:
    """The path in published spelling and the type of what it leads to."""
    type_, names = scope[path.variable or ""], []
    for part in path.parts:
        if part == "$count":
            type_ = "Edm.Int32"
        elif type_ != _ANY:
            part, type_ = _step(type_, part)
        names.append(part)
    return Path(tuple(names), path.variable), type_


def _step(type_: str, name: str) -> tuple[str, str]:
    if type_.startswith(("Collection(", "Edm.")):
        raise _invalid(
            "The parent value for a property access of a property "
            f"'{name}' is not a single value. Property access can only be applied to a single value."
        )
    if type_ not in types.TYPES:
        return name, _ANY
    found = _lower(type_).get(name.lower())
    if found is not None:
        return found, types.properties(type_).get(found, _ANY).removesuffix("!")
    if name.startswith("extension_"):
        return name, _ANY
    raise _invalid(f"Could not find a property named '{name}' on type 'microsoft.graph.{type_}'.")


@cache
def _lower(type_: str) -> dict[str, str]:
    return {name.lower(): name for name in (*types.properties(type_), *types.navigation(type_))}


def _check_function(type_: str, name: str) -> None:
    if type_ not in {"Edm.String", _ANY}:
        raise _invalid(
            f"No function signature for the function with name '{name}' matches the specified arguments. The "
            f"function signatures considered are: {name}(Edm.String Nullable=true, Edm.String Nullable=true)."
        )


def _check_literal(type_: str, value: Literal, operator: str) -> None:
    if value is None or type_ == _ANY:
        return
    given = _type_of(value)
    fits = (
        given == type_
        or (type_ in _NUMBERS and given in _NUMBERS)
        or (type_ == "Edm.DateTimeOffset" and given == "Edm.Date")
        or (type_ in types.ENUMS and given == "Edm.String")
    )
    if not fits:
        shown = type_ if "Edm." in type_ else f"microsoft.graph.{type_}"
        raise _invalid(
            "A binary operator with incompatible types was detected. Found operand types "
            f"'{shown}' and '{given}' for operator kind '{operator}'."
        )


def _type_of(value: Literal) -> str:
    return next(name for class_, name in _LITERALS.items() if isinstance(value, class_))


def _invalid(message: str) -> GraphError:
    return bad_request(f"Invalid filter clause: {message}", "BadRequest")
