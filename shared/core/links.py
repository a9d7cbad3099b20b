"""Links that a guest gets.

Each carries the tenant: guests who sign in with a one-time passcode or a Google account fail on Microsoft's
common endpoint. Source: graph contract "Links"; Microsoft Entra, "User access URL" of an enterprise application.
"""

from collections.abc import Sequence
from urllib.parse import quote

from shared.core.groups import GroupApp


def direct_link(apps: Sequence[GroupApp], tenant_id: str) -> str:
    """The link that opens the app; My Apps in the right tenant where the group opens none or several."""
    tenant = quote(tenant_id, safe="")
    if len(apps) == 1:
        return f"https://launcher.myapps.microsoft.com/api/signin/{quote(apps[0].app_id, safe='')}?tenantId={tenant}"
    return f"https://myapps.microsoft.com/?tenantid={tenant}"


def app_name(apps: Sequence[GroupApp], group_name: str) -> str:
    """What to call that which the guest gets into."""
    return apps[0].name if len(apps) == 1 else group_name
