"""A record of every exchange under /v1.0, one JSON line each: ``{method, path, status, request, response}``.

The form is that of the conformance check against Microsoft's published types. Not recorded: cut connections,
and answers whose body was written by hand for a fault (they are no claim about Graph).
"""

import os
from pathlib import Path
from typing import Any

import msgspec

_MAX_BATCH = 20


class Traffic:
    """Appends whole lines with one write each, so that several processes may share a file."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._encode = msgspec.json.Encoder().encode

    def record(self, *, method: str, path: str, status: int, request: Any, response: Any) -> None:
        """`path` as it came on the wire, with version and query."""
        if path.split("?")[0].endswith("$batch") and not _was_opened(status, request):
            request = None
        line = {"method": method, "path": path, "status": status, "request": request, "response": response}
        os.write(self._descriptor, self._encode(line) + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)


def _was_opened(status: int, request: Any) -> bool:
    """Whether a $batch was looked into. One answered as a whole (401, 429, 5xx) has no answers for its items;
    one refused for having too many is recorded with them, since that is the client's breach."""
    items = request.get("requests") if isinstance(request, dict) else None
    return status == 200 or (isinstance(items, list) and len(items) > _MAX_BATCH)
