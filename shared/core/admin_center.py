"""Addresses of the Microsoft Entra admin center, for what no public API can do.

Source: the addresses that the admin center itself shows; Microsoft does not promise that they stay. Each manual
task therefore names the way through the menus as well.
"""

from shared.core.ids import AppId, PrincipalId

_HOME = "https://entra.microsoft.com/#view/Microsoft_AAD_IAM"
GROUPS_GENERAL = f"{_HOME}/GroupsManagementMenuBlade/~/General"
"""Groups › General: the switches of self-service group management."""
EXTERNAL_COLLABORATION = f"{_HOME}/AllowlistPolicyBlade"
"""External Identities › External collaboration settings: who may invite, and to which domains."""


def single_sign_on(principal: PrincipalId, app_id: AppId) -> str:
    return f"{_HOME}/ManagedAppMenuBlade/~/SignOn/objectId/{principal}/appId/{app_id}"


def self_service(principal: PrincipalId, app_id: AppId) -> str:
    return f"{_HOME}/ManagedAppMenuBlade/~/SelfService/objectId/{principal}/appId/{app_id}"
