"""What Guestlist tells of its work: traces, metrics and logs, by OpenTelemetry.

Only adapters and ``wiring`` know of it; what is told never holds a guest's address, name or message.
"""
