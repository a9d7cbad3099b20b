"""Who calls."""

from typing import Protocol

from shared.domain.access import Caller


class Callers(Protocol):
    async def authenticate(self, authorization: str | None) -> Caller:
        """The caller that an ``Authorization`` header proves.

        Raises:
            Refused: `token-missing`, `token-invalid`, `client-not-allowed`, `guest-caller`, or `issuer-unreachable`
                where the issuer's published keys cannot be had.
        """
        ...
