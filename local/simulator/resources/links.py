"""What an object links to, as routes: listed, counted, cast to one kind, as bare references; added and removed.

Source of the references: "Customize responses with query parameters" (references) in Microsoft's v1.0 documentation.
"""

from collections.abc import Callable

from ..call import NO_CONTENT, Answer, Call
from ..directory.objects import DirectoryObject, OrderedIds
from ..errors import bad_request
from ..listing import Visible, count_links, list_links
from ..routing import Needs, Route
from .lookup import reference_in, referenced

Find = Callable[[Call], DirectoryObject]
Ids = Callable[[Call], OrderedIds]
Kinds = tuple[str | None, ...]
PEOPLE_AND_GROUPS: Kinds = (None, "user", "group", "servicePrincipal")


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
    """The same collection as references alone. Their base is another one than Graph's (documented as incorrect)."""

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
