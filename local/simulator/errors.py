"""The answer to a call, apart from the HTTP library, and Graph's own errors, with the texts that clients match on:
one maker for each condition of the graph contract.

A `GraphError` is raised by models and rendered by the pipeline into Graph's envelope
(graph contract "Errors": code, message, innerError with date, request-id and client-request-id).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

# innerError of a 429 in Microsoft's sample, beside the date and the ids (graph contract "Throttling").
TOO_MANY_INNER = {"code": "429", "status": "429", "message": "Please retry after"}


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is rendered as JSON, `text` as plain text; neither: an empty answer. `by_hand` marks what a test wrote
    for a fault: no claim about Graph."""

    status: int = 200
    body: Any = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    by_hand: bool = False


NO_CONTENT = Answer(204)


@dataclass(eq=False)
class GraphError(Exception):
    """An answer of Graph that is no success."""

    status: int
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)
    inner: dict[str, Any] = field(default_factory=dict)
    details: list[dict[str, str]] | None = None


def bad_request(message: str, code: str = "Request_BadRequest") -> GraphError:
    return GraphError(400, code, message)


def unsupported_query(message: str) -> GraphError:
    """A query that needs the advanced headers, or that the directory cannot run at all."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def invalid_value(property_: str, resource: str, code: str = "InvalidValue") -> GraphError:
    """A property that may not have its value, or (``InvalidLength``) is too long: reported for users and groups
    (microsoft-graph-docs-contrib #6580, microsoft-graph-docs #6675)."""
    text = f"Invalid value specified for property '{property_}' of resource '{resource}'."
    return GraphError(400, "Request_BadRequest", text, details=[{"code": code, "target": property_}])


def check_required(fields: dict[str, Any], resource: str, *names: str, code: str = "Request_BadRequest") -> None:
    """Raises GraphError: 400 for the first of these properties that has no value."""
    for name in names:
        if fields.get(name) in (None, ""):
            raise bad_request(f"A value is required for property '{name}' of resource '{resource}'.", code)


def not_unique(property_: str, code: str = "Request_BadRequest") -> GraphError:
    return bad_request(f"Another object with the same value for property {property_} already exists.", code)


def _said(status: int, code: str, text: str) -> Callable[..., GraphError]:
    """A maker of an error; what it is given takes the places in the text."""
    return lambda *values: GraphError(status, code, text.format(*values))


not_found: Final = _said(
    *(404, "Request_ResourceNotFound"),
    "Resource '{}' does not exist or one of its queried reference-property objects are not present.",
)
# A key of the directory's objects that is no GUID; a user's may be a name as well, and is then not found. Sources:
# AzureAD/microsoft-authentication-library-for-dotnet #1321, microsoft-graph-docs-contrib #3854.
invalid_identifier: Final = _said(400, "Request_BadRequest", "Invalid object identifier '{}'.")
# A property or relationship (and its type) in ``$select`` or ``$expand`` that the type does not have.
no_such_link: Final = _said(
    *(400, "BadRequest"),
    "Parsing OData Select and Expand failed: Could not find a property named '{}' on type 'microsoft.graph.{}'.",
)
unknown_segment: Final = _said(400, "BadRequest", "Resource not found for the segment '{}'.")
method_not_allowed: Final = _said(
    405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."
)
denied: Final = _said(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
# A missing permission to invite has an answer of its own, with the tenant's id (graph contract "Invitations").
invite_denied: Final = _said(
    *(401, "Unauthorized"),
    "Insufficient privileges to perform requested operation by the application "
    "'00000003-0000-0000-c000-000000000000'. ControllerName=MSGraphInviteAPI, ActionName=CreateInvite, "
    "URL absolute path=/api/{}/invites",
)
mail_denied: Final = _said(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
unreadable_body: Final = _said(
    *(400, "BadRequest"),
    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON "
    "format.",
)
already_exist: Final = _said(
    *(400, "Request_BadRequest"),
    "One or more added object references already exist for the following modified properties: '{}'.",
)
removed_missing: Final = _said(
    *(400, "Request_BadRequest"),
    "One or more removed object references do not exist for the following modified properties: '{}'.",
)
too_many_links: Final = _said(400, "Request_BadRequest", "A resource cannot contain more than 20 link changes.")
synced: Final = _said(
    *(400, "Request_BadRequest"),
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently "
    "undergoing migration.",
)
mail_enabled: Final = _said(
    400, "Request_BadRequest", "Cannot Update a mail-enabled security groups and or distribution list."
)
invalid_reference: Final = _said(400, "Request_BadRequest", "Not a valid reference update.")


def bad_token(message: str) -> GraphError:
    challenge = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000"'
    )
    return GraphError(401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": challenge})


def sync_state_gone(location: str) -> GraphError:
    """A delta token the directory no longer knows: the client starts anew from `location`."""
    text = "The sync state generation is not found; a full synchronization is required."
    return GraphError(410, "SyncStateNotFound", text, headers={"Location": location})
