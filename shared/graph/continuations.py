"""Where a page of the directory ended, as callers get it: the directory's own token, sealed for one request.

The request itself is made anew for each page, of what the caller may ask for: a caller hands back nothing but where
to go on in it.
"""

import hashlib
import hmac
from urllib.parse import unquote, urlsplit

from shared.core import continuations

_SEAL = 16
"""Bytes of the seal."""


def give(key: bytes, request: str, link: str) -> str | None:
    """What goes on after the page of a request whose next link this is. None where it has no ``$skiptoken``."""
    for option in urlsplit(link).query.split("&"):
        name, _, token = option.partition("=")
        if unquote(name).lower() == "$skiptoken" and token:
            return continuations.written(_seal(key, request, token) + token.encode())
    return None


def take(key: bytes, request: str, text: str) -> str:
    """The path of the next page of the request. Raises Refused `parameter-invalid`: it was never given out for it."""

    def parse(raw: bytes) -> str:
        token = raw[_SEAL:].decode()
        if not hmac.compare_digest(raw[:_SEAL], _seal(key, request, token)):
            raise ValueError
        return f"{request}&$skiptoken={token}"

    return continuations.read(text, parse)


def _seal(key: bytes, request: str, token: str) -> bytes:
    # No path and no token of an address has a line break.
    return hmac.new(key, f"{request}\n{token}".encode(), hashlib.sha256).digest()[:_SEAL]
