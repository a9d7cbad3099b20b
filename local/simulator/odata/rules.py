"""What the directory refuses of a query that Graph's gateway has understood: operators that a property does not take,
advanced queries without their header, sorting, and the size of a filter.

What each property takes is data: ``capabilities.toml``, with its sources. The texts are Graph's; each function says
where from.
"""

import re
import tomllib
from functools import cache
from pathlib import Path as File
from typing import Any, Final

from ..errors import GraphError, bad_request, unsupported_query
from ..settings import OData
from .filters import Expression, Junction, Lambda, Literal, Not, Path, Test, filter_paths, nodes
from .query import Query

_TABLES: Final[dict[str, Any]] = tomllib.loads(
    File(__file__).with_name("capabilities.toml").read_text(encoding="utf-8")
)
_EQ, _STARTS, _ORDER, _NULL = range(4)
_NEVER = "...."
_MAX_OR, _MAX_HEIGHT = 15, 3
_MAX_VALUE = 120
"""Characters of a value compared with. Source: known issue 13635, "the maximum limit of the value to match"."""
_MAX_URL = 2048
"""Characters of the URL of an advanced query. Source: known issue 13635."""
_NUMBERED = re.compile(r"(?<=/extensionAttribute)(?:[1-9]|1[0-5])$")


def check_filter(kind: str, expression: Expression, rules: OData, *, advanced: bool) -> None:
    """Raises GraphError: 400 for what the directory does not run, or only as an advanced query."""
    for node in nodes(expression):
        if isinstance(node, Lambda) and (node.quantifier == "all" or node.condition is None):
            # microsoft-graph-docs #16382; "Use the $filter query parameter": `all` "isn't supported in Microsoft
            # Graph". For `any` without a condition UNVERIFIED.
            raise bad_request("Filter not supported.", "BadRequest")
    _check_combinations(expression, rules)
    _check_tree(kind, expression, {}, advanced=advanced)
    if not advanced:
        _check_size(expression)


def check_orderby(kind: str, query: Query) -> None:
    """Sources: microsoft-graph-docs-contrib #4187 and #3145 (with ``$filter``), #1354 (a property)."""
    if not query.orderby:
        return
    if query.filter is not None and not query.is_advanced:
        raise unsupported_query("Sorting not supported for current query.")
    for name, _ in query.orderby:
        level = _table(kind, "orderby").get(name)
        if level is None or (level == "A" and not query.is_advanced):
            raise unsupported_query(f"Unsupported sort property '{name}' for '{_resource(kind)}'.")


def check_options(query: Query, url: str) -> None:
    """Raises GraphError: 400 for options that no collection of directory objects takes."""
    if query.skip is not None:
        # microsoft-graph-docs #9279, msgraph-metadata #135.
        raise bad_request("'$skip' is not supported by the service.")
    if query.search is not None and not query.eventual:
        # "Advanced query capabilities", "Error handling".
        raise unsupported_query(
            "Request with $search query parameter only works through MSGraph with a special request header: "
            "'ConsistencyLevel: eventual'"
        )
    if query.is_advanced and query.skiptoken is None and len(url) > _MAX_URL:
        raise unsupported_query("The request URL is too long.")  # The limit is documented, the answer UNVERIFIED.


def can_search(kind: str, name: str) -> bool:
    """ "Any property that can be used in $filter can also be used inside $search" ("Use the $search parameter")."""
    return any(level != "." for level in _row(kind, name)) or any(level != "." for level in _row(kind, f"{name}/any"))


def _check_combinations(expression: Expression, rules: OData) -> None:
    names = set(filter_paths(expression))
    if "identities" in names and not isinstance(expression, Lambda):
        # microsoft-graph-docs #10672.
        raise unsupported_query("Complex query on property identities is not supported.")
    if rules.sign_in_activity_alone and "signInActivity" in names and len(names) > 1:
        raise bad_request(
            "Filter not supported: signInActivity cannot be combined with other properties.", "BadRequest"
        )


def _check_tree(kind: str, node: Expression, scope: dict[str, str], *, advanced: bool) -> None:
    match node:
        case Junction(_, operands):
            for operand in operands:
                _check_tree(kind, operand, scope, advanced=advanced)
        case Not(inner):
            _need_advanced("Not", advanced=advanced)
            _check_tree(kind, inner, scope, advanced=advanced)
        case Lambda(path, _, variable, condition) if condition is not None:
            inner_scope = {**scope, variable: f"{_key(path, scope)}/any"}
            _check_tree(kind, condition, inner_scope, advanced=advanced)
            _check_identities(kind, inner_scope[variable], condition)
        case Test(path, "startswith" | "endswith" | "contains" as function, (str() as value,)):
            _check_function(kind, function, _key(path, scope), value, advanced=advanced)
        case Test(path, op, values):
            if op in {"gt", "lt"}:
                # No page names them for directory objects; the text is that of other operators, UNVERIFIED.
                raise unsupported_query(f"Unsupported property filter clause operator '{op}'.")
            if op == "ne":
                _need_advanced("NotEqualsMatch", advanced=advanced)
            _check_values(kind, _key(path, scope), values, ordered=op in {"ge", "le"}, advanced=advanced)


