"""A directory simulator: an HTTP server that behaves like Microsoft Graph v1.0 for guests, groups and their apps.

It follows the published behaviour of Graph and knows nothing of the product in this repository. Control of
the simulator itself lives under ``/_sim`` and never under ``/v1.0``.
"""
