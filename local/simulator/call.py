"""One request to Graph, apart from the HTTP library. Items of a $batch are calls like any other."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .audits import Actor
from .errors import NO_CONTENT, Answer, bad_request, bad_token, unreadable_body
from .odata.query import Query, parse_query
from .world import World

__all__ = ["NO_CONTENT", "Answer", "Call", "Caller", "Json", "Needs"]

Json = dict[str, Any]
Needs = tuple[frozenset[str], ...]
"""Alternatives of permissions that are needed together."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the token speaks for. `permissions` is its roles (app-only) or scopes (delegated)."""

    app_id: str
    object_id: str
    permissions: frozenset[str]
    is_app: bool = True

    def may(self, permission: str) -> bool:
        return permission in self.permissions


@dataclass(kw_only=True)
class Call:
    """A request on its way through the pipeline.

    `path` starts after the version and is percent-decoded; `keys` holds the values of the template's
    parameters; header names are lower case.
    """

    world: World
    method: str
    version: str
    path: str
    segments: list[str]
    raw_query: str
    headers: dict[str, str]
    body: Any
    base_url: str
    request_id: str
    caller: Caller | None = None
    unreadable: bool = False
    """The body is there and is no JSON."""
    keys: dict[str, str] = field(default_factory=dict)
    template: str = ""

    @cached_property
    def query(self) -> Query:
        return parse_query(self.raw_query, consistency=self.headers.get("consistencylevel"))

    @property
    def who(self) -> Caller:
        """The caller, once the token has been verified."""
        if self.caller is None:
            raise bad_token("Access token is empty.")
        return self.caller

    @property
    def actor(self) -> Actor:
        """The caller as the audit log names it."""
        who, directory = self.who, self.world.directory
        found = (directory.service_principals if who.is_app else directory.users).get(who.object_id)
        name = found.get("displayName") if found else None
        if who.is_app:
            return Actor(who.app_id, name, who.object_id)
        return Actor(who.app_id, name, None, who.object_id, found.get("userPrincipalName") if found else None)

    def holds(self, needs: Needs) -> bool:
        """Whether the caller has one of these alternatives."""
        return any(needed <= self.who.permissions for needed in needs)

    def prefers(self, preference: str) -> bool:
        """Whether the ``Prefer`` header holds a preference."""
        return preference in {part.strip().lower() for part in self.headers.get("prefer", "").split(",")}

    def json(self) -> Json:
        """The body, which must be a JSON object. Raises GraphError: 400 when it is none."""
        if not isinstance(self.body, dict):
            raise unreadable_body()
        return self.body

    def check_content(self) -> None:
        """Raises GraphError: 400 for a write whose body has no Content-Type, another than JSON, or is no JSON.

        Only a POST may come without body and header at all: actions such as ``restore`` and ``send`` are documented
        so. The texts are reported ("Write requests (excluding DELETE) must contain …").
        """
        if self.method not in {"POST", "PATCH", "PUT"}:
            return
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not kind and not (self.method == "POST" and self.body is None and not self.unreadable):
            text = "Write requests (excluding DELETE) must contain the Content-Type header declaration."
            raise bad_request(text, "BadRequest")
        if kind and kind != "application/json":
            raise bad_request("Entity only allows writes with a JSON Content-Type header.", "BadRequest")
        if self.unreadable:
            raise unreadable_body()
