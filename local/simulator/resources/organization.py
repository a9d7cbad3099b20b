"""``/organization`` and ``/domains``: who the tenant is."""

from ..call import Answer, Call, Json
from ..errors import not_found
from ..listing import list_plain
from ..routing import Route
from ..world import World
from . import permissions as may
from .lookup import plain_entity


def list_organizations(call: Call) -> Answer:
    return list_plain(call, [_organization(call.world)], "organization")


def get_organization(call: Call) -> Answer:
    return _one(call, [_organization(call.world)], "organization", call.keys["organization"])


def list_domains(call: Call) -> Answer:
    return list_plain(call, _domains(call.world), "domains")


def get_domain(call: Call) -> Answer:
    return _one(call, _domains(call.world), "domains", call.keys["domain"])


def _one(call: Call, items: list[Json], set_: str, key: str) -> Answer:
    """Raises GraphError: 404."""
    found = next((item for item in items if item["id"].lower() == key.lower()), None)
    if found is None:
        raise not_found(key)
    return Answer(200, plain_entity(call, set_, found))


def _organization(world: World) -> Json:
    tenant = world.directory.tenant
    domains = [
        {
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": index == 0,
            "isInitial": name == tenant.initial_domain,
            "name": name,
            "type": "Managed",
        }
        for index, name in enumerate(world.verified_domains)
    ]
    return {
        "id": tenant.id,
        "deletedDateTime": None,
        "displayName": tenant.display_name,
        "tenantType": "AAD",
        "businessPhones": [],
        "technicalNotificationMails": [],
        "marketingNotificationEmails": [],
        "securityComplianceNotificationMails": [],
        "securityComplianceNotificationPhones": [],
        "assignedPlans": [],
        "provisionedPlans": [],
        "onPremisesSyncEnabled": None,
        "verifiedDomains": domains,
    }


def _domains(world: World) -> list[Json]:
    tenant = world.directory.tenant
    return [
        {
            "id": name,
            "authenticationType": "Managed",
            "availabilityStatus": None,
            "isAdminManaged": True,
            "isDefault": index == 0,
            "isInitial": name == tenant.initial_domain,
            "isRoot": True,
            "isVerified": True,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
            "passwordValidityPeriodInDays": 2147483647,
            "passwordNotificationWindowInDays": 14,
            "state": None,
        }
        for index, name in enumerate(world.verified_domains)
    ]


ROUTES: tuple[Route, ...] = (
    Route("GET", "/organization", list_organizations, may.ORGANIZATION_READ),
    Route("GET", "/organization/{organization}", get_organization, may.ORGANIZATION_READ),
    Route("GET", "/domains", list_domains, may.ORGANIZATION_READ),
    Route("GET", "/domains/{domain}", get_domain, may.ORGANIZATION_READ),
)
