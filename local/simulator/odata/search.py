"""``$search`` on directory objects: ``"displayName:One" AND ("description:b" OR "mail:c")``.

Source: "Use the $search query parameter", "Using $search on directory object collections": each clause in double
quotes, AND and OR in upper case outside of them, parentheses; displayName and description are split into tokens, any
other property is compared as ``startswith`` does.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import GraphError, bad_request, unsupported_query
from .naming import property_name
from .rules import can_search

Properties = dict[str, Any]
Test = Callable[[Properties], bool]

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(AND|OR)\b|([()]))')
_SPLIT = frozenset({"displayName", "description"})
_WORD = re.compile(r"\d+|[^\W\d_]+|[^\w\s]|_")
_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")


def search(kind: str, text: str) -> Test:
    """Whether an object is found. Raises GraphError: 400 for a clause without quotes or property, or a property that
    cannot be searched."""
    return _Parser(kind, text).whole()


class _Parser:
    def __init__(self, kind: str, text: str) -> None:
        self._kind, self._text, self._at = kind, text.rstrip(), 0

    def whole(self) -> Test:
        test = self._junction("OR", any)
        if self._at < len(self._text):
            raise self._error()
        return test

    def _junction(self, word: str, quantifier: Callable[[Iterable[bool]], bool]) -> Test:
        tests: list[Test] = []
        while not tests or self._take(word):
            tests.append(self._junction("AND", all) if word == "OR" else self._clause())
        return lambda properties: quantifier(test(properties) for test in tests)

    def _clause(self) -> Test:
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
