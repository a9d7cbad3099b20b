"""The query options of a request, decoded, with paging tokens and next links (graph contract "Paging"). What the
directory refuses of the options is in `rules`."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from ..errors import GraphError, bad_request
from .filters import BadFilter, Expression, parse

_KNOWN = {
    *("$filter", "$select", "$expand", "$top", "$skip", "$count", "$orderby", "$search", "$skiptoken"),
    *("$deltatoken", "$format"),
}


@dataclass(frozen=True, slots=True)
class Query:
    """What a client asked of a collection or an object."""

    filter: Expression | None = None
    select: tuple[str, ...] = ()
    expand: str | None = None
    top: int | None = None
    skip: int | None = None
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
        """Whether the index of advanced queries answers. With ``$expand`` the directory itself does, whatever else
        is asked: microsoft-graph-docs-contrib #9095."""
        return self.eventual and (self.count or self.search is not None) and self.expand is None


def parse_query(raw: str, *, consistency: str | None) -> Query:
    """The options of a raw query string; ``%24filter`` and ``$filter`` are the same, ``+`` is a space. Raises
    GraphError: 400 for an unknown option or a value that is none."""
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
        top=_number("$top", options.get("$top")),
        skip=_number("$skip", options.get("$skip")),
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


def _number(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal():
        raise bad_request(
            f"Invalid value '{text}' for {name} query option found. "
            f"The {name} query option requires a non-negative integer value.",
            "BadRequest",
        )
    return int(text)


def _orderby(text: str | None) -> tuple[tuple[str, bool], ...]:
    result = []
    for part in _names(text):
        name, _, direction = part.partition(" ")
        result.append((name, direction.strip().lower() == "desc"))
    return tuple(result)


Expansion = dict[str, "Expansion"]


def parse_expand(text: str | None) -> Expansion:
    """Each link asked for with what is to be expanded behind it. Other options of a link are read over. Raises
    GraphError: 400 for parentheses that do not match."""
    result: Expansion = {}
    for name, options in links(text):
        inner = next((o[len("$expand=") :] for o in options if o.startswith("$expand=")), None)
        result[name] = parse_expand(inner)
    return result


def links(text: str | None) -> list[tuple[str, list[str]]]:
    """Each link asked for, with its options (``$select=id,mail``). Raises GraphError: as `parse_expand` does."""
    result = []
    for part in _split(text or "", ","):
        name, options = part, ""
        if part.endswith(")"):
            name, _, options = part[:-1].partition("(")
        result.append((name.strip(), _split(options, ";")))
    return result


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that stand outside parentheses; empty ones are left out."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
        if character == mark and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    if depth != 0:
        raise bad_request("Parsing OData Select and Expand failed: parentheses do not match.", "BadRequest")
    return [part.strip() for part in parts if part.strip()]


class Place(msgspec.Struct, array_like=True):
    """Where the next page begins: after an ordinal (or at an offset where the order is another), page number."""

    after: int = 0
    number: int = 0


def token(state: msgspec.Struct) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(state)).decode().rstrip("=")


def state_in[T](token_: str, type_: type[T], refusal: GraphError) -> T:
    """The reverse of `token`. Raises GraphError: the refusal, for a token that was not made here."""
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(token_ + "=" * (-len(token_) % 4)), type=type_)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise refusal from error


def place(token_: str | None) -> Place:
    """Raises GraphError: 400 for a token that was not made here."""
    if token_ is None:
        return Place()
    return state_in(token_, Place, bad_request("Invalid skip token.", "Directory_ExpiredPageToken"))


def link(base_url: str, path: str, options: dict[str, str]) -> str:
    """An absolute link, on the base URL the client used; option names keep their ``$``."""
    return f"{base_url}{quote(path, safe='/$()=,')}?{urlencode(options, safe='$,', quote_via=quote)}"
