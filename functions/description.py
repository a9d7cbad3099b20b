"""The API, described: the OpenAPI document and a page to read it."""

from typing import Any

import azure.functions as func

from functions.edge import endpoint, json_response
from functions.pages import html_response
from shared import wiring
from shared.api import openapi

bp = func.Blueprint()


@bp.function_name("get_openapi")
@bp.route("api/openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_openapi(req: func.HttpRequest) -> func.HttpResponse:
    return json_response(_document(await wiring.app()))


@bp.function_name("get_docs")
@bp.route("api/docs", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_docs(req: func.HttpRequest) -> func.HttpResponse:
    return html_response(openapi.page(_document(await wiring.app())))


@bp.function_name("get_docs_css")
@bp.route("api/docs.css", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_docs_css(req: func.HttpRequest) -> func.HttpResponse:
    headers = {"Cache-Control": "public, max-age=3600"}
    return func.HttpResponse(openapi.stylesheet(), headers=headers, mimetype="text/css", charset="utf-8")


def _document(app: wiring.App) -> dict[str, Any]:
    settings = app.settings
    return openapi.document(
        authority=settings.authority,
        tenant_id=settings.tenant_id,
        scope=f"api://{settings.api_audience}/access_as_user",
        server=settings.requests.public_url,
    )
