"""``/auditLogs``: what happened in the directory (graph contract "Policies"). Sign-ins are not simulated: the list is
empty."""

from ..call import Answer, Call
from ..errors import not_found
from ..listing import list_plain
from ..routing import Route
from . import permissions as may
from .lookup import plain_entity


def list_directory_audits(call: Call) -> Answer:
    delay_ms = call.world.settings.audits.ingestion_delay_ms
    return list_plain(call, call.world.audits.listed(delay_ms), "auditLogs/directoryAudits")


def get_directory_audit(call: Call) -> Answer:
    """Raises GraphError: 404, also while the record is not ingested."""
    records = call.world.audits.listed(call.world.settings.audits.ingestion_delay_ms)
    found = next((record for record in records if record["id"] == call.keys["record"]), None)
    if found is None:
        raise not_found(call.keys["record"])
    return Answer(200, plain_entity(call, "auditLogs/directoryAudits", found))


def get_sign_in(call: Call) -> Answer:
    raise not_found(call.keys["record"])


def list_sign_ins(call: Call) -> Answer:
    return list_plain(call, [], "auditLogs/signIns")


ROUTES: tuple[Route, ...] = (
    Route("GET", "/auditLogs/directoryAudits", list_directory_audits, may.AUDIT_READ),
    Route("GET", "/auditLogs/directoryAudits/{record}", get_directory_audit, may.AUDIT_READ),
    Route("GET", "/auditLogs/signIns/{record}", get_sign_in, may.AUDIT_READ),
    Route("GET", "/auditLogs/signIns", list_sign_ins, may.AUDIT_READ),
)
