"""A user's mailbox as Graph shows it: drafts, sending, reading back (graph contract "More operations")."""
