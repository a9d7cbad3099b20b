"""What the schemas of all capabilities share. Bodies refuse unknown fields, and say which one is wrong."""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self

import msgspec

from shared.core.errors import Refused
from shared.core.reasons import REASONS, Reason
from shared.core.texts import lines
from shared.http import deprecation

BODY_LIMIT = 256 * 1024
"""Bytes of an invitation's body at most: far above the longest message, far below what hurts."""

type Guid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
type Language = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
type Few[T] = Annotated[list[T], msgspec.Meta(max_length=50)]

_PATH = re.compile(r" - at `\$\.?([^`]*)`$")


class Answer(msgspec.Struct, rename="camel"):
    """A part of an answer; absent values are null."""

    @classmethod
    def of(cls, record: object, **computed: object) -> Self:
        """Of a record, by the names of its fields; `computed` are those that it has not, or not as they are answered.
        Raises AttributeError, TypeError, msgspec.ValidationError: the record has no such field, the schema has none
        that was computed, or a value is of another type."""
        names = _names(cls)
        if unknown := computed.keys() - names.keys():
            raise TypeError(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
        found = {new: computed[name] if name in computed else getattr(record, name) for name, new in names.items()}
        return msgspec.convert(found, cls, from_attributes=True)


RULES: dict[str, dict[str, Any]] = {}
"""What the code asks of a body beyond the types of its fields, as JSON Schema, by the name of the model."""


def schema_rule[T](rule: dict[str, Any]) -> Callable[[type[T]], type[T]]:
    """Makes the document of the API as strict about a body as the code is."""

    def keep(model: type[T]) -> type[T]:
        RULES[model.__name__] = rule
        return model

    return keep


def given(*names: str) -> dict[str, Any]:
    """The rule that these fields are there, and not null."""
    return {"required": list(names), "properties": {name: {"type": "string"} for name in names}}


def absent(*names: str) -> dict[str, Any]:
    """The rule that these fields are not there, or null."""
    return {"properties": {name: {"type": "null"} for name in names}}


class Body(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A part of a body; unknown fields are refused."""

    old_names: ClassVar[Mapping[str, str]] = {}
    """What the version before called a field, and what it is called now; of a body, not of its parts."""


class Person(Answer):
    """Somebody of the directory, by object id."""

    id: str
    name: str


def explained(reason: Reason | None, title: str = "title") -> dict[str, str | None]:
    """The fields with the title of a reason and its remedy."""
    facts = REASONS[reason] if reason else None
    return {title: facts.title if facts else None, "remedy": facts.remedy if facts else None}


def decode[T](kind: type[T], body: bytes) -> T:
    """Read a body. Raises Refused `body-invalid` naming the field and what is wrong with it."""
    if len(body) > BODY_LIMIT:
        raise Refused(Reason.BODY_INVALID, f"The body has {len(body)} bytes; {BODY_LIMIT} are allowed")
    try:
        if old_names := getattr(kind, "old_names", None):
            body = deprecation.renamed(body, old_names)
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as e:
        where = _PATH.search(str(e))
        unknown = re.search(r"unknown field `(.+?)`", str(e))
        field = unknown[1] if unknown else (where[1] if where else "") or None
        raise Refused(Reason.BODY_INVALID, _PATH.sub("", str(e)), field=field) from e
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise Refused(Reason.BODY_INVALID, f"The body is not JSON: {e}") from e
    except RecursionError as e:
        raise Refused(Reason.BODY_INVALID, "The body is nested too deep") from e


def decode_any[T](kind: type[T], body: bytes) -> T:
    """The same where a body need not be there. Raises Refused `body-invalid`."""
    return decode(kind, body if body.strip() else b"{}")


def text_of(given: str | None) -> str | None:
    """A text of several lines, cleaned; None where nothing is left of it."""
    return lines(given or "") or None


@functools.cache
def _names(kind: type[Answer]) -> dict[str, str]:
    """What callers call each field."""
    return {f.name: f.encode_name for f in msgspec.structs.fields(kind)}
