"""Bulk import: a file of guests, and what becomes of it."""

import asyncio
from typing import Annotated

import azure.functions as func

from functions.answers import Accepted, CsvFile
from functions.arguments import MULTIPART, TEXT, Continuation, DryRun, Key, content_type, query
from functions.http import Routes
from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import GroupId, ImportId
from shared.core.reasons import Reason
from shared.core.texts import one_line
from shared.http.openapi import OF_DIRECTORY, OF_GROUP_KINDS, OF_GROUPS
from shared.imports import schemas
from shared.imports.start import SIZE_LIMIT, Upload
from shared.membership.model.access import Action
from shared.wiring import App

route = Routes("imports")

_ALL = "/api/groups/{groupId}/imports"
_ONE = f"{_ALL}/{{importId}}"
_NAME_LIMIT, _DEFAULT_NAME = 200, "guests.csv"
_Name = Annotated[str, query("name", "the file's name", TEXT, str, default=_DEFAULT_NAME)]
_CSV = ("", "text/csv", "text/plain", "application/csv", "application/octet-stream")
_FORM_LIMIT = 10 * 1024 * 1024
"""Bytes of a form with a file: the library that finds the file in it takes a second for five million."""
_OF_CHANGES = (Reason.IMPORT_ENDED, *OF_DIRECTORY)


@route(
    f"POST {_ALL}",
    Action.INVITE,
    *(
        *OF_GROUPS,
        *OF_GROUP_KINDS,
        Reason.FILE_EMPTY,
        Reason.FILE_TOO_LARGE,
        Reason.FILE_UNREADABLE,
        Reason.FILE_NO_ADDRESS_COLUMN,
        Reason.APP_BEING_REMOVED,
    ),
    csv=True,
    most=SIZE_LIMIT,
)
async def post_import(
    req: func.HttpRequest, app: App, caller: Caller, group: GroupId, name: _Name, dry_run: DryRun, key: Key
) -> schemas.ImportPreview | Accepted[schemas.Import]:
    """Import a file of guests, or preview it."""
    if content_type(req) == MULTIPART:
        # To find the file in a form is work: for nobody whose file is not wanted.
        await app.imports.start.authority.target_of_caller(group, caller)
        file, content = await asyncio.to_thread(_part, req, name)
    else:
        file, content = name, _content(req)
    upload = Upload(
        group, one_line(file.replace("\\", "/").rpartition("/")[2])[:_NAME_LIMIT] or _DEFAULT_NAME, content
    )
    if dry_run:
        return schemas.preview(await app.imports.preview(upload, caller))
    import_id = await app.imports.start(upload, caller, key)
    seen = await app.imports.commands.show(group, import_id, caller)
    return Accepted(schemas.one(seen), f"/api/groups/{group}/imports/{import_id}")


@route(f"GET {_ALL}", Action.READ_GUESTS, *OF_GROUPS)
async def list_imports(app: App, caller: Caller, group: GroupId) -> schemas.Imports:
    """Imports of a group, the newest first."""
    return schemas.Imports([schemas.one(i) for i in await app.imports.commands.of_group(group, caller)])


@route(f"GET {_ONE}", Action.READ_GUESTS, *OF_DIRECTORY)
async def get_import(app: App, caller: Caller, group: GroupId, import_id: ImportId) -> schemas.Import:
    """One import and how far it is."""
    return schemas.one(await app.imports.commands.show(group, import_id, caller))


@route(f"GET {_ONE}/results", Action.READ_GUESTS, Reason.FILE_GONE, *OF_DIRECTORY)
async def get_import_results(
    app: App, caller: Caller, group: GroupId, import_id: ImportId, page: Continuation
) -> CsvFile:
    """One outcome for each row, ten thousand at a time: follow the Link header."""
    record, content, after = await app.imports.results(group, import_id, caller, page.continuation)
    link = page.next(f"/api/groups/{group}/imports/{import_id}/results", after)
    return CsvFile(content, f"{record.file_name.removesuffix('.csv')}.results.csv", link)


@route(f"POST {_ONE}/pause", Action.CHANGE_IMPORT, *_OF_CHANGES)
async def pause_import(app: App, caller: Caller, group: GroupId, import_id: ImportId) -> schemas.Import:
    """Invite nobody until it is resumed."""
    return schemas.one(await app.imports.commands.pause(group, import_id, caller))


@route(f"POST {_ONE}/resume", Action.CHANGE_IMPORT, *_OF_CHANGES)
async def resume_import(app: App, caller: Caller, group: GroupId, import_id: ImportId) -> schemas.Import:
    """Go on."""
    return schemas.one(await app.imports.commands.resume(group, import_id, caller))


@route(f"POST {_ONE}/cancel", Action.CHANGE_IMPORT, *_OF_CHANGES)
async def cancel_import(app: App, caller: Caller, group: GroupId, import_id: ImportId) -> schemas.Import:
    """Invite nobody who was not asked yet."""
    return schemas.one(await app.imports.commands.cancel(group, import_id, caller))


@route(
    f"POST {_ONE}/undo",
    Action.CHANGE_IMPORT,
    *(Reason.FEATURE_OFF, Reason.IMPORT_UNDER_WAY, Reason.UNDO_TOO_LATE, *OF_DIRECTORY),
)
async def undo_import(
    app: App, caller: Caller, group: GroupId, import_id: ImportId, dry_run: DryRun
) -> schemas.ImportUndo | Accepted[schemas.Import]:
    """Take back the memberships and the unused accounts that it made."""
    if dry_run:
        stored = await app.imports.commands.require_undo(group, import_id, caller)
        plan = await app.imports.undo.plan(import_id, sorted(stored.progress.value.targets))
        seen = await app.imports.commands.show(group, import_id, caller)
        return schemas.ImportUndo.of(plan, until=seen.undo_until)
    seen = await app.imports.commands.undo(group, import_id, caller)
    return Accepted(schemas.one(seen), f"/api/groups/{group}/imports/{import_id}")


def _part(req: func.HttpRequest, name: str) -> tuple[str, bytes]:
    """Name and content of the part `file` of a form, which may have no name; takes seconds where the form is large.
    Raises Refused `file-too-large`, `body-invalid`."""
    size = len(req.get_body())
    if size > _FORM_LIMIT:
        detail = f"The form has {size:,} bytes; {_FORM_LIMIT:,} are taken. Send the file itself, as text/csv"
        raise Refused(Reason.FILE_TOO_LARGE, detail, field="file")
    part = req.files.get("file")
    if part is None:
        raise Refused(Reason.BODY_INVALID, "The form has no part named 'file'", field="file")
    return part.filename or name, part.stream.read()


def _content(req: func.HttpRequest) -> bytes:
    """The body as it is; raises Refused `body-invalid`."""
    if (kind := content_type(req)) not in _CSV:
        raise Refused(Reason.BODY_INVALID, f"Send text/csv or multipart/form-data, not {kind}", field="Content-Type")
    return bytes(req.get_body())
