"""What resources have in common: the answers with an object, a new one, an item of a plain set or a whole set; the
routes of what an object links to: listed, counted, cast to one kind, as bare references, added and removed."""

from collections.abc import Callable

from ..call import NO_CONTENT, Answer, Call, Json, Needs
from ..delta import delta
from ..errors import bad_request, not_found
from ..expanding import expanding
from ..listing import Visible, count_kind, count_links, list_kind, list_links, list_plain
from ..objects import DirectoryObject, OrderedIds
from ..odata.shapes import checked_select, context, show
from ..routing import Handler, Route
from .lookup import lists_new, reference_in, referenced

Find = Callable[[Call], DirectoryObject]
Ids = Callable[[Call], OrderedIds]
Kinds = tuple[str | None, ...]
PEOPLE_AND_GROUPS: Kinds = (None, "user", "group", "servicePrincipal")


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


def listed(
    path: str,
    ids: Ids,
    needs: Needs,
    *,
    casts: Kinds = (None,),
    units: int = 1,
    counted: bool = True,
    visible: Callable[[Call], Visible | None] = lambda _: None,
) -> tuple[Route, ...]:
    """The collection at a path, whole (None) and cast to each of the kinds.

    Args:
        visible: which of the objects a call can see, where not all of them.
    """

    def routes(cast: str | None) -> list[Route]:
        def listing(call: Call) -> Answer:
            return list_links(call, ids(call), cast=cast, visible=visible(call))

        def counting(call: Call) -> Answer:
            return count_links(call, ids(call), cast=cast, visible=visible(call))

        under = path if cast is None else f"{path}/graph.{cast}"
        count = [Route("GET", f"{under}/$count", counting, needs)] if counted else []
        return [Route("GET", under, listing, needs, units), *count]

    return tuple(route for cast in casts for route in routes(cast))


def references(
    path: str, ids: Ids, needs: Needs, visible: Callable[[Call], Visible | None] = lambda _: None
) -> Route:
    """The same collection as references alone. Their base is another one than Graph's (documented as incorrect).

    Source: "Customize responses with query parameters" (references) in Microsoft's v1.0 documentation.
    """

    def answer(call: Call) -> Answer:
        if call.query.select or call.query.expand:
            raise bad_request("The query specified in the URI is not valid.", "BadRequest")  # UNVERIFIED text
        body = list_links(call, ids(call), visible=visible(call)).body
        base = f"{call.base_url.rpartition('/')[0]}/v2/{call.world.directory.tenant.id}/directoryObjects"
        links = [
            {"@odata.id": f"{base}/{item['id']}/Microsoft.DirectoryServices.{_capital(item['@odata.type'])}"}
            for item in body["value"]
        ]
        return Answer(200, {**body, "@odata.context": f"{call.base_url}/$metadata#Collection($ref)", "value": links})

    return Route("GET", f"{path}/$ref", answer, needs)


def changed(
    path: str,
    key: str,
    find: Find,
    needs: Needs,
    *,
    add: Callable[[Call, DirectoryObject, DirectoryObject], None],
    remove: Callable[[Call, DirectoryObject, str], None],
) -> tuple[Route, ...]:
    """A reference added, or one removed by its id (`key`)."""

    def adding(call: Call) -> Answer:
        object_ = find(call)
        add(call, object_, referenced(call.world, reference_in(call)))
        return NO_CONTENT

    def removing(call: Call) -> Answer:
        remove(call, find(call), call.keys[key])
        return NO_CONTENT

    return (
        Route("POST", f"{path}/$ref", adding, needs),
        Route("DELETE", f"{path}/{{{key}}}/$ref", removing, needs),
    )


def _capital(type_: str) -> str:
    name = type_.rpartition(".")[2]
    return name[0].upper() + name[1:]
