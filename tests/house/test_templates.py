"""What Microsoft's compiler says of the templates, and what a deployment would make, worked out for five sets of
parameters. Without a compiler on the machine these are skipped."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from build_tools import bicep
from build_tools.bicep import SUBSCRIPTION, TENANT, BicepError, Compiler
from infra import providers
from tests.house.azd import given
from tests.house.bicep import files_of, read
from tests.house.test_infra import HOST_SETTINGS, LEFT_OUT, read_by_the_code
from tests.house.test_parameters import ANSWERS, FILE, PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
PROGRAM = bicep.find()
# In one process of xdist, as the snapshots are worked out once for each.
pytestmark = pytest.mark.xdist_group("bicep")
compiled = pytest.mark.skipif(PROGRAM is None, reason=bicep.MISSING)

OF_SETUP = ("setup", "access-packages")
API, CLIENT = "00000401-0000-4000-8000-000000000401", "00000402-0000-4000-8000-000000000402"
ME = "11111111-1111-4111-8111-111111111111"
PUBLIC = {"GUESTLIST_ZONE_REDUNDANT": "false", "GUESTLIST_PRIVATE_NETWORK": "false"}
CASES: Mapping[str, Mapping[str, str]] = {
    "defaults": {},
    "least": PUBLIC
    | {
        "GUESTLIST_FEATURES": "inviting",
        "GUESTLIST_MAIL_MAILBOX": "none",
        "GUESTLIST_ALERT_MAIL": "none",
        "GUESTLIST_GRANT_PERMISSIONS": "nobody",
        "GUESTLIST_ASSIGNMENT_REQUIRED": "false",
        "GUESTLIST_STORAGE_LOGS": "none",
    },
    "everything": {
        "GUESTLIST_ADMINS": "anna@contoso.com, ben@contoso.com",
        "GUESTLIST_AUTHORIZE_AZURE_CLI": "true",
        "GUESTLIST_EASY_AUTH": "true",
        "GUESTLIST_PUBLIC_URL": "https://guests.contoso.com",
        "GUESTLIST_ACS_ENDPOINT": "https://acs.europe.communication.azure.com",
        "GUESTLIST_ACS_SENDER": "guestlist@contoso.com",
        "GUESTLIST_LOG_PERSONAL_DATA": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.contoso.com",
        "GUESTLIST_MORE_SETTINGS": '{"GUESTLIST_IMPORT_GUESTS_PER_MINUTE": "60"}',
        "GUESTLIST_ALWAYS_READY_HTTP": "3",
        "GUESTLIST_ALWAYS_READY_INVITATIONS": "2",
        "GUESTLIST_STORAGE_LOGS": "all",
        "GUESTLIST_TAGS": '{"owner": "it\'s \\"us\\""}',
    },
    "private": {"GUESTLIST_ZONE_REDUNDANT": "false", "GUESTLIST_PRIVATE_APP": "true"},
    "given": PUBLIC
    | {
        "GUESTLIST_REGISTER_APPS": "false",
        "GUESTLIST_GRANT_PERMISSIONS": "script",
        "GUESTLIST_API_AUDIENCE_GIVEN": API,
        "GUESTLIST_CLIENT_ID_GIVEN": CLIENT,
    },
}
"""By the variables of azd's environment; the answers to its questions are those of test_parameters.py."""


def is_of_setup(resource: dict[str, Any]) -> bool:
    properties = resource.get("properties")
    whose = properties.get("principalId") if isinstance(properties, dict) else None
    return "setup" in json.dumps([resource.get("name"), resource.get("id"), whose])


@dataclass(frozen=True, slots=True)
class Deployment:
    """All that one deployment makes."""

    resources: list[dict[str, Any]]
    of_setup: bool = False

    def of(self, type_: str, name: str = "") -> list[dict[str, Any]]:
        """Resources of a type, by the end of their names where one is given. Those of Graph have a version in it."""
        return [
            r
            for r in self.resources
            if r["type"].partition("@")[0] == type_
            and str(r.get("name", "")).endswith(name)
            and is_of_setup(r) == self.of_setup
        ]

    @property
    def setup(self) -> "Deployment":
        """What is made for setup's own app; `of` leaves that out otherwise."""
        return replace(self, of_setup=True)

    def one(self, type_: str, name: str = "") -> dict[str, Any]:
        (found,) = self.of(type_, name)
        return found

    @property
    def site(self) -> dict[str, Any]:
        found: dict[str, Any] = self.one("Microsoft.Web/sites")["properties"]
        return found

    @property
    def settings(self) -> dict[str, str]:
        found: dict[str, str] = self.one("Microsoft.Web/sites/config", "/appsettings")["properties"]
        return found


