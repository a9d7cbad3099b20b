"""Prints the API's document: ``python -m functions``. Addresses that only a deployed app knows are examples."""

import sys

import msgspec

from functions import workers
from functions.http import operations
from shared.http.openapi import document

assert workers.PUBLIC, "importing the modules declares the operations"  # noqa: S101
made = document(
    operations(),
    authority="https://login.example",
    tenant_id="tenant",
    scope="api://guestlist/access_as_user",
    server=None,
)
sys.stdout.write(msgspec.json.format(msgspec.json.encode(made)).decode())
