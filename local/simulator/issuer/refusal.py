"""Answers that are no token, in the words of Microsoft Entra ID."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any


class Refusal(Exception):
    """What the token endpoint or the sign-in page refuses.

    `error` is OAuth's word for it, `code` Entra's AADSTS number, `status` the HTTP status.
    """

    def __init__(self, error: str, code: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error, self.code, self.text, self.status = error, code, text, status

    @property
    def description(self) -> str:
        return f"AADSTS{self.code}: {self.text}"

    def body(self) -> dict[str, Any]:
        """The JSON document of the token endpoint. Source: Microsoft identity platform, "Error response"."""
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z"
        return {
            "error": self.error,
            "error_description": (
                f"{self.description} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
            ),
            "error_codes": [self.code],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
        }


def missing(parameter: str) -> Refusal:
    return Refusal(
        "invalid_request",
        900144,
        f"The request body must contain the following parameter: '{parameter}'.",
    )
