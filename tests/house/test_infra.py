"""The template is what the code needs: names in storage, settings, permissions, metrics; and it hangs together."""

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from build_tools.bicep import TEMPLATES
from shared.core.audit_rules import Rule
from shared.invitations.model.invitations import STATES, State
from shared.messages.registry import MESSAGES
from shared.people.rows.tables import TABLES as TABLES_OF_ROWS
from shared.settings import RENAMED, read_settings
from shared.storage.accounts import blob_service, queue_service, table_service
from tests.house.bicep import Bicep, faults, files_of, parses_for_checkov, properties, read, strings

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
FILES = files_of(INFRA)
MAIN = read(FILES["main.bicep"])
APP = read(FILES["app/function_app.bicep"])

HOST_SETTINGS = {
    # Azure Functions, "App settings reference".
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
    # Azure Functions, "Connecting to host storage with an identity".
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    # Azure Functions, identity-based connections of the queue trigger; the app reads the others of this connection.
    "GuestlistStorage__credential",
    # Azure Functions, "Use OpenTelemetry with Azure Functions": by the host, and by Microsoft's libraries in the app.
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "PYTHON_ENABLE_OPENTELEMETRY",
    # OpenTelemetry, "SDK environment variables"; the host reads them, too.
    "OTEL_SERVICE_NAME",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    # protobuf, "python_implementation": by the library in the app and in the worker.
    "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION",
    # Azure Functions, "App settings reference".
    "AzureWebJobsDisableHomepage",
    # App Service, "Use a managed identity instead of a secret"; read by App Service Authentication alone.
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
    "WEBSITE_AUTH_AAD_ALLOWED_TENANTS",
}
"""Set for the host, the platform or a library: Guestlist's own code does not name them."""

METRICS = {
    "guestlist.guests": {"state", "reason"},
    "guestlist.time_to_member": set[str](),
    "guestlist.queue.oldest_message_age": {"queue"},
    "guestlist.queue.messages": {"queue"},
    "guestlist.graph.requests": {"status"},
    "guestlist.graph.pressure": set[str](),
    "guestlist.pace.ahead": {"lane"},
    "guestlist.audits.completed": {"outcome"},
    "guestlist.audit.findings": {"rule", "severity"},
    "guestlist.stopped": set[str](),
    "guestlist.refusals": {"reason", "route", "status"},
    "guestlist.invitations": {"person", "way"},
    "guestlist.guest_domains": {"domain"},
    "guestlist.memberships": {"group", "app"},
}
"""What Guestlist measures, with the properties of each."""


def load(name: str) -> Any:
    return json.loads((INFRA / name).read_text(encoding="utf-8"))


ALERTS = load("alerts.json")
WORKBOOK = load("workbook.json")


# --- It hangs together


@pytest.mark.parametrize("path", FILES)
def test_every_file_can_be_parsed_but_for_the_one_statement_that_is_newer_than_the_grammars(path: str) -> None:
    assert read(FILES[path]).errors == []
    assert parses_for_checkov(FILES[path]) is None


def test_the_files_hang_together() -> None:
    assert faults(FILES) == []


@pytest.mark.parametrize(
    ("main", "module", "fault"),
    [
        (
            "module m 'm.bicep' = {\n  name: 'm'\n  params: {}\n}\n",
            "param a string\noutput b string = a\n",
            "lacks a",
        ),
        (
            "module m 'm.bicep' = {\n  name: 'm'\n  params: {\n    a: 'x'\n    z: 'x'\n  }\n}\n",
            "param a string\noutput b string = a\n",
            "does not take z",
        ),
        (
            "param n int\nmodule m 'm.bicep' = {\n  name: 'm'\n  params: {\n    a: n\n  }\n}\n",
            "param a string\noutput b string = a\n",
            "gives a a int, not a string",
        ),
        (
            "module m 'm.bicep' = {\n  name: 'm'\n}\noutput o string = m.outputs.c\n",
            "output b string = 'x'\n",
            "m gives no c",
        ),
        ("module m 'other.bicep' = {\n  name: 'm'\n}\n", "output b string = 'x'\n", "which is not there"),
        ("output o string = nowhere\n", "output b string = 'x'\n", "nowhere is not declared"),
        ("param idle string\n", "output b string = 'x'\n", "idle is not used"),
        ("output o string = toLowr('A')\n", "output b string = 'x'\n", "toLowr is no function"),
        ("output o string = \n", "output b string = 'x'\n", "cannot be parsed"),
        (
            "module a 'm.bicep' = {\n  name: 'm'\n}\nmodule b 'm.bicep' = {\n  name: 'm'\n}\n",
            "output b string = 'x'\n",
            "two modules are deployed as m",
        ),
    ],
)
def test_what_a_compiler_would_refuse_is_found(main: str, module: str, fault: str) -> None:
    found = faults({"main.bicep": main, "m.bicep": module})

    assert [line for line in found if fault in line], found