def _check_values(kind: str, key: str, values: tuple[Literal, ...], *, ordered: bool, advanced: bool) -> None:
    if key.endswith("/$count"):
        levels = _table(kind, "count").get(key.removesuffix("/$count"), "..")
        for value in values:
            level = levels[int(value)] if value in {0, 1} and not ordered else "."
            _need(kind, key, level, advanced=advanced)
        return
    row = _row(kind, key)
    for value in values:
        column = _NULL if value is None else _ORDER if ordered else _EQ
        _need(kind, key, row[column], advanced=advanced)
        _check_length(kind, key, value, advanced=advanced)


def _check_function(kind: str, function: str, key: str, value: str, *, advanced: bool) -> None:
    if function == "contains":
        # "Use query parameters to customize PowerShell SDK query outputs", "Error handling".
        raise unsupported_query("Unsupported property filter clause operator 'Contains'.")
    if function == "endswith":
        _need_advanced("endsWith", advanced=advanced)
        if key not in _TABLES["ends_with"] or _row(kind, key) == _NEVER:
            raise _unfit(kind, key)
        return
    _need(kind, key, _row(kind, key)[_STARTS], advanced=advanced)
    _check_length(kind, key, value, advanced=advanced)


def _check_identities(kind: str, key: str, condition: Expression) -> None:
    """Source: resource type objectIdentity, "you must supply both issuer and issuerAssignedId"."""
    inside = {node.path.parts for node in nodes(condition) if isinstance(node, Test)}
    if key == "identities/any" and ("issuerAssignedId",) in inside and ("issuer",) not in inside:
        raise _unfit(kind, key)


def _check_length(kind: str, key: str, value: Literal, *, advanced: bool) -> None:
    """The text is from microsoft-graph-explorer-v4 #2103."""
    if isinstance(value, str) and len(value) > _MAX_VALUE and not advanced:
        raise _unfit(kind, key)


def _check_size(expression: Expression) -> None:
    """Texts: microsoft-graph-docs #21098 and #3641, and the whole answers in a public script ("Graph can only handle
    up to 15 OR clauses") and in a draft of Microsoft's ("Syntax for using the $filter OData query parameter", its
    last comment): code, message, full stop."""
    for node in nodes(expression):
        match node:
            case Junction("or", operands):
                alternatives = len(operands)
            case Test(_, _, values):
                alternatives = len(values)
            case _:
                continue
        if alternatives > _MAX_OR:
            raise unsupported_query(
                "Too many child clauses specified in search filter expression containing 'OR' operators: "
                f"{alternatives}. Max allowed: {_MAX_OR}."
            )
    height = _height(expression)
    if height > _MAX_HEIGHT:
        raise unsupported_query(
            f"Search filter expression has excessive height: {height}. Max allowed: {_MAX_HEIGHT}."
        )


def _height(node: Expression) -> int:
    """Levels of the tree, a chain of one operator being one level, and a lambda a level of its own.

    So counted each published refusal has the height that it names: ``(any and f) or (eq and eq and f)`` has four, by
    its lambda (that draft); ``((any or (eq and eq)) and f`` (#3641) and ``((a and b) or c) and d`` (Yvand/AzureCP).
    """
    match node:
        case Junction(_, operands):
            return 1 + max(_height(operand) for operand in operands)
        case Not(inner) | Lambda(condition=inner) if inner is not None:
            return 1 + _height(inner)
        case Test(_, _, values) if len(values) > 1:
            return 2
        case _:
            return 1


def _key(path: Path, scope: dict[str, str]) -> str:
    start = [scope[path.variable]] if path.variable is not None else []
    return "/".join([*start, *path.parts])


@cache
def _row(kind: str, key: str) -> str:
    if key.startswith("extension_"):
        kind, key = "user", "extension_"  # No other type has a table of them: they are taken to be alike.
    name = _NUMBERED.sub("", key)
    return _table(kind, "filter").get(name) or _table(kind, "pages").get(name, _NEVER)


def _table(kind: str, name: str) -> dict[str, str]:
    found: dict[str, str] = _TABLES.get(kind, {}).get(name, {})
    return found


def _need(kind: str, key: str, level: str, *, advanced: bool) -> None:
    if level not in ("DA" if advanced else "DO"):
        raise _unfit(kind, key)


def _need_advanced(operator: str, *, advanced: bool) -> None:
    """Documented for endsWith ("Advanced query capabilities", "Error handling"); `ne` and `not` have had texts of
    their own before, and are taken to have this one now: UNVERIFIED."""
    if not advanced:
        raise unsupported_query(
            f"Operator '{operator}' is not supported because the required parameters might be missing. Try adding "
            "$count=true query parameter and ConsistencyLevel:eventual header. Refer to "
            "https://aka.ms/graph-docs/advanced-queries for more information"
        )


def _unfit(kind: str, key: str) -> GraphError:
    """ "Advanced query capabilities", "Error handling": with and without the advanced parameters alike."""
    return unsupported_query(
        "Unsupported or invalid query filter clause specified for property "
        f"'{key.partition('/')[0]}' of resource '{_resource(kind)}'."
    )


def _resource(kind: str) -> str:
    return kind[0].upper() + kind[1:]
