"""Which functions an app has, as `GUESTLIST_WORKER` says. Where setup has an identity of its own (docs/adr/0018), its
worker has the functions that need it, without any route, and the public one has all others."""

import os
from types import ModuleType

import azure.functions as func

from functions import (
    audits,
    diagnostics,
    groups,
    health,
    http,
    imports,
    invitations,
    pages,
    people,
    portal,
    queues,
    requests,
    setup_worker,
    setups,
    sweeper,
)
from shared.settings import Worker, worker_of

PUBLIC: tuple[ModuleType, ...] = (
    invitations,
    queues,
    imports,
    groups,
    requests,
    setups,
    audits,
    diagnostics,
    people,
    pages,
    portal,
    sweeper,
    health,
)


def blueprints() -> list[func.Blueprint]:
    """Raises SettingsError for an unknown worker: it must not have more functions than were meant."""
    worker = worker_of(os.environ)
    triggers = [module.bp for module in PUBLIC if hasattr(module, "bp")]
    public = [] if worker is Worker.SETUP else [http.blueprint(), *triggers]
    of_setup = [] if worker is Worker.PUBLIC else [setup_worker.bp]
    return [*public, *of_setup, *([setup_worker.report] if worker is Worker.SETUP else [])]
