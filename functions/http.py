"""HTTP routes. `Routes` declares an operation of the API once: the Functions host gets its function from it, and the
OpenAPI document its description.

The handler's signature says the rest. Each parameter is filled in by its type (`functions.arguments`), `body` is what
the route's `Body` decodes, and what the handler returns is what the document says it answers. Nobody reaches a
handler without a valid token, unless its route is for `ANYBODY` or is a `page`.

Operations on one path are one function, and so are those that differ in the word after a parameter: the host starts
with fewer functions. Logs, traces and metrics name the operation.
"""

import functools
import hashlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

from functions.answers import answers_of, json_response, response
from functions.arguments import APP, SMALL_BODY, Body, Call, Source, form_of, source_of
from functions.callers import caller_of
from functions.handlers import within
from shared import wiring
from shared.core.caller import Caller
from shared.core.errors import Refused, Unavailable
from shared.core.reasons import Reason
from shared.http import deprecation, problems
from shared.http.openapi import ANYBODY, OF_APP_ROLES, Operation, Who
from shared.membership.access import require
from shared.membership.model.access import RULES, Action, Object, who_may

log = logging.getLogger("guestlist")

type Handler = Callable[..., Awaitable[Any]]
type Run = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]
type OnRefusal = Callable[[func.HttpRequest, Refused | Unavailable], Awaitable[func.HttpResponse]]
"""What a request gets that was refused; raises the error again where it is to be a problem document."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. `operation` is how the API's document describes it; a page has none. With `is_old`
    it is the path of the version before, which the document does not have."""

    name: str
    method: str
    path: str
    run: Run
    handler: Handler
    operation: Operation | None = None
    body: Body | None = None
    action: Action | None = None
    is_old: bool = False


HTTP_S = 180.0
"""How long a request may take, in seconds: Azure's front end gives an answer up after 230 s."""
_OF_ALL = {"Strict-Transport-Security": "max-age=31536000", "X-Content-Type-Options": "nosniff"}
"""Headers of every answer: a browser comes back by https alone (RFC 6797), and takes a body for what it is said to
be and for nothing else."""
ROUTES: list[Route] = []
"""In the order in which modules are imported."""


def operations() -> list[Operation]:
    """Of all routes, for the API's document."""
    return [each.operation for each in ROUTES if each.operation is not None and not each.is_old]


@dataclass(frozen=True, slots=True)
class Routes:
    """The decorator of a module's operations, by the tag that they have in the API's document."""

    tag: str

    def __call__[H: Handler](
        self,
        at: str,
        who: Action | Who,
        *reasons: Reason,
        body: Body | None = None,
        csv: bool = False,
        most: int | None = None,
        also: str = "",
        answers: dict[int, Any] | None = None,
        on_refusal: OnRefusal | None = None,
        was: str = "",
    ) -> Callable[[H], H]:
        """Declares an operation. Its id is the handler's name, its summary the first line of the docstring.

        Args:
            at: method and path.
            who: what the caller must be allowed to do. What an app role opens is looked at before anything of the
                request is read; what belongs to a group is looked at by the step, which knows the group.
            reasons: what it may refuse, beyond what follows from the rest.
            csv: it takes a file.
            most: bytes of a body; what is longer is refused before anything reads it.
            also: who else may, in words.
            answers: models by status, where the handler answers with a response of its own.
            was: the path that it had in the version before, which is answered still and no part of the document.
        """
        method, _, path = at.partition(" ")

        def register(handler: H) -> H:
            sources = _sources(handler, body, is_open=who is ANYBODY)
            operation = Operation(
                id=handler.__name__,
                method=method,
                path=path,
                tag=self.tag,
                summary=(handler.__doc__ or "").partition("\n")[0].removesuffix("."),
                who=_who(who, also) if isinstance(who, Action) else who,
                answers=answers or answers_of(inspect.signature(handler).return_annotation),
                reasons=(*reasons, *(reason for source in sources.values() for reason in source.reasons)),
                body=body.model if body else None,
                example=body.example if body else None,
                forms=body is not None and body.forms,
                csv=csv,
                parameters=tuple(each for source in sources.values() for each in source.parameters),
            )
            action = who if isinstance(who, Action) else None
            run = _runner(handler, sources, operation, action, on_refusal)
            bound = most or (body.most if body else SMALL_BODY)
            ROUTES.append(
                Route(operation.id, method, path, endpoint(run, most=bound), handler, operation, body, action)
            )
            if was:
                old = endpoint(_by_old_path(run, was), most=bound)
                name = f"old_{operation.id}"
                ROUTES.append(Route(name, method, was, old, handler, operation, body, action, is_old=True))
            return handler

        return register


