"""Which functions an app has, as `GUESTLIST_WORKER` says. Where setup has an identity of its own (docs/adr/0018), its
worker has the functions that need it, without any route, and the public one has all others."""

import os

import azure.functions as func

from functions import audits, diagnostics, imports, invitations, membership, pages, people, requests, setup, sweeper
from functions.http import blueprint as http_functions
from functions.queues import blueprint as queue_functions
from shared.messages.registry import MESSAGES
from shared.settings import Worker, worker_of

PUBLIC = (invitations, imports, membership, requests, setup, audits, diagnostics, people, pages, sweeper)


def blueprints() -> list[func.Blueprint]:
    """Raises SettingsError for an unknown worker: it must not have more functions than were meant."""
    worker = worker_of(os.environ)
    if worker is Worker.SETUP:
        return [queue_functions(route for route in MESSAGES.routes if route.of_setup), setup.worker]
    listening = [route for route in MESSAGES.routes if worker is not Worker.PUBLIC or not route.of_setup]
    return [http_functions(), queue_functions(listening), audits.bp, sweeper.bp]
