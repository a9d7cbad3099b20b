"""Collections over HTTP: filter by index or scan, page by page, counted when asked."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .call import Answer, Call, Json
from .directory import Directory
from .errors import GraphError, bad_request, unsupported_query
from .expanding import LINKS, expanding
from .objects import DirectoryObject, ObjectSet, OrderedIds
from .odata import shapes, types
from .odata.evaluate import Predicate, candidates, predicate, search
from .odata.filters import Expression, filter_paths
from .odata.naming import property_name, resolved
from .odata.query import Place, link, place, token
from .odata.rules import check_filter, check_options, check_orderby

Visible = Callable[[DirectoryObject], bool]


def list_kind(call: Call, objects: ObjectSet, visible: Visible | None = None) -> Answer:
    """All objects of one kind: $filter, $search, $orderby, $count, $select, $expand, paging."""
    query, kind = call.query, objects.kind
    expand = expanding(call, kind)
    asked = _checked(call, kind, advanced=query.is_advanced)
    select = shapes.checked_select(kind, query.select)
    wanted = None if asked.filter is None else candidates(asked.filter, objects)

    def all_after(ordinal: int) -> Iterator[tuple[int, DirectoryObject]]:
        pairs: Any = objects.ids.after(ordinal)
        if wanted is not None:
            pairs = sorted((n, id_) for id_ in wanted if (n := objects.ids.ordinal(id_)) > ordinal)
        for number, id_ in pairs:
            object_ = objects.get(id_)
            if object_ is not None and asked.keeps(object_, visible):
                yield number, object_

    def show(object_: DirectoryObject) -> Json:
        return {**shapes.show(object_, select), **expand.shown(call, object_)}

    return _answer(call, asked, all_after, show, shapes.context(call.base_url, kind, expand.projection(query.select)))


def list_links(
    call: Call,
    links: OrderedIds,
    *,
    cast: str | None = None,
    visible: Visible | None = None,
) -> Answer:
    """What an object links to (members, owners, memberOf …), typed; with a cast only that kind, untyped.

    "Use of $filter on the relationships […] is supported only with advanced query parameters" ("Advanced query
    capabilities"); sorting likewise.
    """
    query = call.query
    if (query.filter is not None or query.orderby) and not query.is_advanced:
        raise unsupported_query("Unsupported Query.")
    asked = _checked(call, cast, advanced=query.is_advanced)
    select = shapes.checked_select(cast, query.select) if cast else query.select

    def all_after(ordinal: int) -> Iterator[tuple[int, DirectoryObject]]:
        return ((number, o) for number, o in _linked(call, links, cast, ordinal) if asked.keeps(o, visible))

    context = shapes.context(call.base_url, cast or "directoryObjects", query.select)
    return _answer(call, asked, all_after, lambda o: shapes.show(o, select, typed=cast is None), context)


def _linked(
    call: Call, links: OrderedIds, cast: str | None, ordinal: int = 0
) -> Iterator[tuple[int, DirectoryObject]]:
    for number, id_ in links.after(ordinal):
        object_ = call.world.directory.find(id_)
        if object_ is not None and cast in (None, object_.kind):
            yield number, object_


def count_links(call: Call, links: OrderedIds, *, cast: str | None, visible: Visible | None = None) -> Answer:
    return _count(call, cast, (object_ for _, object_ in _linked(call, links, cast)), visible)


def count_kind(call: Call, objects: ObjectSet) -> Answer:
    return _count(call, objects.kind, objects)


def _count(
    call: Call, kind: str | None, objects: Iterable[DirectoryObject], visible: Visible | None = None
) -> Answer:
    """``/$count``: text/plain. Raises GraphError: 400 without ConsistencyLevel: eventual (graph contract "Users")."""
    if not call.query.eventual:
        raise bad_request("$count is not currently supported.")
    asked = _checked(call, kind, advanced=True)
    return Answer(200, text=str(sum(asked.keeps(object_, visible) for object_ in objects)))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query that has been checked: what it finds, and in which order."""

    filter: Expression | None
    test: Predicate | None
    search: Predicate | None
    orderby: tuple[tuple[str, bool], ...]
    counted: frozenset[str]
    """The links that the filter counts."""
    directory: Directory

    def keeps(self, object_: DirectoryObject, visible: Visible | None) -> bool:
        return (
            (self.test is None or self.test(self._seen(object_)))
            and (self.search is None or self.search(object_.properties))
            and (visible is None or visible(object_))
        )

    def _seen(self, object_: DirectoryObject) -> Json:
        if not self.counted:
            return object_.properties
        links = LINKS.get(object_.kind, {})
        found = {name: list(links[name](self.directory, object_.id)) for name in self.counted & links.keys()}
        return {**object_.properties, **found}


def _checked(call: Call, kind: str | None, *, advanced: bool) -> _Asked:
    """The query as the directory runs it. Of objects of several kinds it is what one of them can. Raises GraphError:
    400 for what Graph refuses of it."""
    check_options(call.query, f"{call.base_url}{call.path}?{call.raw_query}")
    if kind is not None:
        return _checked_of(call, kind, advanced=advanced)
    refused: GraphError | None = None
    for one in LINKS:
        try:
            return _checked_of(call, one, advanced=advanced)
        except GraphError as error:
            refused = refused or error
    raise refused or unsupported_query("Unsupported Query.")


def _checked_of(call: Call, kind: str, *, advanced: bool) -> _Asked:
    query, rules = call.query, call.world.settings.odata
    query = replace(query, orderby=tuple((property_name(kind, name), down) for name, down in query.orderby))
    found = None if query.search is None else search(kind, query.search)
    condition = None if query.filter is None else resolved(kind, query.filter)
    check_orderby(kind, query)
    if condition is None:
        return _Asked(None, None, found, query.orderby, frozenset(), call.world.directory)
    check_filter(kind, condition, rules, advanced=advanced)
    linked = types.navigation(kind) & set(filter_paths(condition))
    for name in linked - LINKS.get(kind, {}).keys():
        call.world.observations.shout("no such link here", kind=kind, name=name)
        raise unsupported_query(f"Filtering by '{name}' is not supported.")
    test = predicate(condition, ignore_case=rules.compare_ignores_case)
    return _Asked(condition, test, found, query.orderby, linked, call.world.directory)


def list_plain(
    call: Call,
    items: list[Json],
    context: str,
    *,
    size: int | None = None,
    max_top: int | None = None,
    always: tuple[str, ...] = (),
    filtered: bool = False,
) -> Answer:
    """A collection that is no set of directory objects (audit records, assignments, messages).

    Args:
        size: page size where the resource has one of its own; likewise `max_top`.
        always: names that stay whatever `$select` says.
        filtered: the items are those that `$filter` finds already.
    """
    query = call.query
    condition = None if filtered else query.filter
    ignore_case = call.world.settings.odata.compare_ignores_case
    keep = None if condition is None else predicate(condition, ignore_case=ignore_case)
    kept = [item for item in items if keep is None or keep(item)]
    for name, descending in reversed(query.orderby):
        kept.sort(key=lambda item: _sortable(item.get(name)), reverse=descending)
    kept = kept[query.skip or 0 :]

    def all_after(offset: int) -> Iterator[tuple[int, Json]]:
        yield from enumerate(kept[offset:], start=offset + 1)

    def shown(item: Json) -> Json:
        if not query.select:
            return item
        return {name: item[name] for name in (*always, *query.select) if name in item}

    whole = f"{call.base_url}/$metadata#{context}"
    return _page(call, all_after, shown, whole, size=size, max_top=max_top)


def _answer(
    call: Call,
    asked: _Asked,
    all_after: Callable[[int], Iterator[tuple[int, DirectoryObject]]],
    show: Callable[[DirectoryObject], Json],
    context: str,
) -> Answer:
    if not asked.orderby:
        return _page(call, all_after, show, context)
    ordered = [object_ for _, object_ in all_after(0)]
    for name, descending in reversed(asked.orderby):
        ordered.sort(key=lambda o: _sortable(o.get(name)), reverse=descending)
    return _page(call, lambda offset: iter(list(enumerate(ordered, 1))[offset:]), show, context)


def _page[T](
    call: Call,
    all_after: Callable[[int], Iterator[tuple[int, T]]],
    show: Callable[[T], Json],
    context: str,
    *,
    size: int | None = None,
    max_top: int | None = None,
) -> Answer:
    query, rules = call.query, call.world.settings.paging
    longest = max_top or rules.max_top
    if query.top is not None and not 1 <= query.top <= longest:
        raise unsupported_query(
            f"Invalid page size specified: '{query.top}'. Must be between 1 and {longest} inclusive."
        )
    size = query.top or size or rules.page_size
    start = place(query.skiptoken)
    body: Json = {"@odata.context": context}
    if query.count and query.eventual and start.number == 0:
        body["@odata.count"] = sum(1 for _ in all_after(0))
    page: list[Json] = []
    last, more = start.after, False
    empty_every = rules.empty_page_every
    is_empty_turn = empty_every > 0 and start.number % (empty_every + 1) == empty_every
    for number, item in all_after(start.after):
        if is_empty_turn or len(page) == size:
            more = True
            break
        page.append(show(item))
        last = number
    if more:
        body["@odata.nextLink"] = next_link(call, Place(last, start.number + 1))
    body["value"] = page
    return Answer(200, body)


def next_link(call: Call, at: Place) -> str:
    options = {name: value for name, value in call.query.raw.items() if name != "$skiptoken"}
    return link(call.base_url, call.path, {**options, "$skiptoken": token(at)})


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value.casefold() if isinstance(value, str) else value)
