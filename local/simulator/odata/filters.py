"""The `$filter` language: text to a tree. What the tree means for an object is in `evaluate`.

The subset of the graph contract, "Filter language": eq ne gt ge lt le, and or not, in, startsWith endsWith contains,
lambda any/all, literals with doubled apostrophes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

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


@dataclass(frozen=True, slots=True)
class Test:
    """A property compared: `op` is an operator or a function, of which only ``in`` has several values."""

    path: Path
    op: str
    values: tuple[Literal, ...]


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
class Junction:
    """All (``and``) or one of (``or``) the operands, of which none is a junction of the same word."""

    word: str
    operands: tuple["Expression", ...]


Expression = Test | Lambda | Not | Junction


class BadFilter(Exception):
    """The text is no filter; the message says where, as Graph's does."""


class _Token(NamedTuple):
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
FUNCTIONS: Final = {"startswith": "startsWith", "endswith": "endsWith", "contains": "contains"}
_OPERATORS = {"eq", "ne", "gt", "ge", "lt", "le", "in"}
_WORDS: dict[str, Literal] = {"true": True, "false": False, "null": None}


def parse(text: str) -> Expression:
    """The tree of a filter. Raises BadFilter: the text does not follow the grammar."""
    parser = _Parser(text)
    expression = parser.junction("or")
    parser.need("")
    return expression


def nodes(expression: Expression) -> Iterator[Expression]:
    """Every part of a filter, itself first."""
    yield expression
    match expression:
        case Junction(_, operands):
            for operand in operands:
                yield from nodes(operand)
        case Not(inner) | Lambda(condition=inner) if inner is not None:
            yield from nodes(inner)


def filter_paths(expression: Expression) -> Iterator[str]:
    """The first property of each path that starts at the object itself."""
    for node in nodes(expression):
        if isinstance(node, Test | Lambda) and node.path.variable is None and node.path.parts:
            yield node.path.parts[0]


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        found = _TOKENS.match(text, position)
        if found is None:
            if text[position] == "'":
                raise BadFilter(f"There is an unterminated string literal at position {len(text)} in '{text}'.")
            raise BadFilter(f"Syntax error: character '{text[position]}' is not valid at position {position}.")
        if found.lastgroup != "space":
            yield _Token(found.lastgroup or "", found.group(), position)
        position = found.end()
    yield _Token("end", "", position)


class _Parser:
    """Recursive descent: or < and < not < primary."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self._variables: list[str] = []

    def junction(self, word: str) -> Expression:
        operands: list[Expression] = []
        while not operands or self._takes(word):
            operand = self.junction("and") if word == "or" else self._negation()
            is_same = isinstance(operand, Junction) and operand.word == word
            operands.extend(operand.operands if isinstance(operand, Junction) and is_same else [operand])
        return operands[0] if len(operands) == 1 else Junction(word, tuple(operands))

    def need(self, text: str) -> None:
        if not self._takes(text):
            raise self._error()

    def _negation(self) -> Expression:
        if self._takes("not"):
            return Not(self._negation())
        if self._takes("("):
            inner = self.junction("or")
            self.need(")")
            return inner
        if self._word in FUNCTIONS and self._tokens[self._at + 1].text == "(":
            return self._function()
        return self._comparison()

    def _function(self) -> Test:
        name = self._next().text.lower()
        self.need("(")
        path = self._path()
        self.need(",")
        value = self._literal()
        self.need(")")
        if not isinstance(value, str):
            raise BadFilter(f"No function signature for the function with name '{name}' matches the arguments.")
        # ``startswith(...) eq true`` means the same as the call alone.
        if self._word == "eq" and self._tokens[self._at + 1].text == "true":
            self._at += 2
        return Test(path, name, (value,))

    def _comparison(self) -> Expression:
        path = self._path()
        quantifier = path.parts[-1].lower() if path.parts else ""
        if quantifier in {"any", "all"} and self._takes("("):
            return self._lambda(Path(path.parts[:-1], path.variable), quantifier)
        operator = self._word
        if operator not in _OPERATORS:
            raise self._error()
        self._at += 1
        if operator != "in":
            return Test(path, operator, (self._literal(),))
        self.need("(")
        values = [self._literal()]
        while self._takes(","):
            values.append(self._literal())
        self.need(")")
        return Test(path, operator, tuple(values))

    def _lambda(self, path: Path, quantifier: str) -> Lambda:
        if self._takes(")"):
            return Lambda(path, quantifier, "", None)
        variable = self._name()
        self.need(":")
        self._variables.append(variable)
        condition = self.junction("or")
        self._variables.pop()
        self.need(")")
        return Lambda(path, quantifier, variable, condition)

    def _path(self) -> Path:
        parts = [self._name()]
        while self._takes("/"):
            parts.append(self._name())
        return Path(tuple(parts[1:]), parts[0]) if parts[0] in self._variables else Path(tuple(parts))

    def _literal(self) -> Literal:
        kind, text, _ = self._tokens[self._at]
        if kind in {"end", "mark"} or (kind == "name" and text.lower() not in _WORDS):
            raise self._error()
        self._at += 1
        match kind:
            case "string":
                return text[1:-1].replace("''", "'")
            case "guid":
                return Guid(text)
            case "date":
                return DateTime(text) if "T" in text else Date(text)
            case "number":
                return float(text) if "." in text else int(text)
            case _:
                return _WORDS[text.lower()]

    def _name(self) -> str:
        if self._tokens[self._at].kind != "name":
            raise self._error()
        return self._next().text

    def _next(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    @property
    def _word(self) -> str:
        """The token in turn; a literal's own text has its quotes and is none of the words and marks."""
        return self._tokens[self._at].text.lower()

    def _takes(self, text: str) -> bool:
        if self._word != text:
            return False
        self._at += 1
        return True

    def _error(self) -> BadFilter:
        return BadFilter(f"Syntax error at position {self._tokens[self._at].position} in '{self._text}'.")
