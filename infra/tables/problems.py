"""What stops a command, in words for whoever runs it."""

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

_READER, _CONTRIBUTOR = "Storage {0} Data Reader", "Storage {0} Data Contributor"


class Problem(Exception):
    """The message says what is wrong and what to do."""


def explain(error: AzureError, account: str) -> Problem:
    """What an error of the service or of the sign-in means. Source: Azure Storage, "Table service error codes" and
    "Authorize access to tables using Microsoft Entra ID"."""
    status, code = getattr(error, "status_code", None), _code_of(error)
    if code in ("AuthorizationPermissionMismatch", "InsufficientAccountPermissions"):
        tables, blobs = (
            f"'{_READER.format(kind)}' to back up, '{_CONTRIBUTOR.format(kind)}' to restore"
            for kind in ("Table", "Blob")
        )
        return Problem(
            f"You are signed in, but without a role on the storage account '{account}'.\n"
            f"It takes {tables}; with --files also {blobs}.\n"
            f"az role assignment create --assignee YOU --role ROLE --scope $(az storage account show "
            f"--name {account} --query id --output tsv)\nA new role takes some minutes to work."
        )
    if code == "KeyBasedAuthenticationNotPermitted":
        return Problem(
            f"The storage account '{account}' takes no keys. Use --account {account}, signed in with 'az login'."
        )
    if status == 403 and code == "AuthorizationFailure":
        return Problem(
            f"The storage account '{account}' does not let this machine in: its network rules or private endpoints "
            "keep strangers out, or the key is wrong. Run the command from inside its network."
        )
    if code in ("InvalidAuthenticationInfo", "NoAuthenticationInformation") or status == 401:
        return Problem(
            f"The storage account '{account}' did not accept the sign-in: it belongs to another tenant. "
            "Sign in to the account's own: az login --tenant TENANT"
        )
    if isinstance(error, ClientAuthenticationError) and status is None:
        return Problem(f"Nobody is signed in on this machine: az login, or azd auth login.\n{_first_line(error)}")
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return Problem(
            f"The storage account '{account}' cannot be reached. Is the name right, and is this machine in its "
            f"network?\n{_first_line(error)}"
        )
    said = code or status or type(error).__name__
    return Problem(f"The storage account '{account}' refused ({said}): {_first_line(error)}")


def _code_of(error: AzureError) -> str:
    code = getattr(error, "error_code", None)
    if not code and isinstance(error, HttpResponseError):
        code = getattr(error.response, "headers", {}).get("x-ms-error-code")
    return str(getattr(code, "value", code) or "")


def _first_line(error: AzureError) -> str:
    return str(error).strip().partition("\n")[0][:300]
