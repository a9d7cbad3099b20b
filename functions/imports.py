"""Bulk import: a file of guests, what becomes of it, and the queues that work on it."""

import asyncio
from functools import partial
from urllib.parse import quote

import azure.functions as func

from functions.callers import caller_of
from functions.edge import endpoint, group_of, idempotency_key, json_response, step
from functions.setups import is_dry
from shared import wiring
from shared.api.schemas import imports as bodies
from shared.domain.commands import ImportChunk, SplitImport, UndoImport
from shared.domain.errors import Refused
from shared.domain.import_ids import ImportId
from shared.domain.outcomes import Outcome
from shared.domain.reasons import Reason
from shared.domain.texts import one_line
from shared.steps.imports.start import SIZE_LIMIT, Upload

bp = func.Blueprint()

_ONE = "api/groups/{groupId}/imports/{importId}"
_MULTIPART = "multipart/form-data"
_NAME_LIMIT, _DEFAULT_NAME = 200, "guests.csv"
_FORM_LIMIT = 10 * 1024 * 1024
"""Bytes of a form with a file: the library that finds the file in it takes a second for five million."""


@bp.function_name("post_import")
@bp.route("api/groups/{groupId}/imports", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@partial(endpoint, most=SIZE_LIMIT)
async def post_import(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    group = group_of(req)
    if _kind(req) == _MULTIPART:
        # To find the file in a form is work: for nobody whose file is not wanted.
        await app.imports.start.targets.of_caller(group, caller)
        name, content = await asyncio.to_thread(_part, req)
    else:
        name, content = _file_name(req), _content(req)
    upload = Upload(
        group, one_line(name.replace("\\", "/").rpartition("/")[2])[:_NAME_LIMIT] or _DEFAULT_NAME, content
    )
    if is_dry(req):
        return json_response(bodies.preview(await app.imports.preview(upload, caller)))
    import_id = await app.imports.start(upload, caller, idempotency_key(req))
    seen = await app.imports.tend.show(upload.group, import_id, caller)
    headers = {"Location": f"/api/groups/{upload.group}/imports/{import_id}"}
    return json_response(bodies.one(seen), 202, headers)


@bp.function_name("list_imports")
@bp.route("api/groups/{groupId}/imports", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_imports(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.several(await app.imports.tend.of_group(group_of(req), caller)))


@bp.function_name("get_import")
@bp.route(_ONE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_import(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.one(await app.imports.tend.show(group_of(req), _import(req), caller)))


@bp.function_name("get_import_results")
@bp.route(f"{_ONE}/results", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_import_results(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    group, import_id = group_of(req), _import(req)
    record, part = await app.imports.results(group, import_id, caller, req.params.get("continuation"))
    name = quote(f"{record.file_name.removesuffix('.csv')}.results.csv")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    if part.continuation is not None:
        path = f"/api/groups/{group}/imports/{import_id}/results?continuation={part.continuation}"
        headers["Link"] = f'<{path}>; rel="next"'
    return func.HttpResponse(part.content, status_code=200, headers=headers, mimetype="text/csv", charset="utf-8")


@bp.function_name("pause_import")
@bp.route(f"{_ONE}/pause", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def pause_import(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.one(await app.imports.tend.pause(group_of(req), _import(req), caller)))


@bp.function_name("resume_import")
@bp.route(f"{_ONE}/resume", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def resume_import(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.one(await app.imports.tend.resume(group_of(req), _import(req), caller)))


@bp.function_name("cancel_import")
@bp.route(f"{_ONE}/cancel", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def cancel_import(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.one(await app.imports.tend.cancel(group_of(req), _import(req), caller)))


@bp.function_name("undo_import")
@bp.route(f"{_ONE}/undo", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def undo_import(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    group, import_id = group_of(req), _import(req)
    if is_dry(req):
        stored = await app.imports.tend.need_undo(group, import_id, caller)
        plan = await app.imports.undo.plan(import_id, sorted(stored.progress.value.targets))
        return json_response(bodies.undo_plan(plan, await app.imports.tend.show(group, import_id, caller)))
    seen = await app.imports.tend.undo(group, import_id, caller)
    return json_response(bodies.one(seen), 202, {"Location": f"/api/groups/{group}/imports/{import_id}"})


@bp.function_name("split_import")
@bp.queue_trigger(arg_name="message", queue_name="import-files", connection="GuestlistStorage")
@step
async def split_import(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(SplitImport, message.get_body())
    return await (await wiring.app()).imports.split(command)


@bp.function_name("import_chunk")
@bp.queue_trigger(arg_name="message", queue_name="import-chunks", connection="GuestlistStorage")
@step
async def import_chunk(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(ImportChunk, message.get_body())
    return await (await wiring.app()).imports.chunk(command)


@bp.function_name("undo_import_chunks")
@bp.queue_trigger(arg_name="message", queue_name="import-undos", connection="GuestlistStorage")
@step
async def undo_import_chunks(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(UndoImport, message.get_body())
    return await (await wiring.app()).imports.undo(command)


def _kind(req: func.HttpRequest) -> str:
    """The content type, without its parameters."""
    return (req.headers.get("content-type") or "").partition(";")[0].strip().lower()


def _part(req: func.HttpRequest) -> tuple[str, bytes]:
    """Name and content of the part `file` of a form; takes seconds where the form is large.

    Raises:
        Refused: `file-too-large`, `body-invalid`.
    """
    size = len(req.get_body())
    if size > _FORM_LIMIT:
        detail = f"The form has {size:,} bytes; {_FORM_LIMIT:,} are taken. Send the file itself, as text/csv"
        raise Refused(Reason.FILE_TOO_LARGE, detail, field="file")
    part = req.files.get("file")
    if part is None:
        raise Refused(Reason.BODY_INVALID, "The form has no part named 'file'", field="file")
    return part.filename or _file_name(req), part.stream.read()


def _content(req: func.HttpRequest) -> bytes:
    """The body as it is; raises Refused `body-invalid`."""
    if (kind := _kind(req)) not in ("", "text/csv", "text/plain", "application/csv", "application/octet-stream"):
        raise Refused(Reason.BODY_INVALID, f"Send text/csv or multipart/form-data, not {kind}", field="Content-Type")
    return bytes(req.get_body())


def _file_name(req: func.HttpRequest) -> str:
    return req.params.get("name") or _DEFAULT_NAME


def _import(req: func.HttpRequest) -> ImportId:
    text = req.route_params["importId"].lower()
    if len(text) != 22 or not set(text) <= set("0123456789abcdef"):
        raise Refused(Reason.IMPORT_MISSING)
    return ImportId(text)
