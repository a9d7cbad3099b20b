"""What speaks to Microsoft Graph about one kind of things."""

from typing import Any

from shared.graph import errors
from shared.graph.pages import all_pages
from shared.graph.response import Response
from shared.graph.session import GraphSession


class OnGraph:
    """Speaks through a session that others use as well; closing it is for the one who made it."""

    def __init__(self, session: GraphSession) -> None:
        self._session = session

    async def _list(self, path: str, permission: str) -> list[dict[str, Any]]:
        """A whole collection; raises as `all_pages` does."""
        return await all_pages(self._session, await self._session.request("GET", path), permission)

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
