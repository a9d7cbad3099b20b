"""The OpenAPI 3.1 document, drawn from the models that handlers decode and encode, and a page to read it."""

from shared.http.openapi.document import document, page, stylesheet

__all__ = ["document", "page", "stylesheet"]
