"""From method and path to a handler. Knows OData's ways to write a segment, and no resource."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from .call import Answer, Call, Needs
from .errors import GraphError, denied, invalid_identifier, method_not_allowed, unknown_segment
from .odata.types import is_guid

Handler = Callable[[Call], Answer]


def any_of(*permissions: str | tuple[str, ...]) -> Needs:
    """Alternatives; a tuple is a set of permissions needed together."""
    return tuple(frozenset(p if isinstance(p, tuple) else (p,)) for p in permissions)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `needs` lists alternatives of application permissions; empty means any valid token.

    `units` is its cost (graph contract "Throttling"); a write costs one write besides.
    """

    method: str
    template: str
    handler: Handler
    needs: Needs = ()
    units: int = 1
    refusal: Callable[[Call], GraphError] = lambda _: denied()
    beta_only: bool = False

    def permits(self, call: Call) -> bool:
        return not self.needs or call.holds(self.needs)


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    name: str = ""
    routes: dict[str, Route] = field(default_factory=dict)


_KEYED = re.compile(r"(?P<name>[^()]+)\((?:(?P<alternate>\w+)=)?'?(?P<value>.*?)'?\)", re.DOTALL)
_NAMESPACE = re.compile(r"(?:microsoft\.)?graph\.(?=\w+(?:\(\))?$)", re.IGNORECASE)
_OBJECTS = frozenset({"application", "group", "object", "servicePrincipal"})
"""Parameters of templates that stand for the id of a directory object right behind its set."""
_FUNCTIONS = frozenset({"delta"})
"""What is read and yet an operation; others are known by being only posted to."""


def split_path(raw: str) -> tuple[str, list[str]]:
    """The decoded path and its segments.

    ``users('x')`` is users/x, ``groups(uniqueName='x')`` is groups/(uniqueName=)/x, ``microsoft.graph.user`` in any
    case is graph.user (graph contract "Pitfalls", "Paths on the wire", "Body tolerance"). ``x()`` keeps its
    parentheses: it can be a function alone.
    """
    parts = [unquote(part) for part in raw.split("/") if part]
    if parts[:1] == ["myorganization"]:  # the tenant by another name, as in the Azure AD Graph of old
        parts = parts[1:]
    segments: list[str] = []
    for part in parts:
        keyed = _KEYED.fullmatch(part) if part.endswith(")") and not part.endswith("()") else None
        if keyed:
            segments.append(keyed["name"])
            if keyed["alternate"]:
                segments.append(f"({keyed['alternate']}=)")
            segments.append(keyed["value"].replace("''", "'"))
        else:
            segments.append(_NAMESPACE.sub("graph.", part, count=1))
    return "/" + "/".join(parts), segments


class Router:
    """A tree of segments; a literal is preferred to a parameter, names ignore case."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, call: Call) -> Route:
        """The route of a call; fills `keys` and `template`. Raises GraphError: 400 for a segment nobody knows, 405
        for a method the path does not have."""
        node, keys = self._root, {}
        for depth, segment in enumerate(call.segments):
            following = _literal(node, segment)
            if following is None:
                following = node.parameter
                if following is None or segment.endswith("()") or _NAMESPACE.match(segment):
                    raise unknown_segment(_NAMESPACE.sub("microsoft.graph.", segment.removesuffix("()"), count=1))
                if depth == 1 and following.name in _OBJECTS and not is_guid(segment):
                    raise invalid_identifier(segment)
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


def _literal(node: _Node, segment: str) -> _Node | None:
    """The literal that a segment names: a property, a cast (``graph.user``), or an operation, which alone may have
    the namespace before it and parentheses behind."""
    name = segment.lower()
    plain = name.removesuffix("()")
    bare = _NAMESPACE.sub("", plain, count=1)
    if name == bare or (name == plain and plain in node.literals):
        return node.literals.get(plain)
    found = node.literals.get(bare) or node.literals.get(plain)
    is_operation = found is not None and bool(found.routes) and (bare in _FUNCTIONS or "GET" not in found.routes)
    return found if is_operation else None
