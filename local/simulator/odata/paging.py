"""Opaque paging tokens and next links (graph contract "Paging"). A link lives on the base URL the client used."""

import base64
import binascii
from urllib.parse import quote, urlencode

import msgspec

from ..errors import GraphError, bad_request


class Place(msgspec.Struct, array_like=True):
    """Where the next page begins: after an ordinal (or at an offset where the order is another), page number."""

    after: int = 0
    number: int = 0


def token(state: msgspec.Struct) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(state)).decode().rstrip("=")


def state_in[T](token_: str, type_: type[T], refusal: GraphError) -> T:
    """The reverse of `token`. Raises GraphError: the refusal, for a token that was not made here."""
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(token_ + "=" * (-len(token_) % 4)), type=type_)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise refusal from error


def place(token_: str | None) -> Place:
    """Raises GraphError: 400 for a token that was not made here."""
    if token_ is None:
        return Place()
    return state_in(token_, Place, bad_request("Invalid skip token.", "Directory_ExpiredPageToken"))


def link(base_url: str, path: str, options: dict[str, str]) -> str:
    """An absolute link; option names keep their ``$``."""
    return f"{base_url}{quote(path, safe='/$()=,')}?{urlencode(options, safe='$,', quote_via=quote)}"
