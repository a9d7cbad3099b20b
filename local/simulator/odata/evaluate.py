"""What `$filter` and `$search` mean: whether an object matches, and which an index can offer instead of a scan."""

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ..errors import GraphError, bad_request, unsupported_query
from .filters import Expression, Junction, Lambda, Literal, Not, Path, Test
from .naming import property_name
from .rules import can_search

Properties = dict[str, Any]
Predicate = Callable[[Properties], bool]
_Scope = dict[str | None, Any]
"""The object under None, elements under the variables of lambdas."""


class Index(Protocol):
    """Objects by the value of a property."""

    def find(self, property_: str, value: str) -> Iterable[str] | None:
        """Ids of the objects whose property has (or whose collection holds) the value, or None: not indexed."""


def predicate(expression: Expression, *, ignore_case: bool) -> Predicate:
    """A function that says whether an object's properties match; values are compared as Graph compares them."""
    test = _test(expression, ignore_case)
    return lambda properties: test({None: properties})


def candidates(expression: Expression, index: Index, variable: str = "", elements_of: str = "") -> set[str] | None:
    """A superset of the matching ids taken from an index, or None when only a scan can tell.

    Args:
        variable: inside a lambda, what stands for an element of the property `elements_of`.
    """
    match expression:
        case Test(Path((name,), None), "eq" | "in", values):
            return _united(_found(index, name, value) for value in values)
        case Test(Path((), name), "eq", (value,)) if name == variable:
            return _found(index, elements_of, value)
        case Lambda(Path((name,), None), "any", inner, condition) if condition is not None:
            return candidates(condition, index, inner, name)
        case Junction("or", operands):
            return _united(candidates(operand, index, variable, elements_of) for operand in operands)
        case Junction(_, operands):
            sets = [candidates(operand, index, variable, elements_of) for operand in operands]
            known = [found for found in sets if found is not None]
            return set.intersection(*known) if known else None
        case _:
            return None


def _found(index: Index, property_: str, value: Literal) -> set[str] | None:
    ids = index.find(property_, value) if isinstance(value, str) else None
    return None if ids is None else set(ids)


def _united(sets: Iterable[set[str] | None]) -> set[str] | None:
    result: set[str] = set()
    for found in sets:
        if found is None:
            return None
        result |= found
    return result


def _test(expression: Expression, ignore_case: bool) -> Callable[[_Scope], bool]:
    match expression:
        case Junction(word, operands):
            tests = [_test(operand, ignore_case) for operand in operands]
            together = all if word == "and" else any
            return lambda scope: together(test(scope) for test in tests)
        case Not(inner):
            positive = _test(inner, ignore_case)
            return lambda scope: not positive(scope)
        case Test(path, op, values):
            compare, wanted = _COMPARE[op], [_folded(value, ignore_case) for value in values]
            return lambda scope: compare(_folded(_value(path, scope), ignore_case), wanted)
        case Lambda(path, quantifier, variable, condition):
            if condition is None:
                return lambda scope: bool(_value(path, scope))
            inside, quantified = _test(condition, ignore_case), any if quantifier == "any" else all
            return lambda scope: quantified(
                inside({**scope, variable: element}) for element in _value(path, scope) or []
            )


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, list[Any]], bool]:
    """Values of two kinds, and null, have no order."""

    def test(value: Any, wanted: list[Any]) -> bool:
        [other] = wanted
        comparable = value is not None and other is not None and isinstance(value, str) is isinstance(other, str)
        return comparable and compare(value, other)

    return test


def _of_texts(compare: Callable[[str, str], bool]) -> Callable[[Any, list[Any]], bool]:
    return lambda value, wanted: isinstance(value, str) and compare(value, wanted[0])


