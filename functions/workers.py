"""Which functions an app has, as `GUESTLIST_WORKER` says. Where setup has an identity of its own (docs/adr/0018), its
worker has the functions that need it, without any route, and the public one has all others."""

import os

import azure.functions as func

from functions import (
    apps,
    audits,
    description,
    doctor,
    groups,
    health,
    imports,
    invitations,
    mails,
    memberships,
    pages,
    people,
    portal,
    problems,
    requests,
    setup_worker,
    setups,
    stop,
    sweeper,
)
from shared.config import Worker, worker_of

PUBLIC = (
    invitations,
    memberships,
    mails,
    imports,
    groups,
    requests,
    setups,
    apps,
    audits,
    doctor,
    stop,
    people,
    pages,
    portal,
    description,
    sweeper,
    problems,
    health,
)


def blueprints() -> list[func.Blueprint]:
    """Raises SettingsWrong for an unknown worker: it must not have more functions than were meant."""
    worker = worker_of(os.environ)
    public = [] if worker is Worker.SETUP else [module.bp for module in PUBLIC]
    of_setup = [] if worker is Worker.PUBLIC else [setup_worker.bp]
    return [*public, *of_setup, *([setup_worker.report] if worker is Worker.SETUP else [])]
