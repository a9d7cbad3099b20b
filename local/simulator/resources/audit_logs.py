"""``/auditLogs``: what happened in the directory (G1.7). Sign-ins are not simulated: the list is empty."""

from ..call import Answer, Call
from ..listing import list_plain
from ..routing import Route
from . import permissions as may


def list_directory_audits(call: Call) -> Answer:
    delay_ms = call.world.settings.audits.ingestion_delay_ms
    return list_plain(call, call.world.audits.listed(delay_ms), "auditLogs/directoryAudits")


def list_sign_ins(call: Call) -> Answer:
    return list_plain(call, [], "auditLogs/signIns")


ROUTES: tuple[Route, ...] = (
    Route("GET", "/auditLogs/directoryAudits", list_directory_audits, may.AUDIT_READ),
    Route("GET", "/auditLogs/signIns", list_sign_ins, may.AUDIT_READ),
)
