"""Where Guestlist keeps its state: Azure Table Storage."""

from shared.adapters.tables.store import TABLES, TableStore

__all__ = ["TABLES", "TableStore"]
