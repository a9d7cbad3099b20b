"""Users of the directory."""

from dataclasses import dataclass

from shared.core.ids import UserId


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """A user of the directory."""

    id: UserId
    name: str
    is_guest: bool = False
    enabled: bool = True
