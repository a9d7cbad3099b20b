"""A user's mailbox as Graph shows it: drafts, sending, reading back (G6)."""
