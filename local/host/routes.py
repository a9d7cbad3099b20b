"""ASP.NET route templates: parsing and matching, and the order in which the host tries them.

A segment is matched as a regular expression made of its parts; constraints look at the values after that.

Sources: `RoutePatternMatcher` and `PathTokenizer` of dotnet/aspnetcore; `FunctionMetadataManager`,
`WebScriptHostHttpRoutesManager` and `ScriptHost.ValidateHttpFunction` of azure-functions-host;
`WebJobsRouteBuilder` of azure-webjobs-sdk-extensions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import unquote_to_bytes

from local.host.constraints import Constraint, parse_constraint
from local.host.errors import StartError
from local.host.functions import Function, HttpTrigger
from local.host.logs import LOG

_RESERVED = "admin"
"""Routes that begin so are the host's own."""


def decode_path(raw: str) -> str:
    """A path as Kestrel hands it to the router: escapes decoded, but for ``%2F`` and what is not UTF-8, and dot
    segments taken out.

    Source: `UrlDecoder` and `PathNormalizer` of dotnet/aspnetcore.
    """
    decoded = re.sub(r"(?:%(?!2[Ff])[0-9A-Fa-f]{2})+", _decode_escapes, raw)
    if "/." not in decoded:
        return decoded
    kept: list[str] = []
    *folders, last = decoded.split("/")[1:]
    for piece in folders:
        if piece == "..":
            del kept[-1:]
        elif piece != ".":
            kept.append(piece)
    if last == "..":
        del kept[-1:]
    return "/" + "/".join([*kept, "" if last in (".", "..") else last])


def _decode_escapes(found: re.Match[str]) -> str:
    # A byte that is not UTF-8 comes out as a lone surrogate, and is written as an escape again.
    text = unquote_to_bytes(found[0]).decode(errors="surrogateescape")
    return re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", text)


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
    def parameter(self) -> Parameter | None:
        """The segment's only part, where that is a parameter."""
        part = self.parts[0]
        return part if len(self.parts) == 1 and isinstance(part, Parameter) else None


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed route."""

    text: str
    segments: tuple[Segment, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Reads a template such as `groups/{id:guid}/{*rest}`.

        Raises:
            StartError: unbalanced braces, an unknown constraint, a name twice, or a part out of place.
        """
        try:
            segments = tuple(_parse_segment(one) for one in _split(text.removeprefix("/").removesuffix("/")))
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

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters' values for a decoded path; None where it does not match.

        Literals are compared without case; a slash at the end does not matter, but a catch-all keeps it. A parameter
        that is left out is not in the answer.
        """
        path = path.removeprefix("/")
        pieces = path.removesuffix("/").split("/") if path else []
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            parameter = segment.parameter
            given = index < len(pieces)
            if given and not pieces[index]:
                return None
            if parameter and parameter.catch_all:
                rest = path.split("/", index)[index] if given else ""
                return values if _take(parameter, rest, values) else None
            if not given:
                if parameter and (parameter.optional or parameter.default is not None):
                    if parameter.default is not None:
                        values[parameter.name] = parameter.default
                    continue
                return None
            if not _match_segment(segment, pieces[index], values):
                return None
        return values if len(pieces) <= len(self.segments) else None


class Routes:
    """Finds the function for a path and a method."""

    def __init__(self, functions: Sequence[Function], prefix: str) -> None:
        """Reads the templates of every HTTP function, those that are disabled too.

        Raises:
            StartError: a template cannot be read.
        """
        self.entries: list[tuple[Template, Function, HttpTrigger]] = []
        # The host sorts by StringComparer.OrdinalIgnoreCase, which compares upper case: "_" comes after "Z".
        for function in sorted(functions, key=lambda one: one.name.upper()):
            trigger = function.trigger
            if not isinstance(trigger, HttpTrigger):
                continue
            if trigger.route.strip("/").lower().startswith(_RESERVED):
                LOG.error(
                    "The '%s' function is in error: The specified route conflicts with one or more built in routes.",
                    function.name,
                )
                continue
            text = f"{prefix}/{trigger.route}" if prefix else trigger.route
            self.entries.append((Template.parse(text), function, trigger))

    def find(self, method: str, path: str) -> tuple[Function, HttpTrigger, dict[str, str]] | None:
        """The first function, in the order of their names, whose template and methods fit a decoded path.

        A wrong method is no match, HEAD on a GET route included (azure-functions-host issues 10098 and 11625, both
        open; pull request 11658, which adds HEAD to GET, was not released when this was written).
        """
        for template, function, trigger in self.entries:
            if trigger.methods and method not in trigger.methods:
                continue
            if (values := template.match(path)) is not None:
                return function, trigger, values
        return None


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