_COMPARE: dict[str, Callable[[Any, list[Any]], bool]] = {
    "eq": lambda value, wanted: value in wanted,
    "in": lambda value, wanted: value in wanted,
    "ne": lambda value, wanted: value not in wanted,
    "gt": _ordered(operator.gt),
    "ge": _ordered(operator.ge),
    "lt": _ordered(operator.lt),
    "le": _ordered(operator.le),
    "startswith": _of_texts(str.startswith),
    "endswith": _of_texts(str.endswith),
    "contains": _of_texts(str.__contains__),
}


def _value(path: Path, scope: _Scope) -> Any:
    value = scope[path.variable]
    for part in path.parts:
        if part == "$count":
            return len(value or [])
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _folded(value: Any, ignore_case: bool) -> Any:
    return value.casefold() if ignore_case and isinstance(value, str) else value


_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(AND|OR)\b|([()]))')
_SPLIT = frozenset({"displayName", "description"})
_WORD = re.compile(r"\d+|[^\W\d_]+|[^\w\s]|_")
_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")


def search(kind: str, text: str) -> Predicate:
    """Whether an object is found, as by ``"displayName:One" AND ("description:b" OR "mail:c")``.

    Raises GraphError: 400 for a clause without quotes or property, or a property that cannot be searched.

    Source: "Use the $search query parameter", "Using $search on directory object collections": each clause in double
    quotes, AND and OR in upper case outside of them, parentheses; displayName and description are split into tokens,
    any other property is compared as ``startswith`` does.
    """
    return _Search(kind, text).whole()


class _Search:
    def __init__(self, kind: str, text: str) -> None:
        self._kind, self._text, self._at = kind, text.rstrip(), 0

    def whole(self) -> Predicate:
        test = self._junction("OR", any)
        if self._at < len(self._text):
            raise self._error()
        return test

    def _junction(self, word: str, quantifier: Callable[[Iterable[bool]], bool]) -> Predicate:
        tests: list[Predicate] = []
        while not tests or self._take(word):
            tests.append(self._junction("AND", all) if word == "OR" else self._clause())
        return lambda properties: quantifier(test(properties) for test in tests)

    def _clause(self) -> Predicate:
        if self._take("("):
            inner = self._junction("OR", any)
            if not self._take(")"):
                raise self._error()
            return inner
        found = _TOKEN.match(self._text, self._at)
        if found is None or found[1] is None:
            raise self._error()
        self._at = found.end()
        name, mark, wanted = re.sub(r"\\(.)", r"\1", found[1]).partition(":")
        if not mark or not wanted:
            raise self._error()
        name = property_name(self._kind, name)
        if not can_search(self._kind, name):
            # The text is from microsoft-graph-docs #13246, where sorting was meant: UNVERIFIED here.
            raise unsupported_query("An unsupported property was specified.")
        return lambda properties: _finds(name, wanted, properties.get(name))

    def _take(self, word: str) -> bool:
        found = _TOKEN.match(self._text, self._at)
        if found is None or word not in (found[2], found[3]):
            return False
        self._at = found.end()
        return True

    def _error(self) -> GraphError:
        """The text is the gateway's for any syntax; its wording for ``$search`` is UNVERIFIED."""
        at = len(self._text) - len(self._text[self._at :].lstrip())
        odd = self._text[at : at + 1]
        what = f"character '{odd}' is not valid" if odd else "unexpected end of the expression"
        return bad_request(f"Syntax error: {what} at position {at} in '{self._text}'.", "BadRequest")


def _finds(name: str, wanted: str, value: Any) -> bool:
    if name not in _SPLIT:
        values = value if isinstance(value, list) else [value]
        return any(isinstance(v, str) and v.casefold().startswith(wanted.casefold()) for v in values)
    text = str(value or "")
    # Words that only symbols part are found as one, too.
    there = _words(text) | {re.sub(r"[\W_]", "", word).casefold() for word in text.split()}
    return all(any(word.startswith(part) for word in there) for part in _words(wanted))


def _words(text: str) -> set[str]:
    """Split at spaces, symbols, digits and where a small letter meets a capital."""
    return {part.casefold() for word in _CASE.split(text) for part in _WORD.findall(word)}
