"""The `$filter` language: text to a tree. What the tree means for an object is in `evaluate`.

The subset of the graph contract, "Filter language": eq ne gt ge lt le, and or not, in, startsWith endsWith contains,
lambda any/all, literals with doubled apostrophes.
"""

import re
from dataclasses import dataclass

Literal = str | int | float | bool | None


class Guid(str):
    """A GUID without quotes; a text of the same look is a `str`."""

    __slots__ = ()


class Date(str):
    """A day without quotes."""

    __slots__ = ()


class DateTime(str):
    """A moment without quotes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Path:
    """A property path; `variable` is the lambda variable it starts with, if any (``o`` alone has no parts)."""

    parts: tuple[str, ...]
    variable: str | None = None

    def __str__(self) -> str:
        return "/".join(self.parts)


@dataclass(frozen=True, slots=True)
class Compare:
    path: Path
    op: str
    value: Literal


@dataclass(frozen=True, slots=True)
class OneOf:
    path: Path
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """startswith, endswith or contains."""

    function: str
    path: Path
    value: str


@dataclass(frozen=True, slots=True)
class Lambda:
    """``path/any(v: condition)``; without a condition it asks whether the collection has elements."""

    path: Path
    quantifier: str
    variable: str
    condition: "Expression | None"


@dataclass(frozen=True, slots=True)
class Not:
    inner: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Or:
    left: "Expression"
    right: "Expression"


Expression = Compare | OneOf | Match | Lambda | Not | And | Or


class BadFilter(Exception):
    """The text is no filter; the message says where, as Graph's does."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


_TOKENS = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w-]))"
    r"|(?P<date>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_$@][\w.$@]*)"
    r"|(?P<mark>[()/,:])"
)
_COMPARISONS = {"eq", "ne", "gt", "ge", "lt", "le"}
_FUNCTIONS = {"startswith", "endswith", "contains"}


def parse(text: str) -> Expression:
    """The tree of a filter.

    Raises:
        BadFilter: the text does not follow the grammar.
    """
    parser = _Parser(text)
    expression = parser.disjunction()
    parser.expect_end()
    return expression


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    while position < len(text):
        found = _TOKENS.match(text, position)
        if found is None:
            if text[position] == "'":
                raise BadFilter(f"There is an unterminated string literal at position {len(text)} in '{text}'.")
            raise BadFilter(f"Syntax error: character '{text[position]}' is not valid at position {position}.")
        if found.lastgroup != "space":
            tokens.append(_Token(found.lastgroup or "", found.group(), position))
        position = found.end()
    return tokens


class _Parser:
    """Recursive descent: or < and < not < primary."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0
        self._variables: list[str] = []

    def disjunction(self) -> Expression:
        left = self._conjunction()
        while self._take_word("or"):
            left = Or(left, self._conjunction())
        return left

    def expect_end(self) -> None:
        if self._next < len(self._tokens):
            raise self._error()

    def _conjunction(self) -> Expression:
        left = self._negation()
        while self._take_word("and"):
            left = And(left, self._negation())
        return left

    def _negation(self) -> Expression:
        if self._take_word("not"):
            return Not(self._negation())
        return self._primary()

    def _primary(self) -> Expression:
        if self._take_mark("("):
            inner = self.disjunction()
            self._need_mark(")")
            return inner
        token = self._peek()
        if token is not None and token.kind == "name" and token.text.lower() in _FUNCTIONS:
            following = self._peek(1)
            if following is not None and following.text == "(":
                return self._function(token.text.lower())
        return self._comparison()

    def _function(self, name: str) -> Match:
        self._next += 1
        self._need_mark("(")
        path = self._path()
        self._need_mark(",")
        value = self._literal()
        self._need_mark(")")
        if not isinstance(value, str):
            raise BadFilter(f"No function signature for the function with name '{name}' matches the arguments.")
        self._take_true()
        return Match(name, path, value)

    def _take_true(self) -> None:
        """``startswith(...) eq true`` means the same as the call alone."""
        token, value = self._peek(), self._peek(1)
        if token is not None and token.text.lower() == "eq" and value is not None and value.text == "true":
            self._next += 2

    def _comparison(self) -> Expression:
        path = self._path()
        if path.parts and path.parts[-1].lower() in {"any", "all"} and self._take_mark("("):
            return self._lambda(Path(path.parts[:-1], path.variable), path.parts[-1].lower())
        token = self._take("name")
        operator = token.text.lower()
        if operator == "in":
            self._need_mark("(")
            values = [self._literal()]
            while self._take_mark(","):
                values.append(self._literal())
            self._need_mark(")")
            return OneOf(path, tuple(values))
        if operator not in _COMPARISONS:
            self._next -= 1
            raise self._error()
        return Compare(path, operator, self._literal())

    def _lambda(self, path: Path, quantifier: str) -> Lambda:
        if self._take_mark(")"):
            return Lambda(path, quantifier, "", None)
        variable = self._take("name").text
        self._need_mark(":")
        self._variables.append(variable)
        condition = self.disjunction()
        self._variables.pop()
        self._need_mark(")")
        return Lambda(path, quantifier, variable, condition)

    def _path(self) -> Path:
        parts = [self._take("name").text]
        while self._take_mark("/"):
            parts.append(self._take("name").text)
        if parts[0] in self._variables:
            return Path(tuple(parts[1:]), parts[0])
        return Path(tuple(parts))

    def _literal(self) -> Literal:
        token = self._peek()
        if token is None:
            raise self._error()
        self._next += 1
        if token.kind == "string":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "guid":
            return Guid(token.text)
        if token.kind == "date":
            return DateTime(token.text) if "T" in token.text else Date(token.text)
        if token.kind == "number":
            return float(token.text) if "." in token.text else int(token.text)
        words: dict[str, Literal] = {"true": True, "false": False, "null": None}
        if token.kind == "name" and token.text.lower() in words:
            return words[token.text.lower()]
        self._next -= 1
        raise self._error()

    def _peek(self, ahead: int = 0) -> _Token | None:
        index = self._next + ahead
        return self._tokens[index] if index < len(self._tokens) else None

    def _take(self, kind: str) -> _Token:
        token = self._peek()
        if token is None or token.kind != kind:
            raise self._error()
        self._next += 1
        return token

    def _take_word(self, word: str) -> bool:
        token = self._peek()
        if token is not None and token.kind == "name" and token.text.lower() == word:
            self._next += 1
            return True
        return False

    def _take_mark(self, mark: str) -> bool:
        token = self._peek()
        if token is not None and token.kind == "mark" and token.text == mark:
            self._next += 1
            return True
        return False

    def _need_mark(self, mark: str) -> None:
        if not self._take_mark(mark):
            raise self._error()

    def _error(self) -> BadFilter:
        token = self._peek()
        position = token.position if token is not None else len(self._text)
        return BadFilter(f"Syntax error at position {position} in '{self._text}'.")
