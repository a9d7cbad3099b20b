"""``/organization`` and ``/domains``: who the tenant is."""

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


ROUTES: tuple[Route, ...] = (
    *reading("/organization", "organization", _organization, may.ORGANIZATION_READ),
    *reading("/domains", "domain", _domains, may.ORGANIZATION_READ),
)
