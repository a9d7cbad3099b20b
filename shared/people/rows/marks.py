"""Where a row tells of people: the fields that its record declares (`shared.core.personal`), found in the row."""

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Annotated, Any

from shared.core.addresses import Address
from shared.core.personal import People, Personal


@dataclass(frozen=True, slots=True)
class Mark:
    """A declared field, and where it stands: `within` is a row, or an object or a list of its JSON. `is_named` says
    that the field is a column whose name ends with the account it is about."""

    note: Personal | People
    within: Any
    key: Any
    is_named: bool = False

    @property
    def value(self) -> Any:
        return self.within[self.key]

    @property
    def role(self) -> object:
        """The same for all marks of a row that tell of one person, or are one list of people."""
        return self.note if isinstance(self.note, People) else (self.note.role, self.is_named)

    def put(self, value: Any) -> None:
        self.within[self.key] = value

    def drop(self) -> None:
        del self.within[self.key]


def marks_in(kind: Any, within: Any, key: Any) -> Iterator[Mark]:
    """Those in the field of that type which stands there."""
    value, origin, arguments = within[key], typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        of, note = arguments
        if isinstance(note, Personal):
            yield from (Mark(note, *place) for place in _texts(of, within, key))
        else:
            yield Mark(note, within, key)
            yield from marks_in(of, within, key)
    elif origin in (typing.Union, types.UnionType):
        for each in arguments:
            yield from marks_in(each, within, key)
    elif origin is tuple and isinstance(value, list):
        for n in range(len(value)):
            yield from marks_in(arguments[0], value, n)
    elif isinstance(value, dict) and isinstance(origin, type) and issubclass(origin, Mapping):
        for name in value:
            yield from marks_in(arguments[1], value, name)
    elif isinstance(value, dict) and is_dataclass(kind):
        for name, of in hints_of(kind).items():
            if name in value:
                yield from marks_in(of, value, name)


def hints_of(record: Any) -> dict[str, Any]:
    return typing.get_type_hints(record, include_extras=True)


def _texts(kind: Any, within: Any, key: Any) -> Iterator[tuple[Any, Any]]:
    """Where the texts of a declared field stand."""
    value = within[key]
    if kind is Address:
        yield from ((value, part) for part in ("key", "text", "wire"))
    elif isinstance(value, list):
        for n in range(len(value)):
            yield from _texts(None, value, n)
    else:
        yield within, key
