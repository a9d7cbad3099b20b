"""``/auditLogs``: what happened in the directory (graph contract "Policies"). Sign-ins are not simulated: the list is
empty."""

from ..call import Call, Json
from ..routing import Route
from . import permissions as may
from .answers import reading


def _ingested(call: Call) -> list[Json]:
    return call.world.audits.listed(call.world.settings.audits.ingestion_delay_ms)


ROUTES: tuple[Route, ...] = (
    *reading("/auditLogs/directoryAudits", "record", _ingested, may.AUDIT_READ),
    *reading("/auditLogs/signIns", "record", lambda _: [], may.AUDIT_READ),
)
