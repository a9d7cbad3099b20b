"""Answers that are no token, in the words of Microsoft Entra ID (``refusals.json``)."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

_TEXTS: Final[dict[str, tuple[str, int, str, int]]] = json.loads(
    Path(__file__).with_name("refusals.json").read_text(encoding="utf-8")
)


class Refusal(Exception):
    """What the token endpoint or the sign-in page refuses, by its name in the table.

    `error` is OAuth's word for it, `code` Entra's AADSTS number, `status` the HTTP status.
    """

    def __init__(self, name: str, /, **values: object) -> None:
        self.error, self.code, text, self.status = _TEXTS[name]
        self.text = text.format(**values)
        super().__init__(self.text)

    @property
    def description(self) -> str:
        return f"AADSTS{self.code}: {self.text}"

    def body(self) -> dict[str, Any]:
        """The JSON document of the token endpoint. Source: Microsoft identity platform, "Error response"."""
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z"
        text = f"{self.description} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
        ids = {"timestamp": now, "trace_id": trace, "correlation_id": correlation}
        return {"error": self.error, "error_description": text, "error_codes": [self.code], **ids}


def missing(parameter: str) -> Refusal:
    return Refusal("parameter missing", parameter=parameter)
