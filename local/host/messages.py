"""What is written in a queue message: `messageEncoding` of host.json, and an output binding's value."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any


class UndecodableMessage(Exception):
    """The text of a message is not base64 where host.json says it is."""


def decode(content: str, *, base64_encoded: bool) -> bytes:
    """The body of a message as it came from the service.

    Raises:
        UndecodableMessage: it was written with another encoding.
    """
    if not base64_encoded:
        return content.encode()
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UndecodableMessage(str(error)) from error


def encode(body: bytes, *, base64_encoded: bool) -> str:
    """The text to send for a body.

    Raises:
        UnicodeDecodeError: the body is not text, and host.json asks for no encoding.
    """
    return base64.b64encode(body).decode() if base64_encoded else body.decode()


def bodies(datum: Any) -> list[bytes]:
    """The messages in an output's Datum: one text or bytes, one `func.QueueMessage`, or a list of both."""
    match datum.type, datum.value:
        case _, None:
            return []
        case "bytes", value:
            return [bytes(value)]
        case "string", value:
            return [str(value).encode()]
        case "json", value:
            content = json.loads(value)
            return [_body(item) for item in (content if isinstance(content, list) else [content])]
        case other, value:
            return [json.dumps(value).encode() if other in ("dict", "list") else str(value).encode()]


def _body(item: Any) -> bytes:
    # The library writes a func.QueueMessage as its id and its body.
    if isinstance(item, dict) and set(item) == {"id", "body"}:
        return str(item["body"]).encode()
    return (item if isinstance(item, str) else json.dumps(item)).encode()
