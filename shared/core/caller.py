"""The authenticated party of a request."""

from dataclasses import dataclass

from shared.core.ids import UserId


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated party of a request: a person, or an app that acts for itself.

    `client` is the id of the application that holds the token (claim ``azp``).
    """

    object_id: UserId
    name: str
    roles: frozenset[str]
    is_app: bool
    client: str = ""
