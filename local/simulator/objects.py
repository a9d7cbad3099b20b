"""Objects of one kind, in the order they came, found by id or by the value of an indexed property; links between
objects (members, owners, sponsors), readable from both ends; app role assignments."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Properties = dict[str, Any]

_AFTER_ANY_ID = "\U0010ffff"


class OrderedIds:
    """A set of ids that remembers the order of adding and can be read on from any point.

    A reader continues "after ordinal n": removing or adding ids between two pages moves nothing.
    """

    __slots__ = ("_next", "_order", "_ordinals")

    def __init__(self) -> None:
        self._ordinals: dict[str, int] = {}
        self._order: list[tuple[int, str]] = []
        self._next = 1

    def add(self, id_: str) -> bool:
        """False when it was there already."""
        if id_ in self._ordinals:
            return False
        self._ordinals[id_] = self._next
        self._order.append((self._next, id_))
        self._next += 1
        return True

    def discard(self, id_: str) -> bool:
        """False when it was not there."""
        if self._ordinals.pop(id_, None) is None:
            return False
        if len(self._order) > 2 * len(self._ordinals) + 64:
            self._order = [(n, i) for i, n in self._ordinals.items()]
        return True

    def ordinal(self, id_: str) -> int:
        return self._ordinals[id_]

    def after(self, ordinal: int) -> Iterator[tuple[int, str]]:
        """(ordinal, id) of everything added after the ordinal; 0 for all."""
        order, ordinals = self._order, self._ordinals
        for position in range(bisect_right(order, (ordinal, _AFTER_ANY_ID)), len(order)):
            number, id_ = order[position]
            if ordinals.get(id_) == number:
                yield number, id_

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ordinals

    def __iter__(self) -> Iterator[str]:
        return iter(self._ordinals)

    def __len__(self) -> int:
        return len(self._ordinals)


class DirectoryObject:
    """One object; `kind` is its published type name (user, group, servicePrincipal, application)."""

    __slots__ = ("id", "kind", "properties")

    def __init__(self, kind: str, properties: Properties) -> None:
        self.id: str = properties["id"]
        self.kind = kind
        self.properties = properties

    def get(self, name: str) -> Any:
        return self.properties.get(name)


class ObjectSet:
    """All objects of one kind. Index keys ignore case, as Graph's comparisons do."""

    def __init__(self, kind: str, indexed: Iterable[str]) -> None:
        self.kind = kind
        self.ids = OrderedIds()
        self._objects: dict[str, DirectoryObject] = {}
        self._index: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in indexed}

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[DirectoryObject]:
        return iter(self._objects.values())

    def get(self, id_: str) -> DirectoryObject | None:
        return self._objects.get(id_.lower())

    def add(self, properties: Properties) -> DirectoryObject:
        """Add an object, or replace the one with the same id in its place."""
        object_ = DirectoryObject(self.kind, properties)
        key = object_.id.lower()
        before = self._objects.get(key)
        if before is not None:
            self._unindex(key, before.properties, self._index)
        self._objects[key] = object_
        self.ids.add(key)
        self._enter(key, properties, self._index)
        return object_

    def change(self, object_: DirectoryObject, changes: Properties) -> None:
        key = object_.id.lower()
        touched = [name for name in self._index if name in changes]
        self._unindex(key, object_.properties, touched)
        object_.properties.update(changes)
        self._enter(key, object_.properties, touched)

    def remove(self, object_: DirectoryObject) -> None:
        key = object_.id.lower()
        self._unindex(key, object_.properties, self._index)
        del self._objects[key]
        self.ids.discard(key)

    def find(self, property_: str, value: str) -> tuple[str, ...] | None:
        """Ids whose property has, or whose collection holds, the value; None when the property is not indexed."""
        if property_ == "id":
            return (value.lower(),) if value.lower() in self._objects else ()
        entries = self._index.get(property_)
        return None if entries is None else entries.get(value.casefold(), ())

    def having(self, property_: str, value: str) -> list[DirectoryObject]:
        """The objects of `find`, for a property that is indexed."""
        return [self._objects[id_] for id_ in self.find(property_, value) or ()]

    def _enter(self, key: str, properties: Properties, names: Iterable[str]) -> None:
        for name in names:
            entries = self._index[name]
            for value in _values(properties.get(name)):
                entries[value] = (*entries.get(value, ()), key)

    def _unindex(self, key: str, properties: Properties, names: Iterable[str]) -> None:
        for name in names:
            entries = self._index[name]
            for value in _values(properties.get(name)):
                rest = tuple(id_ for id_ in entries.get(value, ()) if id_ != key)
                if rest:
                    entries[value] = rest
                else:
                    entries.pop(value, None)


