"""The query options of a request, decoded and checked; and the rules for advanced queries (G1.3, G5.15)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from ..errors import GraphError, bad_request, unsupported_query
from ..settings import OData
from .filters import And, BadFilter, Compare, Expression, Lambda, Match, Not, OneOf, Or, parse

_KNOWN = {
    "$filter",
    "$select",
    "$expand",
    "$top",
    "$skip",
    "$count",
    "$orderby",
    "$search",
    "$skiptoken",
    "$deltatoken",
    "$format",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What a client asked of a collection or an object."""

    filter: Expression | None = None
    select: tuple[str, ...] = ()
    expand: str | None = None
    top: int | None = None
    count: bool = False
    orderby: tuple[tuple[str, bool], ...] = ()
    """(property, descending)"""
    search: str | None = None
    skiptoken: str | None = None
    deltatoken: str | None = None
    eventual: bool = False
    """The request carries ConsistencyLevel: eventual."""
    raw: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_advanced(self) -> bool:
        return self.eventual and self.count


def parse_query(raw: str, *, consistency: str | None) -> Query:
    """The options of a raw query string; ``%24filter`` and ``$filter`` are the same, ``+`` is a space.

    Raises:
        GraphError: 400 for an unknown option or a value that is none.
    """
    if not raw:
        return Query(eventual=_is_eventual(consistency))
    options: dict[str, str] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        if name.startswith("$"):
            if name.lower() not in _KNOWN:
                raise bad_request(f"The query parameter '{name}' is not supported.", "BadRequest")
            name = name.lower()
        options[name] = value
    return Query(
        filter=_filter(options.get("$filter")),
        select=_names(options.get("$select")),
        expand=options.get("$expand") or None,
        top=_top(options.get("$top")),
        count=options.get("$count", "").lower() == "true",
        orderby=_orderby(options.get("$orderby")),
        search=options.get("$search"),
        skiptoken=options.get("$skiptoken"),
        deltatoken=options.get("$deltatoken"),
        eventual=_is_eventual(consistency),
        raw=options,
    )


def _is_eventual(consistency: str | None) -> bool:
    return consistency is not None and consistency.strip().lower() == "eventual"


def _filter(text: str | None) -> Expression | None:
    if text is None:
        return None
    try:
        return parse(text)
    except BadFilter as error:
        raise bad_request(f"Invalid filter clause: {error}", "BadRequest") from error


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise bad_request(f"Invalid value '{text}' for $top query option found.", "BadRequest")
    return int(text)


def _orderby(text: str | None) -> tuple[tuple[str, bool], ...]:
    result = []
    for part in _names(text):
        name, _, direction = part.partition(" ")
        result.append((name, direction.strip().lower() == "desc"))
    return tuple(result)


# What the directory can be asked without the advanced headers (G1.3); anything else needs them.
_DEFAULT_ONLY_ADVANCED = {"companyName"}


def check_advanced(query: Query, rules: OData, *, default_filter: bool = True) -> None:
    """Refuse what needs ConsistencyLevel: eventual and $count=true while one of them is missing.

    Args:
        default_filter: whether the collection can be filtered at all without the headers (members cannot).

    Raises:
        GraphError: 400 Request_UnsupportedQuery.
    """
    if query.is_advanced:
        if query.expand is not None:
            raise unsupported_query("$expand is not supported with advanced queries.")
        _check_filter(query, rules)
        return
    if _needs_headers(query, rules, default_filter=default_filter):
        raise unsupported_query(
            "Unsupported Query. The query needs the header ConsistencyLevel: eventual and $count=true."
        )
    _check_filter(query, rules)


def _needs_headers(query: Query, rules: OData, *, default_filter: bool) -> bool:
    if query.search is not None or (query.orderby and (query.filter is not None or not default_filter)):
        return True
    if query.filter is None:
        return False
    return not default_filter or any(_is_advanced(node, rules) for node in _nodes(query.filter))


def _is_advanced(node: Expression, rules: OData) -> bool:
    match node:
        case Not():
            return True
        case Compare(path, op, _):
            first = path.parts[0] if path.parts and path.variable is None else ""
            return (
                op == "ne"
                or first in _DEFAULT_ONLY_ADVANCED
                or "$count" in path.parts
                or (first == "externalUserState" and rules.external_user_state_is_advanced)
            )
        case Match(function, path, _):
            return function == "endswith" or path.parts[:1] == ("companyName",)
        case OneOf(path, _):
            return path.parts[:1] == ("companyName",)
        case Lambda(_, quantifier, _, condition):
            return quantifier == "all" or condition is None
        case _:
            return False


def _check_filter(query: Query, rules: OData) -> None:
    if query.filter is None:
        return
    nodes = list(_nodes(query.filter))
    if any(isinstance(node, Match) and node.function == "contains" for node in nodes):
        raise unsupported_query("Filter operator 'contains' is not supported.")
    if rules.sign_in_activity_alone:
        names = {
            node.path.parts[0]
            for node in nodes
            if isinstance(node, Compare | OneOf | Match) and node.path.parts and node.path.variable is None
        }
        if "signInActivity" in names and len(names) > 1:
            raise GraphError(
                400, "BadRequest", "Filter not supported: signInActivity cannot be combined with other properties."
            )


def _nodes(expression: Expression) -> Iterator[Expression]:
    yield expression
    match expression:
        case And(left, right) | Or(left, right):
            yield from _nodes(left)
            yield from _nodes(right)
        case Not(inner):
            yield from _nodes(inner)
        case Lambda(_, _, _, condition) if condition is not None:
            yield from _nodes(condition)
        case _:
            return


def filter_paths(expression: Expression) -> Iterator[str]:
    """The first property of each path that starts at the object itself."""
    for node in _nodes(expression):
        if isinstance(node, Compare | OneOf | Match | Lambda) and node.path.variable is None and node.path.parts:
            yield node.path.parts[0]
