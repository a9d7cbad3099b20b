"""Route templates and the order in which the host tries them.

A segment is a literal, `{name}`, or at the end `{*name}`, which takes all that is left: what Guestlist has. Anything
else of ASP.NET's templates (constraints, defaults, optional or mixed segments) stops the start.

Sources: `RoutePatternMatcher` and `PathTokenizer` of dotnet/aspnetcore; `FunctionMetadataManager`,
`WebScriptHostHttpRoutesManager` and `ScriptHost.ValidateHttpFunction` of azure-functions-host;
`WebJobsRouteBuilder` of azure-webjobs-sdk-extensions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from local.host.errors import StartError
from local.host.functions import Function, HttpTrigger
from local.host.logs import LOG

_RESERVED = "admin"
"""Routes that begin so are the host's own."""

_PARAMETER = re.compile(r"\{(?P<catch_all>\*{0,2})(?P<name>\w[\w\- ]*)\}")


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
class Segment:
    """What stands between two slashes: a literal in lower case, or the name of a parameter."""

    literal: str = ""
    name: str = ""
    catch_all: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed route."""

    segments: tuple[Segment, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Reads a template such as `groups/{id}/{*rest}`. Raises StartError: an empty segment, a name twice, a
        catch-all that is not last, or what this host does not take."""
        whole = text.removeprefix("/").removesuffix("/")
        segments = tuple(_segment(text, piece) for piece in whole.split("/")) if whole else ()
        names = [one.name.lower() for one in segments if one.name]
        if len(names) != len(set(names)):
            raise _invalid(text, "a parameter's name appears twice")
        if any(one.catch_all for one in segments[:-1]):
            raise _invalid(text, "a catch-all must be last")
        return cls(segments)

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters' values for a decoded path; None where it does not match.

        Literals are compared without case; a slash at the end does not matter, but a catch-all keeps it. A catch-all
        without a value is not in the answer.
        """
        path = path.removeprefix("/")
        pieces = path.removesuffix("/").split("/") if path else []
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            if index < len(pieces) and not pieces[index]:
                return None
            if segment.catch_all:
                rest = path.split("/", index)[index] if index < len(pieces) else ""
                return values | ({segment.name: rest} if rest else {})
            if index >= len(pieces):
                return None
            if segment.name:
                values[segment.name] = pieces[index]
            elif pieces[index].lower() != segment.literal:
                return None
        return values if len(pieces) == len(self.segments) else None


class Routes:
    """Finds the function for a path and a method."""

    def __init__(self, functions: Sequence[Function], prefix: str) -> None:
        """Reads the templates of every HTTP function, those that are disabled too. Raises StartError: a template
        cannot be read."""
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


def _segment(text: str, piece: str) -> Segment:
    if not piece:
        raise _invalid(text, "it has an empty segment")
    if found := _PARAMETER.fullmatch(piece):
        return Segment(name=found["name"], catch_all=bool(found["catch_all"]))
    if "{" in piece or "}" in piece:
        raise _invalid(text, f"'{piece}' is more than this host takes: text, {{name}} or {{*name}}")
    return Segment(literal=piece.lower())


def _invalid(text: str, why: str) -> StartError:
    return StartError(f"The route template '{text}' is not valid: {why}.")
