"""What is written in a queue message: `messageEncoding` of host.json."""

from __future__ import annotations

import base64
import binascii


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
