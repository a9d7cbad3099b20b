"""What Guestlist exports of its work: traces, metrics and logs, by OpenTelemetry.

Only adapters and ``wiring`` know of it; what is exported never holds a guest's address, name or message.
"""
