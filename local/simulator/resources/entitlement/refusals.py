"""The refusals of entitlement management. Codes without a note are reported by its users, the rest are guesses.

Statuses without a source are 400 or 404 by the sense of the code (UNVERIFIED).
"""

from ...call import Call
from ...errors import GraphError
from ...settings import Entitlement


def no_license(rules: Entitlement) -> GraphError:
    return GraphError(403, rules.no_license_code, rules.no_license_message)


def denied(call: Call) -> GraphError:
    code = call.world.settings.entitlement.denied_code
    return GraphError(403, code, "User is not authorized to perform the operation. Reason: Unauthorized")


def unknown() -> GraphError:
    return GraphError(404, "ResourceNotFound", "The resource was not found.")


def invalid(why: str = "Model is not valid.") -> GraphError:
    return GraphError(400, "InvalidModel", why)


def not_in_origin(system: str) -> GraphError:
    """Also while a new group has not reached the service."""
    return GraphError(
        400, "ResourceNotFoundInOriginSystem", f"The resource could not be found in the origin system {system}."
    )


def already_onboarded() -> GraphError:
    return GraphError(400, "ResourceAlreadyOnboarded", "The specified resource is already onboarded to ELM.")


def has_entitlements(name: object) -> GraphError:
    return GraphError(
        400,
        "InvalidDeleteResourceHasEntitlements",
        f"The resource: {name} can not be deleted because there are active entitlements.",
    )


def in_use(what: str) -> GraphError:
    """UNVERIFIED code and text; that such a deletion is refused is documented."""
    return GraphError(400, "InvalidDelete", f"The {what} can not be deleted because it is in use.")


def taken(what: str) -> GraphError:
    """UNVERIFIED."""
    return GraphError(400, "DuplicateEntity", f"The {what} already exists.")


def policy_not_met() -> GraphError:
    """The text is reported, the code UNVERIFIED."""
    return GraphError(
        400, "PolicyRequirementsNotMet", "You don't meet policy requirements to request this entitlement."
    )


def already_decided() -> GraphError:
    return GraphError(409, "Conflict", "The approval stage has already been decided.")
