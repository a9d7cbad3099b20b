"""Collections over HTTP: filter by index or scan, page by page, counted when asked."""

from collections.abc import Callable, Iterator
from typing import Any

from .call import Answer, Call, Json
from .directory.objects import DirectoryObject, ObjectSet, OrderedIds
from .errors import GraphError, bad_request
from .odata import shapes, types
from .odata.evaluate import Predicate, candidates, predicate
from .odata.paging import Place, link, place, token
from .odata.query import check_advanced, filter_paths

Visible = Callable[[DirectoryObject], bool]


def list_kind(call: Call, objects: ObjectSet, visible: Visible | None = None) -> Answer:
    """All objects of one kind: $filter, $search, $orderby, $count, $select, paging."""
    query, kind = call.query, objects.kind
    check_advanced(query, call.world.settings.odata)
    _check_names(call, kind)
    select = shapes.checked_select(kind, query.select)
    keep = _keep(call, visible)
    wanted = None if query.filter is None else candidates(query.filter, objects)

    def all_after(ordinal: int) -> Iterator[tuple[int, DirectoryObject]]:
        pairs: Any = objects.ids.after(ordinal)
        if wanted is not None:
            pairs = sorted((n, id_) for id_ in wanted if (n := objects.ids.ordinal(id_)) > ordinal)
        for number, id_ in pairs:
            object_ = objects.get(id_)
            if object_ is not None and keep(object_):
                yield number, object_

    return _answer(
        call, all_after, lambda o: shapes.show(o, select), shapes.context(call.base_url, kind, query.select)
    )


def list_links(
    call: Call,
    links: OrderedIds,
    *,
    cast: str | None = None,
    visible: Visible | None = None,
) -> Answer:
    """What an object links to (members, owners, memberOf …), typed; with a cast only that kind, untyped."""
    query = call.query
    check_advanced(query, call.world.settings.odata, default_filter=False)
    select = shapes.checked_select(cast, query.select) if cast else query.select
    keep, find = _keep(call, visible), call.world.directory.find

    def all_after(ordinal: int) -> Iterator[tuple[int, DirectoryObject]]:
        for number, id_ in links.after(ordinal):
            object_ = find(id_)
            if object_ is not None and (cast is None or object_.kind == cast) and keep(object_):
                yield number, object_

    name = cast or "directoryObjects"
    return _answer(
        call,
        all_after,
        lambda o: shapes.show(o, select, typed=cast is None),
        shapes.context(call.base_url, name, query.select),
    )


def count_links(call: Call, links: OrderedIds, *, cast: str | None, visible: Visible | None = None) -> Answer:
    """``/$count`` of links: text/plain, and only with ConsistencyLevel: eventual."""
    need_eventual(call)
    find, keep = call.world.directory.find, _keep(call, visible)
    number = sum(1 for id_ in links if (o := find(id_)) is not None and (cast is None or o.kind == cast) and keep(o))
    return Answer(200, text=str(number))


def count_kind(call: Call, objects: ObjectSet, visible: Visible | None = None) -> Answer:
    need_eventual(call)
    keep = _keep(call, visible)
    return Answer(200, text=str(sum(1 for object_ in objects if keep(object_))))


def need_eventual(call: Call) -> None:
    """Raises GraphError: a ``/$count`` segment without the header (G1.3)."""
    if not call.query.eventual:
        raise bad_request("$count is not currently supported.")


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
    keep = None if filtered else _condition(call)
    kept = [item for item in items if keep is None or keep(item)]
    for name, descending in reversed(query.orderby):
        kept.sort(key=lambda item: _sortable(item.get(name)), reverse=descending)

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
    all_after: Callable[[int], Iterator[tuple[int, DirectoryObject]]],
    show: Callable[[DirectoryObject], Json],
    context: str,
) -> Answer:
    query = call.query
    if not query.orderby:
        return _page(call, all_after, show, context)
    ordered = [object_ for _, object_ in all_after(0)]
    for name, descending in reversed(query.orderby):
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
    if query.top is not None and query.top > longest:
        raise bad_request(f"Invalid page size specified: '{query.top}'. Must be between 1 and {longest} inclusive.")
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


def _keep(call: Call, visible: Visible | None) -> Visible:
    condition, search = _condition(call), _search(call)

    def keep(object_: DirectoryObject) -> bool:
        return (
            (condition is None or condition(object_.properties))
            and (search is None or search(object_))
            and (visible is None or visible(object_))
        )

    return keep


def _condition(call: Call) -> Predicate | None:
    if call.query.filter is None:
        return None
    return predicate(call.query.filter, ignore_case=call.world.settings.odata.compare_ignores_case)


def _search(call: Call) -> Visible | None:
    """``$search="displayName:word"``: a word of the property starts with it."""
    if call.query.search is None:
        return None
    name, mark, text = call.query.search.strip().strip('"').partition(":")
    if not mark or not text:
        raise bad_request("Syntax error in the $search clause.", "Request_UnsupportedQuery")
    wanted = text.casefold()

    def matches(object_: DirectoryObject) -> bool:
        value = str(object_.get(name) or "").casefold()
        return value.startswith(wanted) or any(word.startswith(wanted) for word in value.split())

    return matches


def _check_names(call: Call, kind: str) -> None:
    """Refuse a filter or order on what the type does not have."""
    known = types.properties(kind)
    names = [name for name, _ in call.query.orderby]
    if call.query.filter is not None:
        names.extend(filter_paths(call.query.filter))
    for name in names:
        if name not in known and name not in types.navigation(kind) and not name.startswith("extension_"):
            raise GraphError(
                400,
                "BadRequest",
                f"Invalid filter clause: Could not find a property named '{name}' on type 'microsoft.graph.{kind}'.",
            )


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value.casefold() if isinstance(value, str) else value)
