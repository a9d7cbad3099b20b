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
from shared.core import ids
from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.reasons import Reason
from shared.http.openapi import Parameter
from shared.http.schemas import decode
from shared.messages.commands import SetupStep

type Schema = Mapping[str, Any]
type Make = Callable[[str], Any]
"""Makes the argument of what was sent. Raises ValueError where it cannot be one."""

_CONTINUATION = "continuation"
TEXT: Schema = {"type": "string", "minLength": 1}
SMALL_BODY = 64 * 1024
"""Bytes of a body where a route says nothing else. What is longer is refused before anything reads it."""
_URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_YES = {"on": True, "true": True, "false": False, "off": False}
_SWITCHES = {"resend", "sendAgain"}
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
    """Where an argument comes from; what the document says of it; what it may be refused for."""

    read: Callable[[Call], Any]
    parameters: tuple[Parameter, ...] = ()
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


def query(name: str, text: str, schema: Schema, make: Make, default: Any = None) -> Source:
    """A parameter of the query; refused as `parameter-invalid` where `make` raises ValueError."""
    there = Parameter(name, "query", text, schema)
    return _source(there, lambda call: call.req.params.get(name) or None, make, default=default)


def flag(name: str, text: str) -> Source:
    """True or false; false where it is left out."""
    return query(name, text, {"type": "boolean", "default": False}, _true, default=False)


def choice(name: str, text: str, known: Iterable[StrEnum]) -> Source:
    """One of some values; None where it is left out."""
    return query(name, text, *_one_of(known))


def guid(name: str, text: str, kind: Callable[[str], Any]) -> Source:
    """An object id; None where it is left out."""
    return query(name, text, *_guid(kind))


def several(make: Callable[..., Any], **sources: Source) -> Source:
    """Some parameters of the query, made into one argument."""
    described = tuple(each for source in sources.values() for each in source.parameters)
    return Source(lambda call: make(**{name: source.read(call) for name, source in sources.items()}), described)


def paged(most: int | None = None, default: int = 0) -> Source:
    """A `Page`, by ``?limit=`` and ``?continuation=``; without `most` pages are as long as the handler makes them."""
    described: tuple[Parameter, ...] = (
        Parameter(_CONTINUATION, "query", "from the `nextLink` of the page before", TEXT),
    )
    limit = None
    if most is not None:
        schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
        limit = query("limit", "entries of a page", schema, _number(most), default)
        described = (*limit.parameters, *described)

    def read(call: Call) -> Page:
        kept = {name: value for name, value in call.req.params.items() if value and name != _CONTINUATION}
        return Page(call.req.params.get(_CONTINUATION), limit.read(call) if limit else default, kept)

    return Source(read, described)


def header(name: str, text: str, make: Make, **schema: object) -> Source:
    """A header of the request; None where it is left out."""
    there = Parameter(name, "header", text, {"type": "string", **schema})
    return _source(there, lambda call: call.req.headers.get(name.lower()), make)


def in_path(name: str, text: str, schema: Schema, make: Make, reason: Reason = Reason.PARAMETER_INVALID) -> Source:
    """A part of the path; refused for that reason where `make` raises ValueError."""
    there = Parameter(name, "path", text, schema)
    return _source(there, lambda call: call.req.route_params[name], make, reason)


def _source(
    parameter: Parameter,
    given: Callable[[Call], str | None],
    make: Make,
    reason: Reason = Reason.PARAMETER_INVALID,
    default: Any = None,
) -> Source:
    def read(call: Call) -> Any:
        try:
            return default if (found := given(call)) is None else make(found)
        except ValueError as e:
            field = parameter.name if reason is Reason.PARAMETER_INVALID else None
            raise Refused(reason, str(e) or None, field=field) from e

    return Source(read, (parameter,), (reason,))


def content_type(req: func.HttpRequest) -> str:
    """Without its parameters."""
    return (req.headers.get("content-type") or "").partition(";")[0].strip().lower()