def parameters_of(case: str) -> dict[str, Any]:
    return given(FILE, PARAMETERS, {**ANSWERS, "AZURE_PRINCIPAL_ID": ME, **CASES[case]})


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    assert PROGRAM
    return Compiler(PROGRAM, tmp_path_factory.mktemp("bicep"))


@pytest.fixture(scope="session")
def deployments(compiler: Compiler) -> dict[str, Deployment]:
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda case: compiler.snapshot("main.bicep", parameters_of(case), name=case), CASES)
        return {case: Deployment(resources) for case, resources in zip(CASES, found, strict=True)}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def deployment(deployments: dict[str, Deployment], case: str) -> Deployment:
    return deployments[case]


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)
    elif isinstance(value, str):
        yield value


# --- What the compiler says


@compiled
@pytest.mark.parametrize("template", bicep.TEMPLATES)
def test_the_compiler_finds_nothing(compiler: Compiler, template: str) -> None:
    assert [str(line) for line in compiler.diagnostics(template) if line.is_fault] == []


@compiled
@pytest.mark.parametrize(
    ("line", "code", "is_fault"),
    [
        ("param idle string = ''", "no-unused-params", True),
        ("var wide = concat('a', 'b')\noutput o string = wide", "prefer-interpolation", True),
        (
            "resource x 'Microsoft.Web/sites@1999-01-01' existing = {\n  name: 'x'\n}\noutput o string = x.id",
            "BCP081",
            True,
        ),
        ("output o string = nowhere", "BCP057", True),
        (
            "resource x 'Microsoft.Web/sites@2020-06-01' existing = {\n  name: 'x'\n}\noutput o string = x.id",
            "use-recent-api-versions",
            False,
        ),
    ],
)
def test_the_compiler_finds_what_is_wrong(compiler: Compiler, line: str, code: str, is_fault: bool) -> None:
    (compiler.folder / "wrong.bicep").write_text(f"{line}\n")

    found = compiler.diagnostics("wrong.bicep")

    assert [(d.file, d.code, d.is_fault) for d in found] == [("infra/wrong.bicep", code, is_fault)]


