"""CLI for Microsoft 365 on the simulator: what it prints of users, groups, apps, invitations and mail.

Each case is a tenant of its own, with commands one after the other. An expectation is JSON: of an object the members
named, of anything else all of it. None is a command that prints nothing; a text is the error it ends with.
"""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from build_tools.node import NodeError
from tests.simulator.m365_cli import M365, PACKAGE, Printed, m365_cli
from tests.simulator.sdk_tenant import PERMISSIONS

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("m365")]  # the first one may install the package

APP_ID, SECRET = "00000600-0000-4000-8000-000000000600", "S3cret-for-development"
CLIENT = {
    "clientId": APP_ID,
    "objectId": "00000601-0000-4000-8000-000000000601",
    "name": "m365",
    "secret": SECRET,
    "graphPermissions": PERMISSIONS,
}
EMMA = "00000105-0000-4000-8000-000000000105"
TRAVEL = "00000201-0000-4000-8000-000000000201"
GUESTLIST = "guestlist@contoso.com"
Row = tuple[str, Any]

CASES: dict[str, list[Row]] = {
    "a new employee with a manager leaves and comes back": [
        (
            "entra user add --displayName Nina --userName nina@contoso.com --password Wx7-longer --mailNickname nina"
            " --managerUserName olivia.owner@contoso.com",
            {"userPrincipalName": "nina@contoso.com", "mail": None, "password": "Wx7-longer"},
        ),
        ("entra user set --userName nina@contoso.com --jobTitle Clerk", None),
        (
            "entra user get --userName nina@contoso.com --withManager --query '[jobTitle,manager.displayName]'",
            ["Clerk", "Olivia Owner"],
        ),
        ("entra user remove --userName nina@contoso.com --force", None),
        ("entra user recyclebinitem list --query [].displayName", ["Nina"]),
    ],
    "a guest is invited and found among the users": [
        (
            "entra user guest add --emailAddress ada@fabrikam.com --displayName Ada",
            {"invitedUserEmailAddress": "ada@fabrikam.com", "status": "PendingAcceptance"},
        ),
        (
            "entra user list --type Guest --properties displayName,externalUserState"
            " --query '[?displayName==`Ada`].externalUserState'",
            ["PendingAcceptance"],
        ),
        ("entra user guest add --emailAddress x@contoso.com", "verified domain of this directory"),
    ],
    "a security group with owners and members": [
        (
            "entra group add --displayName Rail --type security --ownerUserNames olivia.owner@contoso.com"
            " --memberUserNames oscar.owner@contoso.com",
            {"displayName": "Rail", "securityEnabled": True, "mailEnabled": False},
        ),
        (f"entra group member add --groupName Rail --userIds {EMMA} --role Member", None),
        (f"entra group member set --groupName Rail --userIds {EMMA} --role Owner", None),
        (
            "entra group member list --groupName Rail --role Owner --query 'sort([].displayName)'",
            ["Emma Employee", "Olivia Owner"],
        ),
    ],
    "a Microsoft 365 group": [
        (
            "entra m365group add --displayName Crew --description Crew --mailNickname crew",
            {"groupTypes": ["Unified"], "mail": "crew@contoso.onmicrosoft.com"},
        ),
        ("entra m365group user add --groupName Crew --userNames emma.employee@contoso.com --role Member", None),
        (
            "entra m365group user list --groupDisplayName Crew --query [].displayName",
            ["Emma Employee"],
        ),
        ("entra m365group recyclebinitem list", []),
    ],
    "an app with a role, a secret and a service principal": [
        ("entra app add --name Lodging --withSecret", {"tenantId": "c0117050-0000-4000-8000-000000000001"}),
        ("entra app set --name Lodging --redirectUris https://lodging.contoso.com --platform web", None),
        (
            "entra app role add --appName Lodging --name Guest --description 'A guest' --allowedMembers usersGroups"
            " --claim guest",
            None,
        ),
        ("entra app role list --appName Lodging --query [].value", ["guest"]),
        ("entra enterpriseapp add --displayName Lodging", {"displayName": "Lodging"}),
        ("entra enterpriseapp add --displayName Lodging", "is already in use."),
        (
            "entra app get --name Lodging --query '{uris:web.redirectUris,secrets:length(passwordCredentials)}'",
            {"uris": ["https://lodging.contoso.com"], "secrets": 1},
        ),
    ],
    "permissions, settings and the tenant": [
        (
            "entra approleassignment add --appDisplayName Guestlist --resource 'Microsoft Graph'"
            " --scopes Group.Read.All --query [].resourceDisplayName",
            ["Microsoft Graph"],
        ),
        (
            "entra approleassignment list --appDisplayName Guestlist"
            " --query 'contains([].roleName,`Group.Read.All`)'",
            True,
        ),
        (
            "entra groupsetting add --templateId 62375ab9-6b52-47ed-826b-58e47e0e304b --AllowToAddGuests false",
            {"displayName": "Group.Unified"},
        ),
        ("entra policy list --type authorization", {"allowInvitesFrom": "everyone"}),
        ("request --url @graph/users/$count --ConsistencyLevel eventual", 7),
        (f"request --url @graph/groups/{TRAVEL}/owners/$ref --query 'length(value)'", 2),
    ],
    "mail": [
        (f"outlook mail send --sender {GUESTLIST} --to ada@fabrikam.com --subject Hi --bodyContents Hello", None),
        (
            f"outlook message list --folderName sentitems --userName {GUESTLIST} --query [].subject",
            ["Hi"],
        ),
    ],
}


