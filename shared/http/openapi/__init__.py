"""The OpenAPI 3.1 document: operations, which are declared with their routes in `functions`, with the schemas of the
very models that handlers decode and encode; and a page to read it, without script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import msgspec

from shared.core.reasons import REASONS, Reason
from shared.core.templates import templates, text_file
from shared.http.problems import MEDIA_TYPE, Problem
from shared.http.schemas import RULES

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
    """Who an operation is for, and what others are refused for."""

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


TAGS = {
    "caller": "Who calls, and where to get a token.",
    "groups": "The groups that somebody owns, and their guests.",
    "invitations": "Asking one guest in, and what becomes of it.",
    "imports": "Asking many in, from a file.",
    "join requests": "People outside ask to be let in.",
    "apps": "The apps that are set up, and their message templates.",
    "setups": "Making an app self-service.",
    "audits": "What the directory, policy and Guestlist say against each other, and what is done about it.",
    "people": "Export and erasure of a person's data.",
    "app": "Guestlist itself.",
}
_DESCRIPTION = (
    "Errors are problem documents (RFC 9457); `GET /api/problems` lists their reasons. Answers to GET carry an ETag; "
    "with If-None-Match what has not changed is 304. A form may carry the token in a field `access_token`."
)
_PACKAGE = "shared.http.openapi"
_REF = "#/components/schemas/{name}"
_OF_EVERY_ONE = (Reason.PARAMETER_INVALID, Reason.BODY_TOO_LARGE, Reason.INTERNAL)
"""What every operation may refuse or fail for: ids that are no GUID, parameters without a value, a body that is too
long, whether it takes one or not."""
_OF_CALLERS = {
    *(Reason.TOKEN_MISSING, Reason.TOKEN_INVALID, Reason.CLIENT_NOT_ALLOWED, Reason.GUEST_CALLER),
    Reason.ISSUER_UNREACHABLE,
}
_OF_KEYS = {Reason.IDEMPOTENCY_KEY_INVALID, Reason.IDEMPOTENCY_KEY_REUSED, Reason.IDEMPOTENCY_KEY_IN_FLIGHT}
_DESCRIPTIONS = {
    200: "Done.",
    202: "Taken: what follows is to be seen at `Location`.",
    204: "Done; there is nothing to tell.",
    303: "For who accepts `text/html`: the page that tells what became of it.",
    503: "Not ready: what everything needs is missing or does not answer.",
}


def document(
    operations: Sequence[Operation], *, authority: str, tenant_id: str, scope: str, server: str | None
) -> dict[str, Any]:
    """The OpenAPI 3.1 document, as JSON values. `server` is where people reach the app, where that is known."""
    operations = sorted(operations, key=lambda each: list(TAGS).index(each.tag))
    schemas, components = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    base = f"{authority}/{tenant_id}/oauth2/v2.0"
    flow = {
        "authorizationUrl": f"{base}/authorize",
        "tokenUrl": f"{base}/token",
        "scopes": {scope: "Act in Guestlist as the person who is signed in"},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Guestlist",
            "version": _version(),
            "summary": "Lets the people who own an app share it with guests from outside their organization.",
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        **({"servers": [{"url": server}]} if server else {}),
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "entra": {"type": "oauth2", "flows": {"authorizationCode": flow}},
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


def _version() -> str:
    try:
        return version("guestlist")
    except PackageNotFoundError:
        return "0.1.0"  # Deployed code is no installed package.


def _schemas(operations: Sequence[Operation]) -> tuple[dict[Any, Any], dict[str, Any]]:
    used = [Problem, *(model for each in operations for model in (each.body, *each.answers.values()))]
    models = [model for model in dict.fromkeys(used) if model is not None and not isinstance(model, str)]
    found, components = msgspec.json.schema_components(models, ref_template=_REF)
    for name, rule in RULES.items():
        components[name] |= rule
    return dict(zip(models, found, strict=True)), components


def _operation(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": f"For: {operation.who.text}",
        "tags": [operation.tag],
        "parameters": _parameters(operation),
        "responses": _responses(operation, schemas),
        "security": [] if operation.is_open else [{"entra": []}, {"bearer": []}],
    }
    if operation.body is not None:
        content = {"schema": schemas[operation.body], "examples": {"usual": {"value": operation.example}}}
        kinds = ["application/json"]
        if operation.forms:
            kinds += ["application/x-www-form-urlencoded", "multipart/form-data"]
        needed = all(f.required for f in msgspec.structs.fields(operation.body)) or operation.forms
        said["requestBody"] = {"required": needed, "content": dict.fromkeys(kinds, content)}
    if operation.csv:
        file: dict[str, Any] = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        file["required"] = ["file"]
        said["requestBody"] = {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string"}}, "multipart/form-data": {"schema": file}},
        }
    return said


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters = sorted(operation.parameters, key=lambda each: ("path", "query", "header").index(each.where))
    if operation.method == "GET" and operation.id != "get_import_results":
        text = "The ETag of what the caller has: it is not sent again."
        parameters.append(Parameter("If-None-Match", "header", text, {"type": "string"}))
    required = {"required": True}
    return [
        {"name": p.name, "in": p.where, **(required if p.where == "path" else {})}
        | {"description": p.text, "schema": p.schema}
        for p in parameters
    ]


def _responses(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, model in sorted(operation.answers.items()):
        answer: dict[str, Any] = {"description": _DESCRIPTIONS[status]}
        if isinstance(model, str):
            answer["content"] = {model: {"schema": {"type": "string"}}}
        elif model is not None:
            answer["content"] = {"application/json": {"schema": schemas[model]}}
        headers = {"Location": status in (202, 303), "ETag": status == 200 and operation.method == "GET"}
        named = {name: {"schema": {"type": "string"}} for name, there in headers.items() if there}
        found[str(status)] = answer | ({"headers": named} if named else {})
    by_status: dict[int, list[Reason]] = {}
    for reason in _reasons(operation):
        by_status.setdefault(REASONS[reason].status, []).append(reason)
    for status, reasons in sorted(by_status.items()):
        lines = "\n".join(f"- `{r.value}`: {REASONS[r].title}" for r in reasons)
        problem: dict[str, Any] = {"description": lines, "content": {MEDIA_TYPE: {"schema": schemas[Problem]}}}
        if status in (409, 429, 503):
            problem["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
        found[str(status)] = problem
    return found


def _reasons(operation: Operation) -> list[Reason]:
    """All that an operation may be refused for, in the order of the table."""
    found = {*operation.reasons, *operation.who.reasons, *_OF_EVERY_ONE}
    if not operation.is_open:
        found |= _OF_CALLERS
    if operation.body is not None or operation.csv:
        found.add(Reason.BODY_INVALID)
    if any(each.name == "Idempotency-Key" for each in operation.parameters):
        found |= _OF_KEYS
    # Whoever asks whether the app is ready gets the same 503 either way: its body says what is wrong.
    if 503 not in operation.answers:
        found.add(Reason.TIMED_OUT)
    return [reason for reason in Reason if reason in found]


def page(document: dict[str, Any]) -> str:
    """All operations with parameters, bodies and answers, and the schemas they refer to."""
    operations: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operations[operation["tags"][0]].append({"path": path, "method": method.upper(), **operation})
    drawn = templates(_PACKAGE, type_of=_type_of, pretty=_pretty)
    return drawn.get_template("openapi.html").render(document=document, operations=operations)


def stylesheet() -> str:
    """Of the page."""
    return text_file(_PACKAGE, "templates/openapi.css")


def _type_of(schema: dict[str, Any]) -> str:
    """A schema in a few words; what it refers to is linked by the template."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type_of(s) for s in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(v) for v in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    kind = schema.get("type", "anything")
    kind = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
