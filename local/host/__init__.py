"""Runs a Python function app on this machine as the Azure Functions host does. Development only.

The engine is Microsoft's own worker library (`azure-functions-runtime`), driven as Azure drives it for Python 3.13:
it indexes the app and does every binding's decoding and encoding. Here is only what surrounds it. README.md says what
is as in Azure, what still differs, and which processes there are.
"""
