"""Files that the API hands out part by part."""

from __future__ import annotations

import re
from pathlib import Path

from cli.failures import Unreachable
from cli.session import Session

_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


def fetch(session: Session, path: str, target: Path) -> None:
    """Part by part, into a file beside the target first: half of it is nothing.

    Raises:
        Failure: what the API refuses, or a part that is not the API's own.
    """
    part, link = target.with_name(f"{target.name}.part"), path
    try:
        with part.open("wb") as out:
            while link:
                answer = session.api.download(link)
                out.write(answer.body)
                following = _NEXT.search(answer.headers.get("Link", ""))
                link = _ours(following[1]) if following else ""
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _ours(link: str) -> str:
    """A link within this API. The token goes with it: nothing else is followed."""
    if not link.startswith("/") or link.startswith("//"):
        title = "The API names a next part that is not its own"
        raise Unreachable(title, link[:200], "Check that --url is the address of a Guestlist function app")
    return link
