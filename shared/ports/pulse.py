"""Whether storage answers."""

from typing import Protocol


class Pulse(Protocol):
    async def feel(self) -> None:
        """Read one row and look at one queue; neither has to be there. Changes nothing.

        Raises:
            StorageBusy: storage does not answer, or not now.
            GuestlistError: it refuses the identity.
        """
        ...
