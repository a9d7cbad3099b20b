"""ASP.NET route templates: parsing, matching and precedence, as the host's router has them.

A segment is matched as a regular expression made of its parts; constraints look at the values after that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import unquote

from local.host.constraints import Constraint, parse_constraint
from local.host.errors import StartError


@dataclass(frozen=True, slots=True)
class Parameter:
    """`{name}` of a template with what is written behind the name."""

    name: str
    constraints: tuple[Constraint, ...] = ()
    optional: bool = False
    catch_all: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """What stands between two slashes: literal text and parameters, in turn."""

    parts: tuple[str | Parameter, ...]

    @property
    def digit(self) -> int:
        """Rank of a segment, lower first (`RoutePrecedence.ComputeInbound` of ASP.NET Core)."""
        if len(self.parts) > 1:
            return 2
        part = self.parts[0]
        if isinstance(part, str):
            return 1
        rank = 5 if part.catch_all else 3
        return rank - 1 if part.constraints else rank

    @property
    def parameter(self) -> Parameter | None:
        """The segment's only part, where that is a parameter."""
        part = self.parts[0]
        return part if len(self.parts) == 1 and isinstance(part, Parameter) else None


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed route."""

    text: str
    segments: tuple[Segment, ...]
    precedence: tuple[int, ...] = field(init=False)
    """Templates are tried in this order: literal, several parts, constrained, parameter, catch-all."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "precedence", tuple(segment.digit for segment in self.segments))

    @classmethod
    def parse(cls, text: str) -> Template:
        """Reads a template such as `groups/{id:guid}/{*rest}`.

        Raises:
            StartError: unbalanced braces, an unknown constraint, a name twice, or a part out of place.
        """
        try:
            segments = tuple(_parse_segment(one) for one in _split(text.strip("/")))
        except ValueError as error:
            raise StartError(f"The route template '{text}' is not valid: {error}.") from error
        names = [part.name.lower() for one in segments for part in one.parts if isinstance(part, Parameter)]
        if len(names) != len(set(names)):
            raise StartError(f"The route template '{text}' is not valid: a parameter's name appears twice.")
        for index, segment in enumerate(segments[:-1]):
            parameter = segment.parameter
            if parameter and parameter.catch_all:
                raise StartError(f"The route template '{text}' is not valid: a catch-all must be last.")
            behind = segments[index + 1].parameter
            if parameter and parameter.optional and not (behind and behind.optional):
                raise StartError(f"The route template '{text}' is not valid: an optional part must be last.")
        return cls(text, segments)

    def match(self, raw_path: str) -> dict[str, str] | None:
        """The parameters' values for a path as it came over the wire; None where it does not match.

        Literals are compared without case; a slash at the end does not matter. A parameter that is left
        out is not in the answer.
        """
        wanted = raw_path.removeprefix("/").removesuffix("/")
        pieces = wanted.split("/") if wanted else []
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            parameter = segment.parameter
            if parameter and parameter.catch_all:
                rest = unquote("/".join(pieces[index:]))
                return values if _take(parameter, rest, values) else None
            if index >= len(pieces):
                if parameter and (parameter.optional or parameter.default is not None):
                    if parameter.default is not None:
                        values[parameter.name] = parameter.default
                    continue
                return None
            if not _match_segment(segment, unquote(pieces[index]), values):
                return None
        return values if len(pieces) <= len(self.segments) else None


def _match_segment(segment: Segment, piece: str, values: dict[str, str]) -> bool:
    pattern = "".join(
        re.escape(part) if isinstance(part, str) else f"(?P<p{index}>.+)" for index, part in enumerate(segment.parts)
    )
    found = re.fullmatch(pattern, piece, re.IGNORECASE | re.DOTALL)
    if found is None:
        return False
    return all(
        _take(part, found[f"p{index}"], values)
        for index, part in enumerate(segment.parts)
        if isinstance(part, Parameter)
    )


def _take(parameter: Parameter, value: str, values: dict[str, str]) -> bool:
    if not value and parameter.default is not None:
        value = parameter.default
    if not value:
        return parameter.catch_all or parameter.optional
    if not all(constraint(value) for constraint in parameter.constraints):
        return False
    values[parameter.name] = value
    return True


def _split(text: str) -> list[str]:
    """Cuts at the slashes that are not inside braces (a regular expression may hold one)."""
    pieces, depth, current = [], 0, ""
    index = 0
    while index < len(text):
        character = text[index]
        if depth and text[index : index + 2] in ("{{", "}}"):
            current += text[index : index + 2]
            index += 2
            continue
        depth += (character == "{") - (character == "}")
        if character == "/" and depth == 0:
            pieces.append(current)
            current = ""
        else:
            current += character
        index += 1
    if depth:
        raise ValueError("its braces are not balanced")
    return [*pieces, current] if text else []


def _parse_segment(text: str) -> Segment:
    if not text:
        raise ValueError("it has an empty segment")
    parts: list[str | Parameter] = []
    index = 0
    while index < len(text):
        if text[index] != "{":
            end = text.find("{", index)
            end = len(text) if end < 0 else end
            parts.append(text[index:end])
        else:
            end = _closing_brace(text, index) + 1
            parts.append(_parse_parameter(text[index + 1 : end - 1]))
        index = end
    if any(isinstance(one, Parameter) and isinstance(two, Parameter) for one, two in pairwise(parts)):
        raise ValueError("two parameters stand side by side")
    if len(parts) > 1 and any(isinstance(part, Parameter) and part.catch_all for part in parts):
        raise ValueError("a catch-all must be a segment of its own")
    return Segment(tuple(parts))


def _closing_brace(text: str, start: int) -> int:
    index = start + 1
    while index < len(text):
        if text[index : index + 2] in ("{{", "}}"):
            index += 2
        elif text[index] == "}":
            return index
        else:
            index += 1
    raise ValueError("its braces are not balanced")


def _parse_parameter(text: str) -> Parameter:
    catch_all = text.startswith("*")
    text = text.lstrip("*").replace("{{", "{").replace("}}", "}")
    name, *constraints = _split_constraints(text)
    default: str | None = None
    optional = False
    last = constraints[-1] if constraints else name
    if last.endswith("?") and not last.endswith(")?)"):
        optional, last = True, last[:-1]
    elif "=" in last and not last.endswith(")"):
        last, default = last.split("=", 1)
    if constraints:
        constraints[-1] = last
    else:
        name = last
    if not re.fullmatch(r"\w[\w\- ]*", name):
        raise ValueError(f"'{name}' is not a parameter's name")
    return Parameter(name, tuple(parse_constraint(one) for one in constraints), optional, catch_all, default)


def _split_constraints(text: str) -> Sequence[str]:
    """Cuts at the colons that are not inside parentheses."""
    pieces, depth, current = [], 0, ""
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == ":" and depth == 0:
            pieces.append(current)
            current = ""
        else:
            current += character
    return [*pieces, current]
