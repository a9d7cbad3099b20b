"""From method and path to a handler. Knows OData's ways to write a segment, and no resource."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from .call import Answer, Call
from .errors import GraphError, denied, method_not_allowed, unknown_segment

Handler = Callable[[Call], Answer]
Needs = tuple[frozenset[str], ...]


def any_of(*permissions: str | tuple[str, ...]) -> Needs:
    """Alternatives; a tuple is a set of permissions needed together."""
    return tuple(frozenset(p if isinstance(p, tuple) else (p,)) for p in permissions)


def _denied(_call: Call) -> GraphError:
    return denied()


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `needs` lists alternatives of application permissions; empty means any valid token.

    `units` is its cost (G2); a write costs one write besides.
    """

    method: str
    template: str
    handler: Handler
    needs: Needs = ()
    units: int = 1
    refusal: Callable[[Call], GraphError] = _denied
    beta_only: bool = False

    def permits(self, permissions: frozenset[str]) -> bool:
        return not self.needs or any(needed <= permissions for needed in self.needs)


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    name: str = ""
    routes: dict[str, Route] = field(default_factory=dict)


_KEYED = re.compile(r"(?P<name>[^()]+)\((?:(?P<alternate>\w+)=)?'?(?P<value>.*?)'?\)", re.DOTALL)


def split_path(raw: str) -> tuple[str, list[str]]:
    """The decoded path and its segments.

    ``users('x')`` is users/x, ``groups(uniqueName='x')`` is groups/(uniqueName=)/x, ``delta()`` is delta,
    ``microsoft.graph.user`` is graph.user (G4 "Paths on the wire", G5.22).
    """
    parts = [unquote(part) for part in raw.split("/") if part]
    segments: list[str] = []
    for part in parts:
        if part.endswith("()"):
            part = part[:-2]
        keyed = _KEYED.fullmatch(part) if part.endswith(")") else None
        if keyed:
            segments.append(keyed["name"])
            if keyed["alternate"]:
                segments.append(f"({keyed['alternate']}=)")
            segments.append(keyed["value"].replace("''", "'"))
        else:
            segments.append(part.removeprefix("microsoft.") if part.startswith("microsoft.graph.") else part)
    return "/" + "/".join(parts), segments


class Router:
    """A tree of segments; a literal is preferred to a parameter, names ignore case."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, call: Call) -> Route:
        """The route of a call; fills `keys` and `template`.

        Raises:
            GraphError: 400 for a segment nobody knows, 405 for a method the path does not have.
        """
        node, keys = self._root, {}
        for segment in call.segments:
            following = node.literals.get(segment.lower())
            if following is None:
                following = node.parameter
                if following is None:
                    raise unknown_segment(segment)
                keys[following.name] = segment
            node = following
        route = node.routes.get(call.method)
        if route is not None and route.beta_only and call.version != "beta":
            raise unknown_segment(call.segments[-1])
        if route is None:
            if not node.routes:
                raise unknown_segment(call.segments[-1] if call.segments else "")
            raise method_not_allowed()
        call.keys, call.template = keys, route.template
        return route

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.template.split("/")[1:]:
            if segment.startswith("{"):
                if node.parameter is None:
                    node.parameter = _Node(name=segment[1:-1])
                if node.parameter.name != segment[1:-1]:
                    raise ValueError(f"{route.template}: the parameter is called {node.parameter.name} elsewhere")
                node = node.parameter
            else:
                node = node.literals.setdefault(segment.lower(), _Node())
        if route.method in node.routes:
            raise ValueError(f"{route.method} {route.template} is routed twice")
        node.routes[route.method] = route
