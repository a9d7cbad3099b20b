"""The apps that are set up."""

from functools import partial

import azure.functions as func

from functions.callers import caller_of
from functions.edge import app_id_of, endpoint, json_response
from functions.setups import is_dry
from shared import wiring
from shared.api.schemas import apps as bodies
from shared.api.schemas import membership
from shared.api.schemas.base import BODY_LIMIT

bp = func.Blueprint()


@bp.function_name("list_apps")
@bp.route("api/apps", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_apps(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    found = await app.setups.apps.list(caller)
    return json_response(bodies.Apps([bodies.app(record, app.settings.tenant_id) for record in found]))


@bp.function_name("get_app")
@bp.route("api/apps/{appId}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_app(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.app(await app.setups.apps.one(app_id_of(req), caller), app.settings.tenant_id))


@bp.function_name("delete_app")
@bp.route("api/apps/{appId}", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def delete_app(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    app_id = app_id_of(req)
    if is_dry(req):
        found = await app.setups.apps.look_at_removal(app_id, caller)
        return json_response(bodies.removal(found), 200, {"ETag": f'"{found.tag}"'})
    tag = req.headers.get("if-match")
    await app.setups.apps.remove(app_id, caller, tag.strip().strip('"') if tag else None)
    location = f"/api/apps/{app_id}"
    return json_response(bodies.AppRemoving(app_id), 202, {"Location": location})


@bp.function_name("put_inviters")
@bp.route("api/apps/{appId}/inviters", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def put_inviters(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    wanted = bodies.decode_inviters(req.get_body())
    changed = await app.setups.apps.name_inviters(app_id_of(req), wanted, caller)
    return json_response(bodies.Inviters(list(changed.inviters)))


@bp.function_name("get_templates")
@bp.route("api/apps/{appId}/templates", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_templates(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(membership.templates(await app.portal.templates.show(app_id_of(req), caller)))


@bp.function_name("put_templates")
@bp.route("api/apps/{appId}/templates", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
@partial(endpoint, most=BODY_LIMIT)
async def put_templates(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    wanted = membership.decode_templates(req.get_body())
    return json_response(membership.templates(await app.portal.templates.write(app_id_of(req), wanted, caller)))