@pytest.fixture(scope="module")
def m365(tmp_path_factory: pytest.TempPathFactory) -> Iterator[M365]:
    try:
        with m365_cli(tmp_path_factory.mktemp("m365")) as cli:
            cli.simulator.seed["clients"].append(CLIENT)
            cli.simulator.reset()
            tenant = cli.simulator.world.directory.tenant.id
            signed_in = cli(
                *shlex.split(f"login --authType secret --appId {APP_ID} --secret {SECRET} --tenant {tenant}")
            )
            assert signed_in.json["connectedAs"] == "m365"
            yield cli
    except NodeError as error:
        pytest.skip(f"CLI for Microsoft 365 cannot be had here: {error}")


@pytest.mark.parametrize("rows", CASES.values(), ids=CASES.keys())
def test_the_command_line_prints_what_it_would_of_a_tenant(m365: M365, rows: list[Row]) -> None:
    m365.simulator.reset()

    for command, expected in rows:
        check(m365(*shlex.split(command)), expected, command)


def test_a_managed_identity_signs_in_as_on_app_service(m365: M365, tmp_path: Path) -> None:
    m365.simulator.reset()
    (tmp_path / "certificate.pem").write_bytes((m365.home / "certificate.pem").read_bytes())
    elsewhere = M365(m365.simulator, m365.node, m365.script, tmp_path, m365.http_port, m365.tls_port)

    printed = elsewhere("login", "--authType", "identity").json

    assert (printed["connectedAs"], printed["authType"]) == ("guestlist", "identity")


def test_the_lock_file_pins_by_content_and_names_no_registry() -> None:
    packages = json.loads((PACKAGE / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert all("integrity" in package and "resolved" not in package for package in packages.values())


def check(printed: Printed, expected: Any, command: str) -> None:
    if isinstance(expected, str):
        assert printed.status == 1, command
        assert expected in printed.err, command
        return
    assert printed.status == 0, f"{command}: {printed.err}"
    if expected is None:
        assert printed.out == "", command
    elif isinstance(expected, dict):
        assert expected.items() <= pinned(printed.json, expected).items(), command
    else:
        assert printed.json == expected, command


def pinned(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: found.get(name) for name in wanted}
