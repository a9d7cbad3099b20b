"""Self-service group management of the tenant: no public API has the switch, so a person turns it on.

Source: graph contract "No API"; Microsoft's page, "Enable self-service group management for your tenant".
"""

from shared.core import admin_center
from shared.core.checks import SELF_SERVICE_GROUPS, checks_of
from shared.setup.model.records import ManualTask
from shared.setup.run import Result, Work

TASK = ManualTask(
    key=SELF_SERVICE_GROUPS,
    title="Let owners manage group membership requests in the Access Panel",
    link=admin_center.groups_general(),
    instructions=(
        "Sign in to the Microsoft Entra admin center as at least a User Administrator.",
        "Go to Identity › Groups › All groups, and under Settings select General.",
        "Under Self Service Group Management set 'Owners can manage group membership requests in the Access Panel' "
        "to Yes, and Save.",
    ),
    values=(("Owners can manage group membership requests in the Access Panel", "Yes"),),
)


async def enable_self_service_groups(work: Work) -> Result:
    """Read what can be read around the switch, and ask a person for the switch itself."""
    facts = await work.tools.directory.read_tenant()
    return Result(checks=checks_of(facts), task=TASK)
