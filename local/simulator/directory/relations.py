"""Links between objects (members, owners, sponsors) readable from both ends, and app role assignments."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .objects import OrderedIds

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
