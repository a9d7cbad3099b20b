"""Audits: what the directory says, what policy says and what Guestlist did, compared."""
