"""What a handler's parameters are filled in with, by their types: the app, the caller, parts of the path, parameters
of the query, headers and the body (JSON, or a form that stands for it); and how the API's document describes them."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, get_origin
from urllib.parse import parse_qsl, urlencode

import azure.functions as func
import msgspec

from functions.callers import TOKEN_FIELD
from shared import wiring
from shared.core.applications import AppId
from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import (
    GroupId,
    ImportId,
    InvitationId,
    RequestId,
    SetupId,
    SubjectRequestId,
    UserId,
    group_id,
    is_guid,
)
from shared.core.reasons import Reason
from shared.http.openapi.operations import Described
from shared.http.schemas import decode
from shared.messages.commands import SetupStep

_HEX = re.compile("[0-9a-f]{22}")
_CONTINUATION = "continuation"
TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
SMALL_BODY = 64 * 1024
"""Bytes of a body where a route says nothing else. What is longer is refused before anything reads it."""
_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_YES = {"on": True, "true": True, "false": False, "off": False}
_SWITCHES = {"sendAgain"}
"""Fields that are no text."""


@dataclass(slots=True)
class Call:
    """A request, as far as it has been read: `app` and `caller` are there where the route needs them."""

    req: func.HttpRequest
    form: dict[str, str] | None = None
    app: wiring.App | None = None
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a parameter comes from; what the document says of it, by name; and what it may be refused for."""

    read: Callable[[Call], Any]
    query: Mapping[str, Described] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON body, as a form too with `forms`. The handler gets the model, or what `decode` makes of the bytes. What
    has more than `most` bytes is refused."""

    model: type[msgspec.Struct]
    example: Mapping[str, Any]
    decode: Callable[[bytes], Any] | None = None
    forms: bool = False
    most: int = SMALL_BODY

    def read(self, call: Call) -> Any:
        """Raises Refused `body-invalid`, or as `decode` does."""
        given = _body_of(call.req, call.form)
        return self.decode(given) if self.decode else decode(self.model, given)


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a list that is asked for."""

    continuation: str | None
    limit: int
    kept: Mapping[str, str] = field(default_factory=dict)

    def next(self, path: str, continuation: str | None) -> str | None:
        """The link to the page after it, with the filters of this one; None at the end."""
        return f"{path}?{urlencode({**self.kept, _CONTINUATION: continuation})}" if continuation else None


def source_of(annotation: Any) -> Source | None:
    """What fills in a parameter of this type; None where nothing does."""
    if get_origin(annotation) is Annotated:
        return next((each for each in annotation.__metadata__ if isinstance(each, Source)), None)
    return _BY_TYPE.get(annotation)


def query(name: str, text: str, schema: Mapping[str, Any], make: Callable[[str], Any], default: Any = None) -> Source:
    """A parameter of the query; refused as `parameter-invalid` where `make` raises ValueError."""

    def read(call: Call) -> Any:
        given = call.req.params.get(name)
        try:
            return make(given) if given else default
        except ValueError as e:
            raise Refused(Reason.PARAMETER_INVALID, str(e), field=name) from e

    return Source(read, query={name: (text, dict(schema))})


def flag(name: str, text: str) -> Source:
    """True or false; false where it is left out."""
    return query(name, text, {"type": "boolean", "default": False}, _true, default=False)


def choice(name: str, text: str, known: Iterable[StrEnum]) -> Source:
    """One of some values; None where it is left out."""
    known = list(known)
    return query(name, text, {"type": "string", "enum": [each.value for each in known]}, _one_of(known))


def guid(name: str, text: str, kind: Callable[[str], Any]) -> Source:
    """An object id; None where it is left out."""
    return query(name, text, {"type": "string", "format": "uuid"}, _guid(kind, "a GUID"))


def several(make: Callable[..., Any], **sources: Source) -> Source:
    """Some parameters of the query, made into one argument."""
    described = {name: said for source in sources.values() for name, said in source.query.items()}
    return Source(lambda call: make(**{name: source.read(call) for name, source in sources.items()}), described)


def paged(most: int | None = None, default: int = 0) -> Source:
    """A `Page`, by ``?limit=`` and ``?continuation=``; without `most` pages are as long as the handler makes them."""
    described: dict[str, Described] = {_CONTINUATION: ("from the `nextLink` of the page before", dict(TEXT))}
    limit = None
    if most is not None:
        schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
        limit = query("limit", "entries of a page", schema, _number(most), default)
        described = {**limit.query, **described}

    def read(call: Call) -> Page:
        kept = {name: value for name, value in call.req.params.items() if value and name != _CONTINUATION}
        return Page(call.req.params.get(_CONTINUATION), limit.read(call) if limit else default, kept)

    return Source(read, described)


