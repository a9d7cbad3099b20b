"""What the tenant holds: objects, their relations and the log of changes. No HTTP and no rules of Graph here."""
