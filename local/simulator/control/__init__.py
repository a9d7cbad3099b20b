"""The control plane, for tests and development: state, settings, faults, mails, tokens. Never under ``/v1.0``."""

from .routes import add_routes

__all__ = ["add_routes"]
