"""The trace that the work at hand belongs to; messages carry it on."""

from contextvars import ContextVar

current_traceparent: ContextVar[str | None] = ContextVar("current_traceparent", default=None)
"""A W3C ``traceparent``, or None outside any trace."""
