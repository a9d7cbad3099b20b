"""What can be wrong with an app or its settings before it serves."""

from __future__ import annotations


class StartError(Exception):
    """The app cannot be served as it is; the message says what to mend."""


class NotReproduced(StartError):
    """The app asks for something that the real host does and this one does not."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: this host does not reproduce that.")
        self.what = what