def header(name: str, text: str, make: Callable[[str], Any]) -> Source:
    """A header of the request; None where it is left out."""

    def read(call: Call) -> Any:
        given = call.req.headers.get(name.lower())
        return None if given is None else make(given)

    return Source(read, headers={name: text})


def in_path(name: str, make: Callable[[str], Any], reason: Reason = Reason.PARAMETER_INVALID) -> Source:
    """A part of the path; refused for that reason where `make` raises ValueError."""

    def read(call: Call) -> Any:
        try:
            return make(call.req.route_params[name])
        except ValueError as e:
            field = name if reason is Reason.PARAMETER_INVALID else None
            raise Refused(reason, str(e) or None, field=field) from e

    return Source(read, reasons=(reason,))


def form_of(req: func.HttpRequest) -> dict[str, str] | None:
    """The fields of a form, those left empty without; None where the body is none.

    Raises:
        Refused: `body-invalid`.
    """
    kind = (req.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind == _URLENCODED:
        try:
            pairs = parse_qsl(req.get_body().decode(), max_num_fields=50)
        except (UnicodeDecodeError, ValueError) as e:
            raise Refused(Reason.BODY_INVALID, "The form cannot be read") from e
        return {name: value for name, value in pairs if value.strip()}
    if kind == _MULTIPART:
        return {name: value for name, value in req.form.items() if value.strip()}
    return None


def wants_page(req: func.HttpRequest) -> bool:
    """Whether a person is to read the answer: a browser's form names HTML, a program's request does not."""
    accepted = (req.headers.get("accept") or "").lower()
    return "text/html" in accepted and "application/json" not in accepted


def _body_of(req: func.HttpRequest, form: dict[str, str] | None) -> bytes:
    """The body as JSON, whether it came as JSON or as a form."""
    if form is None:
        return bytes(req.get_body())
    fields = {n: _YES.get(v.lower(), v) if n in _SWITCHES else v for n, v in form.items() if n != TOKEN_FIELD}
    return msgspec.json.encode(fields)


def _true(given: str) -> bool:
    if given.lower() not in ("true", "false"):
        raise ValueError("true or false is needed")
    return given.lower() == "true"


def _number(most: int) -> Callable[[str], int]:
    def make(given: str) -> int:
        if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= most:
            raise ValueError(f"a whole number from 1 to {most} is needed")
        return int(given)

    return make


def _key(given: str) -> str:
    if not 1 <= len(given) <= 255 or not given.isascii() or not given.isprintable():
        raise Refused(Reason.IDEMPOTENCY_KEY_INVALID, field="Idempotency-Key")
    return given


def _hex[T](kind: Callable[[str], T], *others: str) -> Callable[[str], T]:
    def make(given: str) -> T:
        lowered = given.lower()
        if lowered not in others and not _HEX.fullmatch(lowered):
            raise ValueError
        return kind(lowered)

    return make


def _guid[T](kind: Callable[[str], T], what: str) -> Callable[[str], T]:
    def make(given: str) -> T:
        if not is_guid(given.strip()):
            raise ValueError(f"{what} is needed")
        return kind(group_id(given))

    return make


def _one_of(known: Iterable[StrEnum]) -> Callable[[str], StrEnum]:
    by_value = {each.value: each for each in known}

    def make(given: str) -> StrEnum:
        if given not in by_value:
            raise ValueError(f"'{given}' is not among {', '.join(by_value)}")
        return by_value[given]

    return make


APP = Source(lambda call: call.app)
GROUP = in_path("groupId", group_id)
_BY_TYPE: Mapping[Any, Source] = {
    func.HttpRequest: Source(lambda call: call.req),
    wiring.App: APP,
    Caller: Source(lambda call: call.caller),
    GroupId: GROUP,
    AppId: in_path("appId", _guid(AppId, "an application id (a GUID)")),
    UserId: in_path("userId", lambda given: UserId(group_id(given)), Reason.GUEST_MISSING),
    InvitationId: in_path("invitationId", InvitationId.parse, Reason.INVITATION_MISSING),
    ImportId: in_path("importId", _hex(ImportId), Reason.IMPORT_MISSING),
    RequestId: in_path("requestId", _hex(RequestId), Reason.REQUEST_MISSING),
    SubjectRequestId: in_path("caseId", _hex(SubjectRequestId), Reason.CASE_MISSING),
    SetupId: in_path("setupId", _hex(SetupId), Reason.SETUP_MISSING),
    SetupStep: in_path("step", _one_of(SetupStep)),
}
AuditName = Annotated[str, in_path("auditId", _hex(str, "latest"), Reason.AUDIT_MISSING)]
"""An audit's id, or `latest`."""
DryRun = Annotated[bool, flag("dryRun", "true: say what would happen, and do nothing")]
Continuation = Annotated[Page, paged()]
_SAME = "A repeat with the same key and body is the same request; 1 to 255 visible characters."
Key = Annotated[str | None, header("Idempotency-Key", _SAME, _key)]
