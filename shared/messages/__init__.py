"""What the queues carry, and what becomes of it."""
