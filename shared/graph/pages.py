"""Objects and collections out of Graph's answers to reads."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from shared.core.errors import DirectoryUnsure
from shared.graph import errors
from shared.graph.response import Response
from shared.graph.session import GraphSession


def one(response: Response, permission: str) -> dict[str, Any]:
    """The object that was asked for.

    Raises:
        Refused: `permission-missing` naming `permission`, or `directory-refused`.
        DirectoryBusy: there is none to be had now.
    """
    if response.status != 200 or not isinstance(response.body, dict):
        raise errors.reading_failed(response, permission)
    return response.body


async def all_pages(session: GraphSession, first: Response, permission: str) -> list[dict[str, Any]]:
    """The whole collection, of which the first page is there. A page may be empty and have a next one. Raises
    Refused, DirectoryBusy: as `one` does, for any page. Refused: a next link leads elsewhere."""
    return [item async for page in pages(session, first, permission) for item in page]


async def pages(session: GraphSession, first: Response, permission: str) -> AsyncIterator[list[dict[str, Any]]]:
    """As `all_pages`, page by page."""
    page = one(first, permission)
    yield page.get("value") or []
    while link := page.get("@odata.nextLink"):
        page = one(await session.follow(str(link), first.asked), permission)
        yield page.get("value") or []


def made(response: Response) -> dict[str, Any]:
    """The object that a POST made, its status checked before. Raises DirectoryUnsure: the answer does not name it."""
    if not isinstance(response.body, dict):
        raise DirectoryUnsure("the directory says that it did the work, but not what came of it")
    return response.body


def time_of(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def last_sign_in(user: dict[str, Any]) -> datetime | None:
    """Out of ``signInActivity``, of whichever kind."""
    activity = user.get("signInActivity") or {}
    times = (time_of(activity.get(n)) for n in ("lastSignInDateTime", "lastNonInteractiveSignInDateTime"))
    return max((t for t in times if t), default=None)
