"""The identity with which Guestlist acts: its managed identity, or a developer's own sign-in."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


def app_credential(client_id: str | None) -> "AsyncTokenCredential":
    """`client_id` names a user-assigned managed identity; None is the system-assigned one.

    On a machine without a managed identity (App Service sets IDENTITY_ENDPOINT where there is one) the
    developer's own sign-in is used.
    """
    if "IDENTITY_ENDPOINT" in os.environ:
        from azure.identity.aio import ManagedIdentityCredential

        return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()
    from azure.identity.aio import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=client_id)
