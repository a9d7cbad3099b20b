"""The answers that resources have in common: an object, a new one, an item of a plain set, a whole set."""

from collections.abc import Callable

from ..call import NO_CONTENT, Answer, Call, Json
from ..delta import delta
from ..directory.objects import DirectoryObject
from ..errors import not_found
from ..expanding import expanding
from ..listing import Visible, count_kind, list_kind, list_plain
from ..odata.shapes import checked_select, context, show
from ..routing import Handler, Needs, Route
from .lookup import lists_new


def one(call: Call, object_: DirectoryObject) -> Answer:
    """A directory object with what the query selects and expands; keys of certificates only where they are
    selected."""
    kind, names = object_.kind, call.query.select
    select, expand = checked_select(kind, names), expanding(call, kind)
    head = {"@odata.context": context(call.base_url, kind, expand.projection(names), entity=True)}
    shown = show(object_, select, keys="keyCredentials" in select)
    return Answer(200, {**head, **shown, **expand.shown(call, object_)})


def linked(call: Call, object_: DirectoryObject, select: tuple[str, ...] | None = None) -> Answer:
    """An object of whatever kind, as a link leads to it."""
    names = call.query.select if select is None else select
    head = {"@odata.context": context(call.base_url, "directoryObjects", entity=True)}
    return Answer(200, {**head, **show(object_, names, typed=True)})


def created(call: Call, object_: DirectoryObject, **once: object) -> Answer:
    """A new object; `once` is what is shown in this answer alone."""
    body = {"@odata.context": context(call.base_url, object_.kind, entity=True), **show(object_), **once}
    return Answer(201, body, headers={"Location": f"{call.base_url}/{object_.kind}s/{object_.id}"})


def upserted(
    call: Call,
    kind: str,
    change: Callable[[DirectoryObject, Json], None],
    create: Callable[[Json], DirectoryObject],
) -> Answer:
    """The object with the path's unique name changed or, with ``Prefer: create-if-missing``, made: never a second one
    for a key (graph contract "More operations")."""
    name, body = call.keys["uniqueName"], call.json()
    known = call.world.directory.set_of(kind).having("uniqueName", name)
    if known:
        change(known[0], body)
        return NO_CONTENT
    if not call.prefers("create-if-missing"):
        raise not_found(name)
    return created(call, create({**body, "uniqueName": name}))


def plain(call: Call, set_: str, item: Json, *, status: int = 200) -> Answer:
    """One item of a set that holds no directory objects, with what ``$select`` leaves of it."""
    names = call.query.select
    shown = {name: value for name, value in item.items() if not names or name in names}
    projection = f"({','.join(names)})" if names else ""
    return Answer(status, {"@odata.context": f"{call.base_url}/$metadata#{set_}{projection}/$entity", **shown})


def strings(call: Call, values: list[str]) -> Answer:
    return Answer(200, {"@odata.context": f"{call.base_url}/$metadata#Collection(Edm.String)", "value": values})


def found(items: list[Json], key: str, by: str = "id") -> Json:
    """The item with that id, in any case. Raises GraphError: 404."""
    item = next((each for each in items if each[by].lower() == key.lower()), None)
    if item is None:
        raise not_found(key)
    return item


def reading(
    path: str,
    key: str,
    items: Callable[[Call], list[Json]],
    needs: Needs = (),
    *,
    set_: str | None = None,
    by: str = "id",
) -> tuple[Route, ...]:
    """A set that holds no directory objects, and one of its items by its id; `set_` is its name in contexts."""
    name = set_ or path.removeprefix("/")

    def item(call: Call) -> Answer:
        return plain(call, name, found(items(call), call.keys[key], by))

    return (
        Route("GET", path, lambda call: list_plain(call, items(call), name), needs),
        Route("GET", f"{path}/{{{key}}}", item, needs),
    )


def deleting(find: Callable[[Call], DirectoryObject]) -> Handler:
    """Moves an object to the deleted items, from where it can be restored for 30 days."""

    def delete(call: Call) -> Answer:
        call.world.directory.delete(find(call))
        return NO_CONTENT

    return delete


def collection(
    kind: str,
    needs: Needs,
    *,
    units: int = 1,
    seen: Callable[[Call], Visible | None] = lambda call: lists_new(call.world),
    changes: bool = True,
) -> tuple[Route, ...]:
    """All objects of a kind: listed, counted and, where Graph has it, their changes."""

    def listed(call: Call) -> Answer:
        return list_kind(call, call.world.directory.set_of(kind), seen(call))

    def counted(call: Call) -> Answer:
        return count_kind(call, call.world.directory.set_of(kind))

    def changed(call: Call) -> Answer:
        return delta(call, call.world.directory.set_of(kind))

    return (
        Route("GET", f"/{kind}s", listed, needs, units),
        Route("GET", f"/{kind}s/$count", counted, needs),
        *([Route("GET", f"/{kind}s/delta", changed, needs)] if changes else []),
    )


def each[T](bases: tuple[str, ...], routes: Callable[[str], tuple[T, ...]]) -> tuple[T, ...]:
    """The same routes under each of the paths that lead to an object."""
    return tuple(route for base in bases for route in routes(base))
