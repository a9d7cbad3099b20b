"""The directory: Microsoft Graph through msgraph-sdk's request adapter."""

from shared.adapters.directory.directory import GraphDirectory
from shared.adapters.directory.session import GraphSession

__all__ = ["GraphDirectory", "GraphSession"]
