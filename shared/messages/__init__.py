"""What the queues carry, and what becomes of it.

registry.py   every kind of message: a line each
route.py      what follows from it: bytes, queues, functions
"""
