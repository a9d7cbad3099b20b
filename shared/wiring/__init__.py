"""Joins ports to adapters, once per process, at the first call: nothing heavy is loaded by an import.

adapters.py      what speaks to the outside
capabilities.py  the steps, made of the adapters and ready to run
telemetry.py     traces and logs of the work at hand
"""

import asyncio
import logging
import os

from shared.core.errors import GuestlistError
from shared.settings import read_settings
from shared.wiring.capabilities import App
from shared.wiring.telemetry import Work, configure_telemetry, delivery, on_time, request, send_telemetry

__all__ = ["App", "Work", "app", "delivery", "on_time", "request", "send_telemetry"]

log = logging.getLogger("guestlist")

_apps: dict[asyncio.AbstractEventLoop, App] = {}
_under_way: set[asyncio.Task[None]] = set()
"""What was begun at the start and goes on beside the first calls."""


async def app() -> App:
    """The app of this process. Its clients belong to the running event loop; the worker has one. Raises
    SettingsError: naming each setting that is missing or wrong."""
    loop = asyncio.get_running_loop()
    if loop not in _apps:
        # No await in between: two first calls at once build one app.
        from shared.telemetry.logs import pseudonyms

        settings = read_settings(os.environ)
        configure_telemetry()
        pseudonyms.in_clear = settings.log_personal_data
        if settings.renamed:
            log.warning("settings to rename before the next version: %s", "; ".join(settings.renamed))
        made = _apps[loop] = App(settings)
        task = loop.create_task(_learn_log_key(made))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)
    return _apps[loop]


async def _learn_log_key(made: App) -> None:
    """Until the key is here, logs say of a guest that there was one, and not which."""
    from shared.telemetry.logs import pseudonyms

    try:
        pseudonyms.use(await made.log_key())
    except GuestlistError as e:
        log.warning("the key of the logs could not be read: %s", e)
