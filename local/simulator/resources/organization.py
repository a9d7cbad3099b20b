"""``/organization`` and ``/domains``: who the tenant is."""

from ..call import Answer, Call, Json
from ..listing import list_plain
from ..routing import Route
from . import permissions as may


def list_organizations(call: Call) -> Answer:
    tenant = call.world.directory.tenant
    domains = [
        {
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": index == 0,
            "isInitial": name == tenant.initial_domain,
            "name": name,
            "type": "Managed",
        }
        for index, name in enumerate(call.world.verified_domains)
    ]
    organization: Json = {
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
    return list_plain(call, [organization], "organization")


def list_domains(call: Call) -> Answer:
    tenant = call.world.directory.tenant
    domains: list[Json] = [
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
        for index, name in enumerate(call.world.verified_domains)
    ]
    return list_plain(call, domains, "domains")


ROUTES: tuple[Route, ...] = (
    Route("GET", "/organization", list_organizations, may.ORGANIZATION_READ),
    Route("GET", "/domains", list_domains, may.ORGANIZATION_READ),
)
