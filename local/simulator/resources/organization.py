"""``/organization`` and ``/domains``: who the tenant is; ``/auditLogs``: what happened in its directory (graph
contract "Policies"). Sign-ins are not simulated: their list is empty."""

from ..call import Call, Json
from ..routing import Route
from ..tables import TABLES
from . import permissions as may
from .answers import reading


def _organization(call: Call) -> list[Json]:
    tenant = call.world.directory.tenant
    domains = [{**TABLES["verifiedDomain"], **facts, "name": name} for name, facts in _verified(call)]
    facts = {"id": tenant.id, "displayName": tenant.display_name, "verifiedDomains": domains}
    return [{**TABLES["organization"], **facts}]


def _domains(call: Call) -> list[Json]:
    return [{**TABLES["domain"], **facts, "id": name} for name, facts in _verified(call)]


def _verified(call: Call) -> list[tuple[str, Json]]:
    initial, names = call.world.directory.tenant.initial_domain, call.world.verified_domains
    return [(name, {"isDefault": name == names[0], "isInitial": name == initial}) for name in names]


def _ingested(call: Call) -> list[Json]:
    return call.world.audits.listed(call.world.settings.audits.ingestion_delay_ms)


ROUTES: tuple[Route, ...] = (
    *reading("/organization", "organization", _organization, may.ORGANIZATION_READ),
    *reading("/domains", "domain", _domains, may.ORGANIZATION_READ),
    *reading("/auditLogs/directoryAudits", "record", _ingested, may.AUDIT_READ),
    *reading("/auditLogs/signIns", "record", lambda _: [], may.AUDIT_READ),
)
