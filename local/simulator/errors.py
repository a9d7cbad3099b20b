"""Graph's own errors, with the texts that clients match on. One function per condition of the graph contract.

A `GraphError` is raised by models and rendered by the pipeline into Graph's envelope
(graph contract "Errors": code, message, innerError with date, request-id and client-request-id).
"""

from typing import Any

# innerError of a 429 in Microsoft's sample, beside the date and the ids (graph contract "Throttling").
TOO_MANY_INNER = {"code": "429", "status": "429", "message": "Please retry after"}


class GraphError(Exception):
    """An answer of Graph that is no success."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        inner: dict[str, Any] | None = None,
        details: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.inner = inner or {}
        self.details = details


def bad_request(message: str, code: str = "Request_BadRequest") -> GraphError:
    return GraphError(400, code, message)


def invalid_value(property_: str, resource: str, code: str = "InvalidValue") -> GraphError:
    """A property that may not have its value, or (``InvalidLength``) is too long: reported for users and groups
    (microsoft-graph-docs-contrib #6580, microsoft-graph-docs #6675)."""
    text = f"Invalid value specified for property '{property_}' of resource '{resource}'."
    return GraphError(400, "Request_BadRequest", text, details=[{"code": code, "target": property_}])


def not_unique(property_: str, code: str = "Request_BadRequest") -> GraphError:
    return bad_request(f"Another object with the same value for property {property_} already exists.", code)


def no_such_link(name: str, kind: str) -> GraphError:
    """A property or relationship in ``$select`` or ``$expand`` that the type does not have."""
    text = f"Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
    return bad_request(f"Parsing OData Select and Expand failed: {text}", "BadRequest")


def unsupported_query(message: str) -> GraphError:
    """A query that needs the advanced headers, or that the directory cannot run at all."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def not_found(key: str) -> GraphError:
    text = f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
    return GraphError(404, "Request_ResourceNotFound", text)


def invalid_identifier(key: str) -> GraphError:
    """A key of the directory's objects that is no GUID; a user's may be a name as well, and is then not found.

    Source: AzureAD/microsoft-authentication-library-for-dotnet #1321, microsoft-graph-docs-contrib #3854.
    """
    return bad_request(f"Invalid object identifier '{key}'.")


def unknown_segment(segment: str) -> GraphError:
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


def method_not_allowed() -> GraphError:
    return GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")


def denied() -> GraphError:
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def unreadable_body() -> GraphError:
    return bad_request(
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON "
        "format.",
        "BadRequest",
    )


def invite_denied(tenant_id: str) -> GraphError:
    """A missing permission to invite has an answer of its own (graph contract "Invitations", reported)."""
    return GraphError(
        401,
        "Unauthorized",
        "Insufficient privileges to perform requested operation by the application "
        "'00000003-0000-0000-c000-000000000000'. ControllerName=MSGraphInviteAPI, ActionName=CreateInvite, "
        f"URL absolute path=/api/{tenant_id}/invites",
    )


def too_many_links() -> GraphError:
    return bad_request("A resource cannot contain more than 20 link changes.")


def mail_denied() -> GraphError:
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def bad_token(message: str) -> GraphError:
    challenge = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000"'
    )
    return GraphError(401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": challenge})


def already_exist(properties: str) -> GraphError:
    text = f"One or more added object references already exist for the following modified properties: '{properties}'."
    return bad_request(text)


def removed_missing(properties: str) -> GraphError:
    text = "One or more removed object references do not exist for the following modified properties"
    return bad_request(f"{text}: '{properties}'.")


def synced() -> GraphError:
    return bad_request(
        "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
        "currently undergoing migration."
    )


def mail_enabled() -> GraphError:
    return bad_request("Cannot Update a mail-enabled security groups and or distribution list.")


def invalid_reference() -> GraphError:
    return bad_request("Not a valid reference update.")


def sync_state_gone(location: str) -> GraphError:
    """A delta token the directory no longer knows: the client starts anew from `location`."""
    text = "The sync state generation is not found; a full synchronization is required."
    return GraphError(410, "SyncStateNotFound", text, headers={"Location": location})