def form_of(req: func.HttpRequest) -> dict[str, str] | None:
    """The fields of a form, those left empty without; None where the body is none. Raises Refused `body-invalid`."""
    kind = content_type(req)
    if kind == _URLENCODED:
        try:
            pairs = parse_qsl(req.get_body().decode(), max_num_fields=50)
        except (UnicodeDecodeError, ValueError) as e:
            raise Refused(Reason.BODY_INVALID, "The form cannot be read") from e
        return {name: value for name, value in pairs if value.strip()}
    if kind == MULTIPART:
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


def _number(most: int) -> Make:
    def make(given: str) -> int:
        if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= most:
            raise ValueError(f"a whole number from 1 to {most} is needed")
        return int(given)

    return make


def _key(given: str) -> str:
    if not 1 <= len(given) <= 255 or not given.isascii() or not given.isprintable():
        raise Refused(Reason.IDEMPOTENCY_KEY_INVALID, field="Idempotency-Key")
    return given


def _guid(kind: Callable[[str], Any]) -> tuple[Schema, Make]:
    return {"type": "string", "format": "uuid"}, lambda given: kind(ids.group_id(given))


def _one_of(known: Iterable[StrEnum]) -> tuple[Schema, Make]:
    by_value = {each.value: each for each in known}

    def make(given: str) -> StrEnum:
        if given not in by_value:
            raise ValueError(f"'{given}' is not among {', '.join(by_value)}")
        return by_value[given]

    return {"type": "string", "enum": list(by_value)}, make


def _id[T](name: str, text: str, kind: Callable[[str], T], reason: Reason, *others: str) -> Source:
    """Of a record: 22 hex digits, or one of the other words."""
    pattern = "|".join(("[0-9a-f]{22}", *others))
    schema = {"type": "string", "pattern": f"^({pattern})$" if others else f"^{pattern}$"}

    def make(given: str) -> T:
        if not re.fullmatch(pattern, given.lower()):
            raise ValueError
        return kind(given.lower())

    return in_path(name, text, schema, make, reason)


_INVITATION = {"type": "string", "pattern": "^[0-9a-f]{32}-[0-9a-f]{22}-[0-9]{2}$"}, ids.InvitationId.parse
APP = Source(lambda call: call.app)
GROUP = in_path("groupId", "The group's object id.", *_guid(ids.GroupId))
_BY_TYPE: Mapping[Any, Source] = {
    func.HttpRequest: Source(lambda call: call.req),
    wiring.App: APP,
    Caller: Source(lambda call: call.caller),
    ids.GroupId: GROUP,
    ids.AppId: in_path("appId", "The application (client) id.", *_guid(ids.AppId)),
    ids.UserId: in_path("userId", "The guest's object id.", *_guid(ids.UserId), Reason.GUEST_MISSING),
    ids.InvitationId: in_path(
        "invitationId", "As the answer to the invitation gave it.", *_INVITATION, Reason.INVITATION_MISSING
    ),
    ids.ImportId: _id("importId", "As the answer to the upload gave it.", ids.ImportId, Reason.IMPORT_MISSING),
    ids.RequestId: _id("requestId", "As the list of requests gives it.", ids.RequestId, Reason.REQUEST_MISSING),
    ids.SubjectRequestId: _id(
        "subjectRequestId",
        "As the answer to the export or erasure gave it.",
        ids.SubjectRequestId,
        Reason.CASE_MISSING,
    ),
    ids.SetupId: _id("setupId", "As the answer to the setup gave it.", ids.SetupId, Reason.SETUP_MISSING),
    SetupStep: in_path("step", "The step of a setup.", *_one_of(SetupStep)),
}
_AUDIT = "As the list of audits gives it, or `latest`: the last one that was done."
AuditName = Annotated[str, _id("auditId", _AUDIT, str, Reason.AUDIT_MISSING, "latest")]
"""An audit's id, or `latest`."""
DryRun = Annotated[bool, flag("dryRun", "true: say what would happen, and do nothing")]
Continuation = Annotated[Page, paged()]
_SAME = "A repeat with the same key and body is the same request; 1 to 255 visible characters."
_PRINTABLE = {"minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"}
Key = Annotated[str | None, header("Idempotency-Key", _SAME, _key, **_PRINTABLE)]
