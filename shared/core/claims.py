"""What is done under a claim ends with it: another delivery may take over then."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime

from shared.core.clock import Clock


async def within[T](until: datetime, clock: Clock, effect: Awaitable[T], late: T) -> T:
    """What an effect gives, or `late` where the claim on its rows ends first: then its fate is unknown."""
    try:
        async with asyncio.timeout((until - clock.now()).total_seconds()):
            return await effect
    except TimeoutError:
        return late
