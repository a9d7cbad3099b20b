"""Addresses of the Microsoft Entra admin center, for what no public API can do.

Source: the addresses that the admin center itself shows; Microsoft does not promise that they stay. Each manual
task therefore names the way through the menus as well.
"""

from shared.core.ids import AppId, PrincipalId

_HOME = "https://entra.microsoft.com/#view"


def groups_general() -> str:
    """Groups › General: the switches of self-service group management."""
    return f"{_HOME}/Microsoft_AAD_IAM/GroupsManagementMenuBlade/~/General"


def external_collaboration() -> str:
    """External Identities › External collaboration settings: who may invite, and to which domains."""
    return f"{_HOME}/Microsoft_AAD_IAM/AllowlistPolicyBlade"


def single_sign_on(principal: PrincipalId, app_id: AppId) -> str:
    return _app("SignOn", principal, app_id)


def self_service(principal: PrincipalId, app_id: AppId) -> str:
    return _app("SelfService", principal, app_id)


def _app(blade: str, principal: PrincipalId, app_id: AppId) -> str:
    return f"{_HOME}/Microsoft_AAD_IAM/ManagedAppMenuBlade/~/{blade}/objectId/{principal}/appId/{app_id}"