@pytest.mark.parametrize("path", FILES)
def test_every_parameter_says_what_it_is(path: str) -> None:
    assert [name for name, p in read(FILES[path]).parameters.items() if not p.description] == []


def test_no_bicep_file_is_left_out() -> None:
    called = {f"{Path(path).parent / m.path}" for path, text in FILES.items() for m in read(text).modules.values()}

    assert set(FILES) - set(TEMPLATES) == called


# --- Names in storage


def test_names_in_storage_are_those_of_the_code() -> None:
    program = "import sys; sys.path.insert(0, 'docs'); import make_tables as m; print(m.storage_names(), end='')"
    drawn = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert (INFRA / "storage-names.json").read_text(encoding="utf-8") == drawn.stdout
    assert sorted(MESSAGES.queues) == load("storage-names.json")["queues"]


def test_every_table_that_an_adapter_opens_is_made() -> None:
    opened = set()
    for path in (ROOT / "shared").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Table" and len(node.args) == 2:
                module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                name = ast.unparse(node.args[1])
                # Some go through all that there are, by the list that the names are drawn from.
                opened |= {getattr(module, name)} if name.isupper() else set(TABLES_OF_ROWS)

    assert opened == set(load("storage-names.json")["tables"])


def test_names_are_such_as_storage_takes_with_poison_at_the_end_too() -> None:
    names = load("storage-names.json")

    assert all(re.fullmatch(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", f"{q}-poison") for q in names["queues"])
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,62}", t) for t in names["tables"])
    assert all(re.fullmatch(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", c) for c in names["containers"])


def test_queues_are_made_with_their_poison_queues_and_no_further() -> None:
    text = FILES["app/storage.bicep"]

    assert "var poisonQueues = [for queue in names.queues: '${queue}-poison']" in text
    assert "[for queue in concat(names.queues, poisonQueues): {" in text
    assert "[for table in names.tables: {" in text
    assert "[for container in concat(names.containers, [deploymentContainer]): {" in text


# --- Settings


def settings_of(file: Bicep) -> set[str]:
    """Names of app settings among the keys of a file's objects."""
    pattern = r"[A-Z]+(_[A-Z]+)+|AzureWebJobs\w+|\w+Storage__\w+"
    return {key for key in file.keys if re.fullmatch(pattern, key)}


SET = settings_of(MAIN) | settings_of(APP)
LEFT_OUT = set(load("settings-left-out.json")["moreSettings"])


def read_by_the_code() -> set[str]:
    """By their names of today."""
    found = set()
    for path in [*(ROOT / "shared").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"^%?(GUESTLIST_[A-Z_]+)%?$", node.value))
    return found - RENAMED.keys()


def test_every_setting_that_the_code_reads_is_set_or_left_out_on_purpose_and_no_other() -> None:
    own = {name for name in SET if name.startswith("GUESTLIST_")}

    assert own & LEFT_OUT == set()
    assert own | LEFT_OUT == read_by_the_code()


def test_every_setting_for_somebody_else_is_known_and_set() -> None:
    of_the_app = {f"GuestlistStorage__{name}" for name in ("blobServiceUri", "queueServiceUri", "tableServiceUri")}
    of_the_app |= {"GuestlistStorage__clientId"}

    assert {name for name in SET if not name.startswith("GUESTLIST_")} == HOST_SETTINGS | of_the_app


async def test_storage_is_found_by_the_settings_of_the_template_alone() -> None:
    values = {name: f"https://st.{name}.example/" if name.endswith("Uri") else name for name in SET}
    asked: list[str | None] = []

    def credential_of(client_id: str | None) -> Any:
        asked.append(client_id)
        return Never()

    for make, name in ((table_service, "table"), (queue_service, "queue"), (blob_service, "blob")):
        async with make(values, credential_of=credential_of) as client:
            assert client.url.startswith(f"https://st.GuestlistStorage__{name}ServiceUri.example")
    assert asked == ["GuestlistStorage__clientId"] * 3


class Never:
    """A credential that nobody asks."""

    async def get_token(self, *_: str, **__: Any) -> Any:
        raise AssertionError("no token is needed")


def test_what_the_template_sets_is_enough_and_an_empty_one_counts_as_not_set() -> None:
    given = {
        "GUESTLIST_TENANT_ID": "c0117050-0000-4000-8000-000000000001",
        "GUESTLIST_API_AUDIENCE": "00000401-0000-4000-8000-000000000401",
        "GUESTLIST_SWEEP_SCHEDULE": "0 * * * * *",
        "GUESTLIST_AUDIT_SCHEDULE": "0 0 2 * * *",
    }
    env = {name: given.get(name, "") for name in SET} | {"WEBSITE_HOSTNAME": "guests.azurewebsites.net"}

    settings = read_settings(env)

    assert settings.requests.public_url == "https://guests.azurewebsites.net"
    assert settings.mail_mailbox is None
    assert settings.acs_endpoint is None


def test_schedules_are_those_that_the_documents_name() -> None:
    documented = dict(
        re.findall(r"`(GUESTLIST_[A-Z]+_SCHEDULE)`.*NCRONTAB, `([^`]+)`", (ROOT / "docs" / "settings.md").read_text())
    )

    assert MAIN.parameters["sweepSchedule"].default == f"'{documented['GUESTLIST_SWEEP_SCHEDULE']}'"
    assert MAIN.parameters["auditSchedule"].default == f"'{documented['GUESTLIST_AUDIT_SCHEDULE']}'"


def test_the_runtime_is_the_one_that_the_project_asks_for() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert 'requires-python = ">=3.13,<3.14"' in project
    assert "name: 'python'\n        version: '3.13'" in FILES["app/function_app.bicep"]


# --- Permissions, and who signs in


def test_every_feature_can_be_switched_and_brings_its_permissions() -> None:
    permissions: dict[str, list[str]] = load("permissions.json")
    chosen = properties(MAIN.variables["wanted"])
    brought = {
        m for node in chosen.values() for m in re.findall(r"permissionsOf(?:\.(\w+)|\['([\w-]+)'\])", text(node))
    }

    assert set(strings(MAIN.variables["everyFeature"])) == set(permissions) - {"inviting", "mailbox"}
    assert {a or b for a, b in brought} == set(permissions) - {"inviting"}
    union = text(MAIN.variables["permissions"]) + text(MAIN.variables["setupPermissions"])
    assert "wanted.setup" not in text(MAIN.variables["permissions"])
    assert set(re.findall(r"wanted\.(\w+)", union)) == set(chosen)
    assert "permissionsOf.inviting" in union
    assert all(re.fullmatch(r"[A-Z]\w+(\.\w+)+", name) for names in permissions.values() for name in names)


def text(node: Any) -> str:
    return str(node.text.decode())


def test_permissions_go_by_their_names_and_no_registration_has_a_secret() -> None:
    graph = "\n".join(text for path, text in FILES.items() if path.startswith(("graph/", "main.")))

    guids = set(re.findall(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", graph))
    # Microsoft Graph and the Azure CLI, by the ids that they have in every tenant.
    assert guids == {"00000003-0000-0000-c000-000000000000", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"}
    assert not re.search(
        r"passwordCredentials|keyCredentials|@secure|listKeys|connectionStrings", "\n".join(FILES.values())
    )


def test_the_portal_and_the_command_line_come_back_to_registered_addresses() -> None:
    registration = FILES["graph/registration.bicep"]
    home = re.search(r'const HOME = "([^"]+)"', (ROOT / "portal" / "src" / "session.ts").read_text(encoding="utf-8"))

    assert home
    assert f"'${{address}}{home[1]}'" in registration
    # Where azure-identity's browser sign-in comes back to; its device code needs the fallback.
    assert "'http://localhost'" in registration
    assert "isFallbackPublicClient: true" in registration


def test_the_scope_and_the_roles_are_those_that_the_code_asks_for() -> None:
    from shared.identity.tokens import SCOPE

    registration = FILES["graph/registration.bicep"]
    roles = {"Admin", "Auditor", "Inviter", "SetupAdmin", "Operator", "PrivacyOfficer"}
    assert f"value: '{SCOPE}'" in registration
    assert set(re.findall(r"^    value: '(\w+)'$", registration, re.MULTILINE)) == roles
    assert "type: 'Admin'" in registration
    access = (ROOT / "shared" / "membership" / "model" / "access.py").read_text(encoding="utf-8")
    assert all(f'"{role}"' in access for role in ("Admin", "Auditor", "Inviter"))


def test_by_default_only_who_was_assigned_signs_in_and_the_azure_cli_acts_for_nobody() -> None:
    defaults = {name: MAIN.parameters[name].default for name in ("assignmentRequired", "authorizeAzureCli")}

    assert defaults == {"assignmentRequired": "true", "authorizeAzureCli": "false"}
    api = FILES["graph/registration.bicep"].partition("resource apiPrincipal ")[2].partition("}")[0]
    assert "appRoleAssignmentRequired: assignmentRequired" in api


# --- What is seen from outside


def alert_names() -> set[str]:
    return {alert["name"] for alert in ALERTS["logs"]} | {ALERTS["ready"]["name"]}


def test_the_alerts_are_these() -> None:
    wanted = {"poison-not-empty", "oldest-message", "failure-share", "no-audit", "certificate-expiry", "not-ready"}
    wanted |= {
        "many-invitations",
        "callers-refused",
        "limits-reached",
        "unusual-domains",
        "write-outside-apps",
        "stopped",
    }

    assert alert_names() == wanted


def test_every_alert_has_its_section_in_the_document() -> None:
    document = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^### Alert: (\S+)$", document, re.MULTILINE)) == alert_names()


@pytest.mark.parametrize("alert", ALERTS["logs"], ids=lambda a: a["name"])
def test_an_alert_is_one_that_azure_monitor_takes(alert: dict[str, Any]) -> None:
    """Source: Azure Monitor, "Create or edit a log search alert rule"; scheduledQueryRules resource type."""
    assert set(alert) == {
        *("name", "title", "feature", "severity", "description", "every", "window", "above", "query")
    }
    assert alert["every"] in {"PT5M", "PT15M", "PT1H", "PT6H"}
    assert alert["window"] in {"PT15M", "PT1H", "P2D"}
    # Bicep has no numbers with a fraction.
    assert isinstance(alert["above"], int)
    assert alert["feature"] in {"", *strings(MAIN.variables["everyFeature"])}
    last = alert["query"][-1]
    assert last.startswith("| project Subject")
    assert "Value" in last


def queries() -> dict[str, str]:
    found = {f"alert {a['name']}": "\n".join(a["query"]) for a in ALERTS["logs"]}
    return found | {f"workbook {i['name']}": i["content"]["query"] for i in WORKBOOK["items"] if i["type"] == 3}


@pytest.mark.parametrize("name", queries())
def test_a_query_asks_only_for_what_is_measured(name: str) -> None:
    query = queries()[name]
    metrics = set(re.findall(r"'(guestlist\.[a-z_.]*[a-z])'", query))

    assert metrics <= set(METRICS)
    asked = set(re.findall(r"Properties\.(\w+)", query))
    assert asked <= {p for metric in metrics for p in METRICS[metric]}
    assert query.count("(") == query.count(")")
    assert query.count("'") % 2 == 0


def test_the_metrics_are_those_that_the_code_tells() -> None:
    source = (ROOT / "shared" / "telemetry" / "meters.py").read_text()
    told = {
        node.args[0].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith("create_")
        and isinstance(node.args[0], ast.Constant)
    }

    assert told == set(METRICS)
    assert [p for names in METRICS.values() for p in names if f'"{p}": ' not in source] == []


def test_every_metric_is_shown() -> None:
    shown = "\n".join(queries().values())

    assert [metric for metric in METRICS if f"'{metric}'" not in shown] == []


def test_queries_use_the_words_of_the_code() -> None:
    shown = "\n".join(queries().values())

    assert f"Properties.rule) == '{Rule.CERTIFICATE_ENDS.value}'" in shown
    share = queries()["alert failure-share"]
    assert set(re.findall(r"State (?:==|in) \(?'(\w+)'", share)) == {State.FAILED.value, State.MEMBER.value}
    # Of all states these two are where a guest's way ends for good or ill.
    assert {State.FAILED, State.MEMBER} <= set(STATES)


def test_the_workbook_is_tied_to_a_workspace_when_it_is_deployed() -> None:
    text = (INFRA / "workbook.json").read_text(encoding="utf-8")

    assert text.count("{workspace}") == 1
    assert WORKBOOK["version"] == "Notebook/1.0"
    names = [item["name"] for item in WORKBOOK["items"]]
    assert len(names) == len(set(names))


# --- What is not known yet


GUIDE = ROOT / "docs" / "how-to" / "operator" / "first-deployment.md"


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_everything_unverified_stands_in_the_guide_with_what_shows_it_and_what_to_do() -> None:
    parts = re.split(r"^#{2,3} ", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    unverified = {slug(part.partition("\n")[0]): part for part in parts if part.startswith("Unverified: ")}
    listed = (INFRA / "README.md").read_text(encoding="utf-8").partition("UNVERIFIED until")[2]

    assert re.findall(r"first-deployment\.md#([\w-]+)", listed) != []
    assert set(re.findall(r"first-deployment\.md#([\w-]+)", listed)) == set(unverified)
    assert [name for name, part in unverified.items() if "**Shown by**" not in part or "**Do**" not in part] == []


@pytest.mark.parametrize("document", [*GUIDE.parent.glob("*.md"), INFRA / "README.md"], ids=lambda p: p.stem)
def test_a_link_in_an_operators_document_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]*)(?:#([\w-]+))?\)", document.read_text(encoding="utf-8").replace("\n", " "))
    local = [(path, anchor) for path, anchor in links if not path.startswith("https://")]
    assert local

    for path, anchor in local:
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, (path, anchor)
