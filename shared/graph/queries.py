"""What all that asks Graph has in common: objects and collections out of answers, and conditions of ``$filter``.

The directory takes conditions of three levels at most, a lambda being one of them, fifteen alternatives, and values
of 120 characters. Sources: Microsoft Graph, known issue 13635 (the length, the fifteen); microsoft-graph-docs #3641
("search filter expression has excessive height: 4. Max allowed: 3").
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import batched
from typing import Any
from urllib.parse import quote

from shared.core.errors import DirectoryUnsure
from shared.graph import errors
from shared.graph.batch import Part
from shared.graph.response import Response
from shared.graph.session import GraphSession

_LONGEST = 120
_MAX_IDS = 15
"""Operands of ``in`` in one filter. Source: Microsoft Graph, "Use the $filter query parameter"."""


class OnGraph:
    """Asks through a session that others use as well; closing it is for the one who made it."""

    def __init__(self, session: GraphSession) -> None:
        self._session = session

    async def _find(self, path: str, permission: str) -> dict[str, Any] | None:
        """One object, None where there is none; raises as `one` does."""
        response = await self._session.request("GET", path)
        return None if response.status == 404 else one(response, permission)

    async def _list(self, path: str, permission: str, *, may_be_gone: bool = False) -> list[dict[str, Any]]:
        """A whole collection, empty where what has it `may_be_gone` and is; raises as `all_pages` does."""
        response = await self._session.request("GET", path)
        if may_be_gone and response.status == 404:
            return []
        return await all_pages(self._session, response, permission)

    async def _write(
        self, method: str, path: str, body: Any, permission: str, headers: dict[str, str] | None = None
    ) -> Response:
        """A write of one object, which went through; raises as `errors.require_written` does."""
        response = await self._session.request(method, path, body=body, headers=headers)
        errors.require_written(response, permission)
        return response

    async def _delete(self, path: str, permission: str) -> None:
        """What is gone already is as good. Raises as `errors.require_written` does."""
        response = await self._session.request("DELETE", path)
        if response.status != 404:
            errors.require_written(response, permission)


def one(response: Response, permission: str) -> dict[str, Any]:
    """The object that was asked for. Raises Refused (`permission-missing` naming `permission`, `directory-refused`),
    and DirectoryBusy: there is none to be had now."""
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


def where(condition: str) -> str:
    """The option of a path that asks for what meets the condition."""
    return f"$filter={quote(condition, safe='')}"


def literal(text: str) -> str:
    """A text as it stands between quotes."""
    return text.replace("'", "''")


def of_ids(collection: str, ids: Sequence[str], fields: str) -> list[Part]:
    """Requests for fields of the objects with these ids, as many in one filter as it takes. What is not there is
    not in the answer."""
    lists = (",".join(f"'{literal(i)}'" for i in some) for some in batched(ids, _MAX_IDS, strict=False))
    return [Part("GET", f"/{collection}?{where(f'id in ({some})')}&$select={fields}") for some in lists]


def fits(value: str) -> bool:
    """Whether the directory compares with the whole value."""
    return len(value) <= _LONGEST


def equals(operand: str, value: str) -> str:
    """That the operand is the value; where it does not fit, that it begins so: the caller then compares what is
    found."""
    if fits(value):
        return f"{operand} eq '{literal(value)}'"
    return f"startswith({operand},'{literal(value[:_LONGEST])}')"
