"""The refusals of entitlement management (table ``entitlementRefusals``). Codes without a note are reported by its
users.

Statuses without a source are 400 or 404 by the sense of the code (UNVERIFIED). So are the codes of `in_use`, `taken`
(and its text) and `policy_not_met`; that a deletion of what is in use is refused is documented. `not_in_origin` is
also said while a new group has not reached the service.
"""

from ...call import Call
from ...errors import GraphError
from ...tables import TABLES


def refused(name: str, /, **values: object) -> GraphError:
    status, code, text = TABLES["entitlementRefusals"][name]
    return GraphError(status, code, text.format(**values))


def invalid(why: str = "Model is not valid.") -> GraphError:
    return GraphError(400, "InvalidModel", why)


def denied(call: Call) -> GraphError:
    code = call.world.settings.entitlement.denied_code
    return GraphError(403, code, "User is not authorized to perform the operation. Reason: Unauthorized")