def test_where_there_is_no_compiler_lint_says_so_and_goes_on() -> None:
    environment = {k: v for k, v in os.environ.items() if k != bicep.TOOL} | {"PATH": ""}

    found = subprocess.run(
        [sys.executable, "-m", "build_tools.bicep"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (found.returncode, found.stdout.strip()) == (0, f"bicep: {bicep.MISSING}")


def test_the_compiler_that_azd_was_given_is_taken_before_the_one_on_the_path(tmp_path: Path) -> None:
    program = tmp_path / ("bicep.exe" if os.name == "nt" else "bicep")
    program.write_text("")
    program.chmod(0o755)

    assert bicep.find({"PATH": str(tmp_path)}) == program
    assert bicep.find({"PATH": str(tmp_path), bicep.TOOL: "/opt/bicep"}) == Path("/opt/bicep")
    assert bicep.find({"PATH": ""}) is None


def test_every_rule_is_an_error_but_the_one_that_turns_red_by_the_calendar() -> None:
    config = json.loads((INFRA / "bicepconfig.json").read_text(encoding="utf-8"))
    levels = {name: rule["level"] for name, rule in config["analyzers"]["core"]["rules"].items()}

    assert len(levels) > 40
    assert {name: level for name, level in levels.items() if level != "error"} == {
        "use-recent-api-versions": "warning",
        # Why these are off: infra/README.md.
        "no-module-name": "off",
        "use-user-defined-types": "off",
        "what-if-short-circuiting": "off",
    }
    for name in ("no-module-name", "use-user-defined-types", "what-if-short-circuiting"):
        assert f"`{name}`" in (INFRA / "README.md").read_text(encoding="utf-8")


def test_no_version_is_a_preview_but_that_of_diagnostic_settings() -> None:
    used = {kind for text in files_of(INFRA).values() for kind in read(text).resources.values() if "-preview" in kind}

    assert used == {"Microsoft.Insights/diagnosticSettings@2021-05-01-preview"}


# --- What Flex Consumption refuses


@compiled
def test_nothing_is_said_of_ftp_and_the_policy_of_scm_has_a_location(deployment: Deployment) -> None:
    """Sources: Azure/azure-cli 31414 (error 51021, even for null); Azure/bicep-types-az 1526."""
    assert "ftpsState" not in set(strings_in(deployment.resources))
    policy = deployment.one("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert policy["name"] == "contoso-guests/scm"
    assert policy["location"] == "westeurope"
    assert policy["properties"] == {"allow": False}


@compiled
def test_a_network_delegates_to_what_is_registered_before_the_deployment(deployment: Deployment, case: str) -> None:
    networks = deployment.of("Microsoft.Network/virtualNetworks")
    delegated = {
        delegation["properties"]["serviceName"].partition("/")[0]
        for network in networks
        for subnet in network["properties"]["subnets"]
        for delegation in subnet["properties"].get("delegations", [])
    }
    made = {r["type"].partition("/")[0] for r in deployment.resources}

    assert bool(networks) == (case in {"defaults", "everything", "private"})
    assert delegated - made == (set(providers.PROVIDERS) if networks else set())


# --- Settings


BY_CASE = {
    "everything": {
        "GUESTLIST_LOG_PERSONAL_DATA": "true",
        "GUESTLIST_IMPORT_GUESTS_PER_MINUTE": "60",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.contoso.com",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python",
        "WEBSITE_AUTH_AAD_ALLOWED_TENANTS": TENANT,
    }
}
"""Settings that only this case has, but for one whose value is not known before."""
ONLY_SOMETIMES = {*BY_CASE["everything"], "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"}


@compiled
def test_the_app_gets_every_setting_that_it_and_the_host_need(deployment: Deployment, case: str) -> None:
    settings = deployment.settings
    of_the_app = {f"GuestlistStorage__{s}ServiceUri" for s in ("blob", "queue", "table")} | {
        "GuestlistStorage__clientId"
    }
    wanted = (read_by_the_code() - LEFT_OUT) | HOST_SETTINGS | of_the_app

    assert set(settings) == (wanted | ONLY_SOMETIMES if case == "everything" else wanted - ONLY_SOMETIMES)
    assert {k: v for k, v in settings.items() if k in BY_CASE.get(case, {})} == BY_CASE.get(case, {})
    assert settings["AzureWebJobsDisableHomepage"] == "true"
    assert settings["GUESTLIST_TENANT_ID"] == TENANT
    # How long a function may run is said in host.json and nowhere else.
    assert [name for name in settings if name.startswith("AzureFunctionsJobHost")] == []


@compiled
def test_values_that_are_known_only_in_azure_come_from_what_is_made(deployment: Deployment) -> None:
    settings = deployment.settings
    account = deployment.one("Microsoft.Storage/storageAccounts")["id"]
    identity = deployment.one("Microsoft.ManagedIdentity/userAssignedIdentities")["id"]

    for connection in ("AzureWebJobsStorage", "GuestlistStorage"):
        for service in ("blob", "queue", "table"):
            value = settings[f"{connection}__{service}ServiceUri"]
            assert value.startswith(f"[reference('{account}'")
            assert value.endswith(f".primaryEndpoints.{service}]")
        assert settings[f"{connection}__clientId"].startswith(f"[reference('{identity}'")
        assert settings[f"{connection}__credential"] == "managedidentity"
    assert [v for v in strings_in(settings) if "listKeys" in v or "AccountKey" in v] == []


# --- Roles


@compiled
def test_the_identity_gets_four_roles_on_two_resources_and_no_other(deployment: Deployment) -> None:
    roles = json.loads((INFRA / "roles.json").read_text(encoding="utf-8"))
    account = deployment.one("Microsoft.Storage/storageAccounts")["id"]
    component = deployment.one("Microsoft.Insights/components")["id"]
    identity = deployment.one("Microsoft.ManagedIdentity/userAssignedIdentities")["id"]

    found = set()
    for assignment in deployment.of("Microsoft.Authorization/roleAssignments"):
        properties = assignment["properties"]
        assert properties["principalId"].startswith(f"[reference('{identity}'")
        assert properties["principalType"] == "ServicePrincipal"
        (scope,) = re.findall(r"^\[extensionResourceId\('([^']+)'", assignment["id"])
        found.add((scope, properties["roleDefinitionId"].rpartition("/")[2]))

    on_storage = {(account, role) for role in roles["storage"].values()}
    assert found == on_storage | {(component, role) for role in roles["component"].values()}
    assert len(found) == 4


# --- Instances


@compiled
def test_what_is_always_ready_is_what_was_asked_for(deployment: Deployment, case: str) -> None:
    scale = deployment.site["functionAppConfig"]["scaleAndConcurrency"]

    http, invitations = (
        {"name": "http", "instanceCount": 3},
        {"name": "function:invite_chunk", "instanceCount": 2},
    )
    assert scale["alwaysReady"] == ([http, invitations] if case == "everything" else [])
    assert (scale["maximumInstanceCount"], scale["instanceMemoryMB"]) == (40, 2048)


def test_the_function_that_is_always_ready_is_the_one_that_takes_invitations() -> None:
    program = (
        "import json, function_app\n"
        "found = [f.get_function_name() for f in function_app.app.get_functions() for b in f.get_bindings()\n"
        "         if b.type == 'queueTrigger' and b.queue_name == 'invitations']\n"
        "print(json.dumps(found))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    named = re.findall(r"'function:(\w+)'", (INFRA / "app" / "function_app.bicep").read_text(encoding="utf-8"))

    assert named == json.loads(found.stdout)


# --- Who can reach it


@compiled
def test_where_it_is_private_nobody_outside_can_reach_it(deployment: Deployment, case: str) -> None:
    private_app, private_storage = case == "private", case in {"defaults", "everything", "private"}
    storage = deployment.one("Microsoft.Storage/storageAccounts")["properties"]
    ends = {
        group
        for endpoint in deployment.of("Microsoft.Network/privateEndpoints")
        for connection in endpoint["properties"]["privateLinkServiceConnections"]
        for group in connection["properties"]["groupIds"]
    }

    assert deployment.site["publicNetworkAccess"] == ("Disabled" if private_app else "Enabled")
    assert storage["publicNetworkAccess"] == ("Disabled" if private_storage else "Enabled")
    assert storage["networkAcls"]["defaultAction"] == ("Deny" if private_storage else "Allow")
    assert storage["allowSharedKeyAccess"] is False
    assert storage["allowBlobPublicAccess"] is False
    wanted = ({"blob", "queue", "table"} if private_storage else set()) | ({"sites"} if private_app else set())
    assert ends == wanted
    assert bool(deployment.site.get("virtualNetworkSubnetId")) == (private_app or private_storage)


@compiled
def test_setup_has_an_app_that_takes_no_request_and_storage_that_the_other_identity_cannot_write(
    deployment: Deployment, case: str
) -> None:
    setup = deployment.setup
    if case == "least":
        assert setup.of("Microsoft.Web/sites") == setup.of("Microsoft.ManagedIdentity/userAssignedIdentities") == []
        return
    assert setup.site["siteConfig"]["ipSecurityRestrictionsDefaultAction"] == "Deny"
    assert setup.site["siteConfig"]["scmIpSecurityRestrictionsUseMain"] is False
    assert setup.settings["GUESTLIST_WORKER"] == "setup"
    assert deployment.settings["GUESTLIST_WORKER"] == "public"
    assert list(setup.one("Microsoft.Web/sites")["identity"]["userAssignedIdentities"]) != list(
        deployment.one("Microsoft.Web/sites")["identity"]["userAssignedIdentities"]
    )
    roles = json.loads((INFRA / "roles.json").read_text(encoding="utf-8"))["storage"]
    own, shared = (d.one("Microsoft.Storage/storageAccounts")["id"] for d in (setup, deployment))
    given = {
        (re.findall(r"^\[extensionResourceId\('([^']+)'", a["id"])[0], a["properties"]["roleDefinitionId"][-36:])
        for a in setup.of("Microsoft.Authorization/roleAssignments")
    }
    assert {(own, role) for role in roles.values()} <= given
    assert (shared, roles["Storage Blob Data Owner"]) not in given
    assert (shared, roles["Storage Queue Data Contributor"]) in given
    assert setup.settings["AzureWebJobsStorage__blobServiceUri"].startswith(f"[reference('{own}'")
    assert setup.settings["GuestlistStorage__queueServiceUri"].startswith(f"[reference('{shared}'")
    for assignment in deployment.of("Microsoft.Authorization/roleAssignments"):
        assert own not in assignment["id"]


@compiled
def test_readiness_is_asked_from_outside_and_an_alert_says_when_it_fails(deployment: Deployment, case: str) -> None:
    tests, alerts = deployment.of("Microsoft.Insights/webtests"), deployment.of("Microsoft.Insights/metricAlerts")
    if case == "private":  # nobody outside can ask
        assert (tests, alerts) == ([], [])
        return
    (test,), (alert,) = tests, alerts
    site = deployment.one("Microsoft.Web/sites")["id"]

    request = test["properties"]["Request"]
    assert request["RequestUrl"].startswith(f"[format('https://{{0}}/api/health/ready', reference('{site}'")
    assert request["RequestUrl"].endswith(".defaultHostName)]")
    # 503 where the chain of queues or the timer is dead.
    assert test["properties"]["ValidationRules"]["ExpectedHttpStatusCode"] == 200
    assert test["properties"]["Enabled"] is True
    criteria = alert["properties"]["criteria"]
    assert criteria["webTestId"] == test["id"]
    assert criteria["failedLocationCount"] == 2
    assert alert["properties"]["enabled"] is True
    people = deployment.of("Microsoft.Insights/actionGroups")
    assert [a["actionGroupId"] for a in alert["properties"]["actions"]] == [p["id"] for p in people]
    assert bool(people) == (case != "least")
    # One end of the window to the other: the test runs at least twice from each place.
    assert test["properties"]["Frequency"] * 2 <= 30 * 60
    assert alert["properties"]["windowSize"] == "PT30M"


def test_the_web_test_asks_for_a_route_that_there_is() -> None:
    health = (ROOT / "functions" / "diagnostics.py").read_text(encoding="utf-8")

    assert '@route("GET /api/health/ready"' in health


# --- The directory


def api_writes(deployment: Deployment) -> list[dict[str, Any]]:
    return [
        app["properties"]
        for app in deployment.of("Microsoft.Graph/applications")
        if app["properties"]["uniqueName"].endswith("-api")
    ]


@compiled
def test_clients_are_let_in_only_after_the_scope_has_been_written(deployment: Deployment, case: str) -> None:
    """Source: microsoftgraph/microsoft-graph-docs-contrib 1395."""
    if case == "given":
        assert deployment.of("Microsoft.Graph/applications") == []
        return
    first, second = api_writes(deployment)
    (scope,) = first["api"]["oauth2PermissionScopes"]

    assert "preAuthorizedApplications" not in first["api"]
    assert "identifierUris" not in first
    assert {role["value"] for role in first["appRoles"]} == {
        *("Admin", "Auditor", "Inviter", "SetupAdmin", "Operator", "PrivacyOfficer")
    }
    # It cannot start before the first one has answered.
    assert second["identifierUris"] == ["[format('api://{0}', reference('api').appId)]"]
    assert second["uniqueName"] == first["uniqueName"]
    # Nothing of the first is taken back, however the directory puts both together.
    assert {k: v for k, v in second["api"].items() if k != "preAuthorizedApplications"} == first["api"]
    assert set(second) == {"uniqueName", "displayName", "identifierUris", "api"}
    clients = [app["appId"] for app in second["api"]["preAuthorizedApplications"]]
    azure_cli = ["04b07795-8ddb-461a-bbee-02f9e1bf7b46"] if case == "everything" else []
    assert clients == ["[reference('client').appId]", *azure_cli]
    assert [app["delegatedPermissionIds"] for app in second["api"]["preAuthorizedApplications"]] == (
        [[scope["id"]]] * len(clients)
    )


@compiled
def test_the_azure_cli_may_act_for_people_where_it_is_authorized_and_nowhere_else(
    deployments: dict[str, Deployment],
) -> None:
    listed = {case: found.settings["GUESTLIST_CLIENTS"] for case, found in deployments.items()}

    assert "04b07795-8ddb-461a-bbee-02f9e1bf7b46" in listed["everything"]
    assert listed["defaults"] == listed["given"] == ""


@compiled
def test_tokens_for_the_api_say_who_is_a_guest(deployments: dict[str, Deployment]) -> None:
    first, second = api_writes(deployments["defaults"])

    assert first["optionalClaims"] == {"accessToken": [{"name": "acct"}]}
    assert "optionalClaims" not in second


@compiled
def test_registrations_that_are_there_are_taken_and_nothing_is_written(deployments: dict[str, Deployment]) -> None:
    found = deployments["given"]

    assert found.settings["GUESTLIST_API_AUDIENCE"] == API
    assert found.settings["GUESTLIST_CLIENT_ID"] == CLIENT
    assert [r["type"] for r in found.resources if r["type"].startswith("Microsoft.Graph")] == []


@compiled
@pytest.mark.parametrize("missing", ["apiClientId", "clientId"])
def test_without_the_ids_of_registrations_that_are_there_nothing_is_deployed(
    compiler: Compiler, missing: str
) -> None:
    parameters = {name: value for name, value in parameters_of("given").items() if name != missing}

    with pytest.raises(BicepError, match="registerApps is false: give the ids"):
        compiler.snapshot("main.bicep", parameters, name=f"without-{missing}")


@compiled
def test_permissions_are_granted_where_the_template_is_to_grant_them(deployments: dict[str, Deployment]) -> None:
    permissions = json.loads((INFRA / "permissions.json").read_text(encoding="utf-8"))
    of_setup = {name for feature in OF_SETUP for name in permissions[feature]}
    every = {name for feature, names in permissions.items() if feature not in OF_SETUP for name in names}

    def granted(case: str, *, setup: bool = False) -> int:
        deployment = deployments[case].setup if setup else deployments[case]
        assignments = deployment.of("Microsoft.Graph/appRoleAssignedTo")
        return len([a for a in assignments if "lambdaVariables('role')" in a["properties"]["appRoleId"]])

    assert granted("defaults") == granted("everything") == len(every)
    assert granted("defaults", setup=True) == granted("everything", setup=True) == len(of_setup)
    assert granted("least") == granted("given") == granted("given", setup=True) == 0
    assert {"Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"} <= of_setup - every


@compiled
def test_who_deploys_is_an_administrator_or_who_is_named(deployments: dict[str, Deployment]) -> None:
    def admins(case: str) -> list[str]:
        assignments = [a["properties"] for a in deployments[case].of("Microsoft.Graph/appRoleAssignedTo")]
        return [a["principalId"] for a in assignments if "reference('apiPrincipal')" in a["resourceId"]]

    assert admins("defaults") == [ME] * 4
    assert len(admins("everything")) == 8
    assert ME not in admins("everything")


# --- The workflow's identity


@compiled
def test_github_is_believed_about_the_environment_that_the_workflow_runs_in(compiler: Compiler) -> None:
    workflow = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    environment = re.search(r"^    environment: (\w+)$", workflow, re.MULTILINE)
    assert environment

    found = Deployment(compiler.snapshot("pipeline.bicep", {"repository": "contoso/guestlist"}, name="pipeline"))

    credential = found.one("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials")
    assert credential["properties"] == {
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": f"repo:contoso/guestlist:environment:{environment[1]}",
        "audiences": ["api://AzureADTokenExchange"],
    }
    # azd has no part in it: it would make credentials that match no run, and look for another file.
    assert not (ROOT / ".github" / "workflows" / "azure-dev.yml").exists()


@compiled
def test_the_workflow_can_assign_those_roles_alone_that_the_template_assigns(
    compiler: Compiler, deployments: dict[str, Deployment]
) -> None:
    found = Deployment(
        compiler.snapshot("pipeline.bicep", {"repository": "contoso/guestlist"}, name="pipeline-roles")
    )
    assigned = {
        assignment["properties"]["roleDefinitionId"].rpartition("/")[2]
        for assignment in deployments["everything"].of("Microsoft.Authorization/roleAssignments")
    }

    held = {
        a["properties"]["roleDefinitionId"].rpartition("/")[2]: a
        for a in found.of("Microsoft.Authorization/roleAssignments")
    }
    contributor, access = "b24988ac-6180-42a0-ab88-20f7382dd24c", "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
    assert set(held) == {contributor, access}
    assert {a["id"].partition("/providers/")[0] for a in held.values()} == {f"/subscriptions/{SUBSCRIPTION}"}
    condition = held[access]["properties"]["condition"]
    lists = re.findall(r"GuidEquals \{([^}]+)\}", condition)
    assert [set(ids.split(", ")) for ids in lists] == [assigned, assigned]
    assert condition.count("(") == condition.count(")")
    assert held[access]["properties"]["conditionVersion"] == "2.0"