def _values(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value.casefold()}
    if isinstance(value, list):
        return {item.casefold() for item in value if isinstance(item, str)}
    return set()


_NONE = OrderedIds()


class Relation:
    """Directed links; ids are compared in lower case."""

    def __init__(self) -> None:
        self._targets: dict[str, OrderedIds] = {}
        self._sources: dict[str, OrderedIds] = {}

    def add(self, source: str, target: str) -> bool:
        """False when the link was there already."""
        source, target = source.lower(), target.lower()
        if not self._targets.setdefault(source, OrderedIds()).add(target):
            return False
        self._sources.setdefault(target, OrderedIds()).add(source)
        return True

    def remove(self, source: str, target: str) -> bool:
        """False when there was no such link."""
        source, target = source.lower(), target.lower()
        if not self.of(source).discard(target):
            return False
        self._sources[target].discard(source)
        return True

    def holds(self, source: str, target: str) -> bool:
        return target.lower() in self.of(source)

    def of(self, source: str) -> OrderedIds:
        """What the source links to; not to be changed by the caller."""
        return self._targets.get(source.lower(), _NONE)

    def to(self, target: str) -> OrderedIds:
        """What links to the target; not to be changed by the caller."""
        return self._sources.get(target.lower(), _NONE)

    def replace(self, source: str, targets: Iterable[str]) -> None:
        """Make these all that the source links to."""
        for target in list(self.of(source)):
            self.remove(source, target)
        for target in targets:
            self.add(source, target)


@dataclass(frozen=True, slots=True)
class Assignment:
    """An app role given to a principal; `id` is the opaque key Graph makes up."""

    id: str
    principal_id: str
    principal_type: str
    resource_id: str
    app_role_id: str
    created: str


class Assignments:
    """App role assignments by id, by principal and by resource."""

    def __init__(self) -> None:
        self._all: dict[str, Assignment] = {}
        self._by_principal: dict[str, OrderedIds] = {}
        self._by_resource: dict[str, OrderedIds] = {}

    def add(self, assignment: Assignment) -> None:
        self._all[assignment.id] = assignment
        self._by_principal.setdefault(assignment.principal_id.lower(), OrderedIds()).add(assignment.id)
        self._by_resource.setdefault(assignment.resource_id.lower(), OrderedIds()).add(assignment.id)

    def remove(self, assignment: Assignment) -> None:
        del self._all[assignment.id]
        self._by_principal[assignment.principal_id.lower()].discard(assignment.id)
        self._by_resource[assignment.resource_id.lower()].discard(assignment.id)

    def get(self, id_: str) -> Assignment | None:
        return self._all.get(id_)

    def same(self, principal_id: str, resource_id: str, app_role_id: str) -> Assignment | None:
        wanted = (resource_id.lower(), app_role_id.lower())
        held = (self._all[id_] for id_ in self.of_principal(principal_id))
        return next((one for one in held if (one.resource_id.lower(), one.app_role_id.lower()) == wanted), None)

    def of_principal(self, id_: str) -> OrderedIds:
        return self._by_principal.get(id_.lower(), _NONE)

    def of_resource(self, id_: str) -> OrderedIds:
        return self._by_resource.get(id_.lower(), _NONE)

    def forget(self, id_: str) -> list[Assignment]:
        """Remove and return every assignment of or on an object."""
        gone = [self._all[key] for key in (*self.of_principal(id_), *self.of_resource(id_))]
        for assignment in gone:
            self.remove(assignment)
        return gone

    def __iter__(self) -> Iterator[Assignment]:
        return iter(self._all.values())
