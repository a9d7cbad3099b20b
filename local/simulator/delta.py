"""Delta queries for users and groups (graph contract "Groups", "Owners and delta"): a first full round, then what
changed since a token."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import msgspec
from msgspec.structs import replace

from .call import Answer, Call, Json
from .clock import now
from .directory import Directory
from .errors import bad_request, sync_state_gone
from .objects import DirectoryObject, ObjectSet, Relation
from .odata import shapes
from .odata.filters import Expression, Junction, Path, Test
from .odata.query import link, state_in, token

_MAX_IDS = 50
_RELATIONS: Final[dict[str, Callable[[Directory], Relation]]] = {
    "members": lambda d: d.members,
    "owners": lambda d: d.owners,
}


class _State(msgspec.Struct, array_like=True):
    """What a skip or delta token says: where the log stood when the round began, and what was asked."""

    tenant: str
    position: int
    made: float
    after: int = 0
    until: int = -1
    """Where the log stood when the first page of a round of changes was read; later changes wait."""
    first: bool = True
    select: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    again: int = 0
    """How often the round has been gone through."""


def delta(call: Call, objects: ObjectSet) -> Answer:
    """One page of a delta round; ends with ``@odata.nextLink`` or ``@odata.deltaLink``. Raises GraphError: 410 for an
    expired token, 400 for a filter other than up to 50 ids."""
    call.world.forget_expired()
    state = _begin(call, objects) if _token(call) is None else _resumed(call)
    if not state.first and state.until < 0:
        state.until = call.world.directory.changes.position
    size = call.query.top or call.world.settings.paging.page_size
    source = _everything(call, objects, state) if state.first else _changed(call, objects, state)
    numbered = list(islice(source, size + 1))
    body: Json = {
        "@odata.context": f"{call.base_url}/$metadata#{objects.kind}s",
        "value": [item for _, item in numbered[:size]],
    }
    if len(numbered) > size:
        body["@odata.nextLink"] = _link(call, "$skiptoken", replace(state, after=numbered[size - 1][0]))
    elif (numbered or state.after) and state.again < call.world.settings.delta.repeats:
        body["@odata.nextLink"] = _link(call, "$skiptoken", replace(state, after=0, again=state.again + 1))
    else:
        # Of what was asked and of the tenant a round of changes takes over all, of the round itself nothing.
        position = state.position if state.first else state.until
        done = _State(state.tenant, position, now().timestamp(), first=False, select=state.select, ids=state.ids)
        body["@odata.deltaLink"] = _link(call, "$deltatoken", done)
    return Answer(200, body)


def _everything(call: Call, objects: ObjectSet, state: _State) -> Iterator[tuple[int, Json]]:
    directory = call.world.directory
    for number, id_ in objects.ids.after(state.after):
        object_ = objects.get(id_)
        if object_ is None or (state.ids and id_ not in state.ids):
            continue
        item = _item(object_, state)
        for name, relation in _RELATIONS.items():
            if object_.kind == "group" and _wants(state, name):
                item[f"{name}@delta"] = [_member(directory, other) for other in relation(directory).of(id_)]
        yield number, item


def _changed(call: Call, objects: ObjectSet, state: _State) -> Iterator[tuple[int, Json]]:
    directory = call.world.directory
    links: dict[str, dict[str, dict[str, None]]] = {}
    for change in directory.changes.between(state.position, state.until, objects.kind):
        if not state.ids or change.id in state.ids:
            touched = links.setdefault(change.id, {"members": {}, "owners": {}})
            if change.other:
                touched[change.what][change.other] = None
    for number, (id_, touched) in enumerate(links.items(), 1):
        if number <= state.after:
            continue
        object_ = objects.get(id_)
        if object_ is None:
            reason = "changed" if id_ in directory.deleted else "deleted"
            yield number, {"id": id_, "@removed": {"reason": reason}}
            continue
        item = _item(object_, state)
        for name, relation in _RELATIONS.items():
            if touched[name] and _wants(state, name):
                item[f"{name}@delta"] = [
                    _member(directory, other)
                    | ({} if relation(directory).holds(id_, other) else {"@removed": {"reason": "deleted"}})
                    for other in touched[name]
                ]
        yield number, item


def _item(object_: DirectoryObject, state: _State) -> Json:
    names = tuple(name for name in state.select if name not in _RELATIONS)
    if state.select and not names:
        return {"id": object_.id}
    return {**shapes.show(object_, names), "id": object_.id}


def _member(directory: Directory, id_: str) -> Json:
    member = directory.find(id_)
    kind = member.kind if member is not None else "user"
    return {"@odata.type": f"#microsoft.graph.{kind}", "id": member.id if member is not None else id_}


def _wants(state: _State, name: str) -> bool:
    return not state.select or name in state.select


def _begin(call: Call, objects: ObjectSet) -> _State:
    for name in call.query.select:
        if name not in _RELATIONS:
            shapes.checked_select(objects.kind, (name,))
    ids = tuple(_ids(call.query.filter)) if call.query.filter is not None else ()
    if len(ids) > _MAX_IDS:
        raise bad_request(f"At most {_MAX_IDS} ids can be filtered on in a delta query.")
    directory = call.world.directory
    position = directory.changes.position
    state = _State(directory.tenant.id, position, now().timestamp(), select=call.query.select, ids=ids)
    if call.query.raw.get("$deltatoken") == "latest":
        state.first = False
    return state


def _ids(expression: Expression) -> Iterator[str]:
    match expression:
        case Test(Path(("id",)), "eq", (str() as value,)):
            yield value.lower()
        case Junction("or", operands):
            for operand in operands:
                yield from _ids(operand)
        case _:
            raise bad_request("Only 'id eq' is supported in the filter of a delta query.")


def _token(call: Call) -> str | None:
    token = call.query.skiptoken or call.query.deltatoken
    return None if token == "latest" else token  # noqa: S105 - a word of the protocol


def _resumed(call: Call) -> _State:
    world, rules = call.world, call.world.settings.delta
    state = state_in(_token(call) or "", _State, bad_request("Invalid delta token."))
    is_old = now().timestamp() - state.made > rules.expiry_s
    is_of_another = state.tenant != world.directory.tenant.id or state.position > world.directory.changes.position
    if rules.links_expired or is_old or is_of_another:
        raise sync_state_gone(f"{call.base_url}{call.path}")
    return state


def _link(call: Call, name: str, state: _State) -> str:
    return link(call.base_url, call.path, {name: token(state)})
