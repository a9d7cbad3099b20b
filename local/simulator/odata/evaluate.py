"""What a filter means: whether an object matches, and which objects an index can offer instead of a scan."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from .filters import And, Compare, Expression, Lambda, Literal, Match, Not, OneOf, Or, Path

Properties = dict[str, Any]
Predicate = Callable[[Properties], bool]
_Scope = dict[str, Any]
_Test = Callable[[Properties, _Scope], bool]


class Index(Protocol):
    """Objects by the value of a property."""

    def find(self, property_: str, value: str) -> Iterable[str] | None:
        """Ids of the objects whose property has (or whose collection holds) the value, or None: not indexed."""


def predicate(expression: Expression, *, ignore_case: bool) -> Predicate:
    """A function that says whether an object's properties match; values are compared as Graph compares them."""
    test = _test(expression, ignore_case)
    return lambda properties: test(properties, {})


def candidates(expression: Expression, index: Index) -> set[str] | None:
    """A superset of the matching ids taken from an index, or None when only a scan can tell."""
    match expression:
        case Compare(path, "eq", str() as value) if _is_plain(path):
            return _found(index, path.parts[0], value)
        case OneOf(path, values) if _is_plain(path):
            sets = [_found(index, path.parts[0], value) for value in values if isinstance(value, str)]
            return _union(sets) if len(sets) == len(values) else None
        case Lambda(path, "any", variable, condition) if condition is not None and _is_plain(path):
            return _lambda_candidates(path.parts[0], variable, condition, index)
        case Or(left, right):
            return _union([candidates(left, index), candidates(right, index)])
        case And(left, right):
            first = candidates(left, index)
            second = candidates(right, index)
            if first is None or second is None:
                return second if first is None else first
            return first & second
        case _:
            return None


def _lambda_candidates(property_: str, variable: str, condition: Expression, index: Index) -> set[str] | None:
    match condition:
        case Compare(Path((), name), "eq", str() as value) if name == variable:
            return _found(index, property_, value)
        case Or(left, right):
            return _union(
                [
                    _lambda_candidates(property_, variable, left, index),
                    _lambda_candidates(property_, variable, right, index),
                ]
            )
        case And(left, right):
            first = _lambda_candidates(property_, variable, left, index)
            return first if first is not None else _lambda_candidates(property_, variable, right, index)
        case _:
            return None


def _is_plain(path: Path) -> bool:
    return path.variable is None and len(path.parts) == 1


def _found(index: Index, property_: str, value: str) -> set[str] | None:
    ids = index.find(property_, value)
    return None if ids is None else set(ids)


def _union(sets: list[set[str] | None]) -> set[str] | None:
    result: set[str] = set()
    for found in sets:
        if found is None:
            return None
        result |= found
    return result


def _test(expression: Expression, ignore_case: bool) -> _Test:
    match expression:
        case And(left, right):
            first, second = _test(left, ignore_case), _test(right, ignore_case)
            return lambda p, s: first(p, s) and second(p, s)
        case Or(left, right):
            one, other = _test(left, ignore_case), _test(right, ignore_case)
            return lambda p, s: one(p, s) or other(p, s)
        case Not(inner):
            positive = _test(inner, ignore_case)
            return lambda p, s: not positive(p, s)
        case Compare():
            return _comparison(expression, ignore_case)
        case OneOf(path, values):
            wanted = [_folded(value, ignore_case) for value in values]
            return lambda p, s: _folded(_value(path, p, s), ignore_case) in wanted
        case Match():
            return _match(expression, ignore_case)
        case Lambda():
            return _lambda(expression, ignore_case)


def _comparison(compare: Compare, ignore_case: bool) -> _Test:
    path, wanted = compare.path, _folded(compare.value, ignore_case)
    if compare.op in {"eq", "ne"}:
        expected = compare.op == "eq"
        return lambda p, s: (_folded(_value(path, p, s), ignore_case) == wanted) is expected

    def ordered(properties: Properties, scope: _Scope) -> bool:
        value = _folded(_value(path, properties, scope), ignore_case)
        if value is None or wanted is None or isinstance(value, str) is not isinstance(wanted, str):
            return False
        match compare.op:
            case "gt":
                return bool(value > wanted)
            case "ge":
                return bool(value >= wanted)
            case "lt":
                return bool(value < wanted)
            case _:
                return bool(value <= wanted)

    return ordered


def _match(match_: Match, ignore_case: bool) -> _Test:
    path, wanted = match_.path, str(_folded(match_.value, ignore_case))

    def test(properties: Properties, scope: _Scope) -> bool:
        value = _folded(_value(path, properties, scope), ignore_case)
        if not isinstance(value, str):
            return False
        if match_.function == "startswith":
            return value.startswith(wanted)
        return value.endswith(wanted) if match_.function == "endswith" else wanted in value

    return test


def _lambda(lambda_: Lambda, ignore_case: bool) -> _Test:
    path, variable = lambda_.path, lambda_.variable
    if lambda_.condition is None:
        return lambda p, s: bool(_value(path, p, s))
    condition = _test(lambda_.condition, ignore_case)
    quantifier = any if lambda_.quantifier == "any" else all

    def test(properties: Properties, scope: _Scope) -> bool:
        elements = _value(path, properties, scope) or []
        return quantifier(condition(properties, {**scope, variable: element}) for element in elements)

    return test


def _value(path: Path, properties: Properties, scope: _Scope) -> Any:
    value: Any = properties if path.variable is None else scope[path.variable]
    for part in path.parts:
        if part == "$count":
            return len(value or [])
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _folded(value: Literal | Any, ignore_case: bool) -> Any:
    return value.casefold() if ignore_case and isinstance(value, str) else value
