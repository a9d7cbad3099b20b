"""Pages for browsers. Those without script post their forms to the API's own routes, which answer with a page:
303, or the form again with what is wrong. The portal is static files, built from
``portal/`` into ``portal/static/`` here."""

import functools
import gzip
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import azure.functions as func

from functions.answers import html_response, stylesheet
from functions.arguments import form_of, wants_page
from functions.http import OnRefusal, page
from shared import wiring
from shared.core.errors import Refused, Unavailable
from shared.http import pages, problems

STATIC = Path(__file__).parent / "portal" / "static"
_INDEX = "index.html"
_LASTING = "assets/"
"""Files below it carry a digest in their names: what is there never changes."""
_COMPRESSED = {".html", ".js", ".css", ".svg", ".json", ".webmanifest"}

type FormAgain = Callable[[func.HttpRequest, Mapping[str, str], problems.Problem], Awaitable[str]]


def language_of(req: func.HttpRequest, wanted: str | None = None) -> str:
    """Of the page: as asked for by ``?lang=``, else the one wanted, else as the browser prefers."""
    return pages.language_of(req.headers.get("accept-language"), req.params.get("lang") or wanted)


def form_again(again: FormAgain | None = None) -> OnRefusal:
    """A browser gets a page that says why: the form again, where `again` draws one."""

    async def answer(req: func.HttpRequest, error: Refused | Unavailable) -> func.HttpResponse:
        if not wants_page(req):
            raise error
        problem, headers = problems.of_error(error, None)
        form = _readable(req)
        if again is not None and problem["status"] not in (404, 405):
            text = await again(req, form, problem)
        else:
            text = pages.page("refusal", language_of(req, form.get("language")), problem=problem)
        return html_response(text, problem["status"], headers)

    return answer


def _readable(req: func.HttpRequest) -> dict[str, str]:
    try:
        return form_of(req) or {}
    except Refused:
        return {}


@page("/page.css")
async def page_style() -> func.HttpResponse:
    return stylesheet(pages.stylesheet())


@dataclass(frozen=True, slots=True)
class _File:
    plain: bytes
    zipped: bytes | None
    kind: str
    tag: str


@page("/")
async def home() -> func.HttpResponse:
    """Where people land who type the host's name alone; it comes before the host's own page."""
    return func.HttpResponse(status_code=302, headers={"Location": "/portal/"})


@page("/portal/{*path}")
async def portal_files(req: func.HttpRequest) -> func.HttpResponse:
    """A file of the portal; addresses of its pages, which have no extension, all answer with the one page."""
    path = (req.route_params.get("path") or "").strip("/")
    name = path if "." in path.rpartition("/")[2] else _INDEX
    if name not in _names():
        return func.HttpResponse("There is no such file.\n", status_code=404, mimetype="text/plain")
    file = _read(name)
    headers = pages.page_headers((await wiring.app()).settings.authority)
    headers |= {"ETag": f'"{file.tag}"', "Vary": "Accept-Encoding"}
    headers["Cache-Control"] = "public, max-age=31536000, immutable" if name.startswith(_LASTING) else "no-cache"
    if req.headers.get("if-none-match") == headers["ETag"]:
        return func.HttpResponse(status_code=304, headers=headers)
    body = file.plain
    if file.zipped is not None and "gzip" in (req.headers.get("accept-encoding") or ""):
        body = file.zipped
        headers["Content-Encoding"] = "gzip"
    return func.HttpResponse(body, headers=headers, mimetype=file.kind, charset="utf-8")


@functools.cache
def _names() -> frozenset[str]:
    """What may be asked for: the files that are there, and so nothing outside."""
    return frozenset(p.relative_to(STATIC).as_posix() for p in STATIC.rglob("*") if p.is_file())


@functools.cache
def _read(name: str) -> _File:
    plain = (STATIC / name).read_bytes()
    zipped = gzip.compress(plain, mtime=0) if Path(name).suffix in _COMPRESSED else None
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return _File(plain, zipped, kind, sha256(plain).hexdigest()[:32])