def page[H: Handler](path: str, *, on_refusal: OnRefusal | None = None) -> Callable[[H], H]:
    """Declares a page or file for browsers: open to anybody, and no part of the API."""

    def register(handler: H) -> H:
        run = _runner(handler, _sources(handler, None, is_open=True), None, None, on_refusal)
        ROUTES.append(Route(handler.__name__, "GET", path, endpoint(run), handler))
        return handler

    return register


def blueprint() -> func.Blueprint:
    bp = func.Blueprint()
    for template, routes in functions_of(ROUTES).items():
        name = routes[0].name if len(routes) == 1 else name_of(template)
        methods = list(dict.fromkeys(each.method for each in routes))
        at = bp.route(template.removeprefix("/") or "/", methods=methods, auth_level=func.AuthLevel.ANONYMOUS)
        bp.function_name(name)(at(dispatcher(name, template, routes)))
    return bp


def functions_of(routes: Iterable[Route]) -> dict[str, list[Route]]:
    """The routes of each function, by the template that the host matches paths with."""
    alike: dict[str, list[Route]] = {}
    for each in routes:
        front = each.path.rpartition("/")[0]
        alike.setdefault(f"{front}/*" if front.endswith("}") else each.path, []).append(each)
    return {_template(found): found for found in alike.values()}


def _template(alike: list[Route]) -> str:
    """Of routes that are the same, or the same but for their last part: that is a parameter then."""
    paths = list(dict.fromkeys(each.path for each in alike))
    if len(paths) == 1:
        return paths[0]
    named = (path for path in paths if path.endswith("}"))
    return next(named, f"{paths[0].rpartition('/')[0]}/{{part}}")


def name_of(template: str) -> str:
    """Of a function with several operations: that of ``/api/apps/{appId}`` is `apps_app`."""
    parts = template.removeprefix("/api").strip("/").split("/")
    return "_".join(part.strip("{}").removesuffix("Id") for part in parts)


def dispatcher(name: str, template: str, routes: list[Route]) -> Run:
    """A function of several operations, by method and the last part of the path."""
    parameter = template.rpartition("/")[2].strip("{}")
    by_end = {(r.method, None if r.path == template else r.path.rpartition("/")[2]): r.run for r in routes}

    async def run(req: func.HttpRequest) -> func.HttpResponse:
        end = (req.route_params.get(parameter) or "").lower()  # The host compares paths without case.
        found = by_end.get((req.method, end)) or by_end.get((req.method, None))
        return await found(req) if found else func.HttpResponse(status_code=404)  # As the host answers.

    run.__name__ = name
    run.bound_s = HTTP_S  # type: ignore[attr-defined]
    return run


def endpoint(handler: Run, *, most: int = SMALL_BODY) -> Run:
    """An HTTP handler: what Guestlist refuses becomes problem+json, what nobody foresaw a 500 without insides.

    A body of more than `most` bytes is refused before the handler sees it. The platform has it in memory by then, up
    to `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`; but decoding takes many times as much, and the event loop's time.
    """

    @functools.wraps(handler)
    async def run(req: func.HttpRequest) -> func.HttpResponse:
        with wiring.request(handler.__name__, req.method, req.headers) as work:
            request_id, reason = work.trace_id, ""
            old_names = deprecation.begin()
            try:
                _require_length(req, most)
                _require_values(req)
                async with within(HTTP_S, handler.__name__):
                    answer = await handler(req)
            except (Refused, Unavailable) as e:
                log.info("%s %s refused: %s [%s]", req.method, urlsplit(req.url).path, e.reason.value, request_id)
                document, headers = problems.of_error(e, request_id)
                reason = e.reason.value
                answer = json_response(document, document["status"], headers, problems.MEDIA_TYPE)
            except Exception:
                log.exception("%s %s failed [%s]", req.method, urlsplit(req.url).path, request_id)
                document = problems.problem(Reason.INTERNAL, request_id=request_id)
                reason = Reason.INTERNAL.value
                answer = json_response(document, 500, {}, problems.MEDIA_TYPE)
            work.answer(answer.status_code, reason)
        answer.headers["x-request-id"] = request_id
        answer.headers.setdefault("Cache-Control", "no-store")
        answer.headers.update(_OF_ALL | (deprecation.HEADERS if old_names else {}))
        return _unless_known(req, answer)

    return run


