"""What a deployment is asked for: the same by azd as by GitHub, and a variable that is not set decides nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.house.azd import Asked, default_of, given, of_workflow, on_github, variable_of
from tests.house.bicep import read

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = read((ROOT / "infra" / "main.bicep").read_text(encoding="utf-8")).parameters
FILE: dict[str, Any] = json.loads((ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
WORKFLOW = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "how-to" / "operator" / "deploy-from-github.md").read_text(encoding="utf-8")

BY_AZD = "AZURE_PRINCIPAL_ID"
"""azd knows it by itself, of whoever is signed in."""
SIGNS_IN = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
"""Read by the workflow and by azd, not by the template."""
TAKES_AS_GIVEN = {"grantPermissions": "nobody", "registerApps": False}
"""Where the workflow differs from azd: it may not write to the directory."""

ANSWERS = {
    "AZURE_ENV_NAME": "guestlist",
    "AZURE_LOCATION": "westeurope",
    "GUESTLIST_PUBLIC_NAME": "contoso-guests",
    "GUESTLIST_FEATURES": "all",
    "GUESTLIST_MAIL_MAILBOX": "guestlist@contoso.com",
    "GUESTLIST_ADMINS": "me",
    "GUESTLIST_ALERT_MAIL": "it@contoso.com",
    "GUESTLIST_ZONE_REDUNDANT": "true",
    "GUESTLIST_PRIVATE_NETWORK": "true",
}
"""To what azd asks."""


def defaults() -> dict[str, Any]:
    return {name: default_of(p) for name, p in PARAMETERS.items() if p.default is not None}


def effective(env: dict[str, str]) -> dict[str, Any]:
    """The values that a deployment works with, the template's own defaults among them."""
    return defaults() | given(FILE, PARAMETERS, env)


def test_every_parameter_is_in_the_file_and_no_other() -> None:
    assert set(FILE) == set(PARAMETERS)
    variables = [variable_of(entry["value"])[0] for entry in FILE.values()]
    assert len(variables) == len(set(variables))


@pytest.mark.parametrize("name", FILE)
def test_what_azd_is_not_to_ask_has_the_templates_own_default(name: str) -> None:
    variable, default = variable_of(FILE[name]["value"])
    own = default_of(PARAMETERS[name])

    if own is None or variable == BY_AZD or PARAMETERS[name].type == "object":
        # A default of an object would end at its first brace.
        assert default is None
    else:
        assert default == (own if isinstance(own, str) else json.dumps(own))


def test_azd_asks_for_what_has_no_default_and_for_nothing_else() -> None:
    assert {variable_of(FILE[name]["value"])[0] for name, p in PARAMETERS.items() if p.default is None} == set(
        ANSWERS
    )
    for variable in ANSWERS:
        with pytest.raises(Asked):
            given(FILE, PARAMETERS, {k: v for k, v in ANSWERS.items() if k != variable})
    assert effective(ANSWERS)["zoneRedundant"] is True


def test_a_variable_that_is_set_to_nothing_counts_as_not_set_for_azd() -> None:
    objects = {variable_of(FILE[n]["value"])[0] for n, p in PARAMETERS.items() if p.type == "object"}
    every = {variable_of(entry["value"])[0] for entry in FILE.values()}

    assert effective(dict.fromkeys(every - objects, "") | ANSWERS) == effective(ANSWERS)


def test_every_parameter_reaches_the_workflow_and_nothing_else_does() -> None:
    passed = of_workflow(WORKFLOW)

    assert set(passed) == {variable_of(e["value"])[0] for e in FILE.values()} - {BY_AZD} | SIGNS_IN
    assert {name: variable for name, (variable, _) in passed.items() if name != variable} == {}
    # Each line of the environment was read.
    block = WORKFLOW.partition("    env:\n")[2].partition("    steps:")[0]
    assert len([line for line in block.splitlines() if not line.lstrip().startswith("#")]) == len(passed)


def test_with_the_answers_alone_the_workflow_deploys_what_azd_does_but_for_the_directory() -> None:
    by_azd, by_github = effective(ANSWERS), effective(on_github(WORKFLOW, ANSWERS))

    differ = {name: value for name, value in by_github.items() if by_azd[name] != value}
    assert differ == TAKES_AS_GIVEN


@pytest.mark.parametrize("variable", ANSWERS)
def test_the_workflow_ends_where_an_answer_is_missing(variable: str) -> None:
    with pytest.raises(Asked):
        given(FILE, PARAMETERS, on_github(WORKFLOW, {k: v for k, v in ANSWERS.items() if k != variable}))


@pytest.mark.parametrize(
    ("variable", "parameter", "value"),
    [
        ("GUESTLIST_PRIVATE_APP", "privateApp", True),
        ("GUESTLIST_ASSIGNMENT_REQUIRED", "assignmentRequired", False),
        ("GUESTLIST_AUTHORIZE_AZURE_CLI", "authorizeAzureCli", True),
        ("GUESTLIST_EASY_AUTH", "easyAuth", True),
        ("GUESTLIST_PUBLIC_URL", "publicUrl", "https://guests.contoso.com"),
        ("GUESTLIST_LOG_PERSONAL_DATA", "logPersonalData", True),
        ("GUESTLIST_STORAGE_LOGS", "storageLogs", "none"),
        ("GUESTLIST_ALWAYS_READY_HTTP", "alwaysReadyHttp", 2),
        ("GUESTLIST_ALWAYS_READY_INVITATIONS", "alwaysReadyInvitations", 2),
        ("GUESTLIST_SWEEP_SCHEDULE", "sweepSchedule", "0 */2 * * * *"),
        ("GUESTLIST_TAGS", "tags", {"owner": "it"}),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "otlpEndpoint", "https://otlp.contoso.com"),
    ],
)
def test_a_variable_on_github_arrives_in_the_template(variable: str, parameter: str, value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)

    assert effective(on_github(WORKFLOW, ANSWERS | {variable: text}))[parameter] == value


def test_without_its_default_a_variable_that_is_not_set_would_empty_a_setting() -> None:
    """Why the workflow repeats the defaults: where the parameters file had none, azd would take the empty text."""
    file = FILE | {"sweepSchedule": {"value": "${GUESTLIST_SWEEP_SCHEDULE}"}}

    assert given(file, PARAMETERS, ANSWERS | {"GUESTLIST_SWEEP_SCHEDULE": ""})["sweepSchedule"] == ""
    with pytest.raises(json.JSONDecodeError):
        given(FILE, PARAMETERS, ANSWERS | {"GUESTLIST_TAGS": ""})


def test_the_guide_names_every_variable_that_has_to_be_set_and_the_environment() -> None:
    environment = re.search(r"^    environment: (\w+)$", WORKFLOW, re.MULTILINE)

    assert environment
    assert {*ANSWERS, *SIGNS_IN} <= set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", GUIDE))
    assert f"environments/{environment[1]}" in GUIDE
    assert f"param environmentName string = '{environment[1]}'" in (ROOT / "infra" / "pipeline.bicep").read_text()
