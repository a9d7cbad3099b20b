"""What handlers answer with, and what the API's document says of it. A handler returns a model for 200, None for 204,
or one of the classes here."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin
from urllib.parse import quote

import azure.functions as func
import msgspec

from shared.http.pages import page_headers


@dataclass(frozen=True, slots=True)
class Accepted[T]:
    """202: what is asked for goes on after the answer; `location` is where to see how far it is."""

    body: T
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Tagged[T]:
    """200 with an ETag of its own."""

    body: T
    tag: str


@dataclass(frozen=True, slots=True)
class SeeOther:
    """303: a browser goes on to a page."""

    location: str


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file, or a piece of one with a link to the next."""

    content: bytes
    name: str
    next_link: str | None = None


def answers_of(annotation: Any) -> dict[int, Any]:
    """Models by status, by the type that a handler returns; None where there is no body, or a media type."""
    if get_origin(annotation) in (Union, UnionType):
        return {status: model for each in get_args(annotation) for status, model in answers_of(each).items()}
    if get_origin(annotation) is Accepted:
        return {202: get_args(annotation)[0]}
    if get_origin(annotation) is Tagged:
        return {200: get_args(annotation)[0]}
    if annotation is SeeOther:
        return {303: None}
    if annotation is CsvFile:
        return {200: "text/csv"}
    return {204: None} if annotation is None else {200: annotation}


def response(answer: Any) -> func.HttpResponse:
    """The answer to a request, of what its handler returned."""
    match answer:
        case func.HttpResponse():
            return answer
        case None:
            return func.HttpResponse(status_code=204)
        case Accepted(body, location):
            return json_response(body, 202, {"Location": location} if location else {})
        case Tagged(body, tag):
            return json_response(body, headers={"ETag": f'"{tag}"'})
        case SeeOther(location):
            return func.HttpResponse(status_code=303, headers={"Location": location})
        case CsvFile(content, name, next_link):
            headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
            if next_link:
                headers["Link"] = f'<{next_link}>; rel="next"'
            return func.HttpResponse(content, headers=headers, mimetype="text/csv", charset="utf-8")
    return json_response(answer)


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = "application/json"
) -> func.HttpResponse:
    return func.HttpResponse(
        body=msgspec.json.encode(body), status_code=status, headers=dict(headers or {}), mimetype=media_type
    )


def html_response(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """A page without script."""
    return func.HttpResponse(
        text, status_code=status, headers={**page_headers(), **(headers or {})}, mimetype="text/html", charset="utf-8"
    )


def stylesheet(text: str) -> func.HttpResponse:
    """A style sheet of such pages."""
    headers = {"Cache-Control": "public, max-age=3600"}
    return func.HttpResponse(text, headers=headers, mimetype="text/css", charset="utf-8")