def _runner(
    handler: Handler,
    sources: dict[str, Source],
    operation: Operation | None,
    action: Action | None,
    on_refusal: OnRefusal | None,
) -> Run:
    """Reads what the handler needs, the caller first, and answers with what it gives."""
    is_open, forms = operation is None or operation.is_open, operation is not None and operation.forms

    async def work(req: func.HttpRequest) -> func.HttpResponse:
        call = Call(req, form_of(req) if forms else None)
        if not is_open or APP in sources.values():
            call.app = await wiring.app()
        if call.app is not None and not is_open:
            call.caller = await caller_of(call.app, req, call.form)
            if action is not None and RULES[action].object is Object.TENANT:
                require(call.caller, action)
        return response(await handler(**{name: source.read(call) for name, source in sources.items()}))

    async def run(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return await work(req)
        except (Refused, Unavailable) as e:
            if on_refusal is None:
                raise
            return await on_refusal(req, e)

    run.__name__ = handler.__name__
    return run


def _by_old_path(run: Run, path: str) -> Run:
    @functools.wraps(run)
    async def noted(req: func.HttpRequest) -> func.HttpResponse:
        deprecation.note(path)
        return await run(req)

    return noted


def _who(action: Action, also: str) -> Who:
    """Who the table of access opens an operation for."""
    text = f"{also}, {who_may(action)}" if also else who_may(action)
    return Who(f"{text[0].upper()}{text[1:]}.", OF_APP_ROLES if RULES[action].object is Object.TENANT else ())


def _sources(handler: Handler, body: Body | None, *, is_open: bool) -> dict[str, Source]:
    """Raises TypeError for a parameter that nothing fills in, and for a caller where nobody needs a token."""
    parameters = inspect.signature(handler).parameters
    found = {name: source_of(each.annotation) for name, each in parameters.items() if name != "body"}
    if "body" in parameters and body is not None:
        found["body"] = Source(body.read)  # After the rest: it is work.
    missing = [name for name in parameters if found.get(name) is None]
    if missing or (is_open and any(each.annotation is Caller for each in parameters.values())):
        raise TypeError(f"{handler.__name__} has parameters that its route cannot fill in: {missing or 'caller'}")
    return {name: source for name, source in found.items() if source is not None}


def _require_length(req: func.HttpRequest, most: int) -> None:
    """Raises Refused `body-too-large`."""
    said = req.headers.get("content-length") or ""
    size = max(len(req.get_body()), int(said) if said.isascii() and said.isdigit() else 0)
    if size > most:
        raise Refused(Reason.BODY_TOO_LARGE, f"The body has {size:,} bytes; {most:,} are taken")


def _require_values(req: func.HttpRequest) -> None:
    """The platform drops parameters without a value: whoever writes ``?dryRun`` must not have done what they wanted
    to look at. The pages' addresses come from elsewhere, with what their senders like. Raises Refused
    `parameter-invalid`."""
    parts = urlsplit(req.url)
    if not parts.path.startswith("/api/"):
        return
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if not value:
            raise Refused(Reason.PARAMETER_INVALID, "The parameter has no value", field=name[:100])


def _unless_known(req: func.HttpRequest, answer: func.HttpResponse) -> func.HttpResponse:
    """Lists and records say which version they are, and are not sent again to whoever has it."""
    if req.method != "GET" or answer.status_code != 200 or answer.mimetype != "application/json":
        return answer
    tag = answer.headers.setdefault("ETag", f'"{hashlib.sha256(answer.get_body()).hexdigest()[:32]}"')
    known = {t.strip().removeprefix("W/") for t in (req.headers.get("if-none-match") or "").split(",")}
    if tag not in known:
        return answer
    return func.HttpResponse(status_code=304, headers=dict(answer.headers))
