"""Prints the document: ``python -m shared.api.openapi``. Addresses that only a deployed app knows are examples."""

import sys

import msgspec

from shared.api.openapi.document import document

made = document(
    authority="https://login.example", tenant_id="tenant", scope="api://guestlist/access_as_user", server=None
)
sys.stdout.write(msgspec.json.format(msgspec.json.encode(made)).decode())
