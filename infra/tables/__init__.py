"""Backup of the tables that hold Guestlist's state, and the way back: ``python3 dev.py operate tables``."""
