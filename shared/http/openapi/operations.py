"""What the document says of an operation, and the words and reasons that several have in common. Operations are
declared with their routes, in `functions`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from shared.core.reasons import Reason

OF_DIRECTORY = (Reason.DIRECTORY_BUSY, Reason.PERMISSION_MISSING, Reason.STORAGE_BUSY)
OF_GROUPS = (Reason.NOT_OWNER, Reason.GROUP_MISSING, *OF_DIRECTORY)
OF_GROUP_KINDS = tuple(r for r in Reason if r.value.startswith("group-") and r is not Reason.GROUP_MISSING)
OF_ADDRESSES = (Reason.NAME_INVALID, Reason.ADDRESS_INVALID, Reason.ADDRESS_UNSUPPORTED, Reason.DOMAIN_NOT_ALLOWED)
OF_APP_ROLES = (Reason.NOT_ADMIN, Reason.STORAGE_BUSY)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the path, a parameter of the query or a header: what it is for, and its schema."""

    name: str
    where: Literal["path", "query", "header"]
    text: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Who:
    """Whom an operation is for, and what others are refused for."""

    text: str
    reasons: tuple[Reason, ...] = ()


ANYBODY = Who("Anybody, without a token.")
SIGNED_IN = Who("Everybody with a token.")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `id` is its handler's name; `answers` are models by status, None for no body, or a media type;
    `reasons` are what it may refuse beyond what every one may, or every one with a caller, a body or a key; `body` is
    the model of a JSON body, which is taken as a form as well with `forms`; `csv` takes a file."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    who: Who
    answers: Mapping[int, Any]
    reasons: tuple[Reason, ...] = ()
    body: type[msgspec.Struct] | None = None
    example: Mapping[str, Any] | None = None
    forms: bool = False
    csv: bool = False
    parameters: tuple[Parameter, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.who == ANYBODY
