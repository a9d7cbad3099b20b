"""What stops a start, what is only reported, and what is printed (checklist 1, 2 and 10)."""

from __future__ import annotations

import re

import pytest

from tests.platform.conftest import MakeApp, StartHost
from tests.platform.host_process import HostProcess

ROUTE = """
@app.route("{name}")
def {name}(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("")
"""

REFUSED_APPS = {
    "a failing import": (
        "import a_module_nobody_has",
        "ModuleNotFoundError: No module named 'a_module_nobody_has'",
    ),
    "a duplicate name": (
        ROUTE.replace("{name}", "same")
        + '@app.route("other")\n@app.function_name("same")\n'
        + "def other(req: func.HttpRequest) -> func.HttpResponse: ...\n",
        "Function same does not have a unique function name",
    ),
    "two apps": ("other = func.FunctionApp()", "More than one FunctionApp or other top level"),
    "no function": ("", "No job functions found"),
    "a wrong annotation": (
        '@app.route("x")\ndef x(req: func.HttpRequest) -> int: ...\n',
        'Python return annotation "int" does not match binding type "http"',
    ),
}


def test_an_app_that_cannot_be_indexed_stops_the_start_with_the_reason(
    make_app: MakeApp, start_host: StartHost
) -> None:
    # All at once: each takes a second of nothing but imports.
    hosts = {name: start_host(make_app(source), ready=False) for name, (source, _) in REFUSED_APPS.items()}
    for name, host in hosts.items():
        assert host.wait_for_exit(within_s=60) == 1, name
        assert REFUSED_APPS[name][1] in host.output, name
        assert not host.is_announced, name


@pytest.mark.parametrize(
    ("host_json", "reason"),
    [
        ("{", "Unable to parse host configuration file"),
        ("[]", "it is not a JSON object"),
        ("{}", "missing the required 'version' property"),
        ('{"version": "3.0"}', "'3.0' is an invalid value for host.json 'version' property"),
        ('{"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}', "between 1 and 32"),
    ],
)
def test_a_host_json_the_host_cannot_use_stops_the_start(
    make_app: MakeApp, start_host: StartHost, host_json: str, reason: str
) -> None:
    host = start_host(make_app("", host_json=host_json), ready=False)
    assert host.wait_for_exit() == 1
    assert reason in host.output


def test_a_folder_without_the_script_stops_the_start(make_app: MakeApp, start_host: StartHost) -> None:
    app = make_app("")
    host = start_host(app, {"PYTHON_SCRIPT_FILE_NAME": "elsewhere.py"}, ready=False)
    assert host.wait_for_exit() == 1
    assert f"elsewhere.py was not found in '{app}'" in host.output


def test_unknown_keys_of_host_json_are_reported_and_nothing_more(served: HostProcess) -> None:
    assert "host.json: unknown key 'surprise' is ignored." in served.output
    assert served.output.count("host.json: unknown key") == 1


def test_the_banner_lists_functions_and_where_they_are(served: HostProcess) -> None:
    url = served.ready["url"]
    prefix = served.settings["PREFIX"]
    assert f"\tchange_item: [PUT,DELETE] {url}/v1/api/items/{{id}}\n" in served.output
    assert f"\tany_method: [ALL] {url}/v1/api/by-setting/here\n" in served.output
    assert f"\ttake: queueTrigger ({prefix}-plain, AzureWebJobsStorage)\n" in served.output


def test_each_invocation_is_one_line_and_the_apps_own_lines_are_there(served: HostProcess) -> None:
    invocation_id = served.http.get("/v1/api/echo").json()["invocation_id"]
    lines = [line for line in served.output.splitlines() if invocation_id in line]
    assert len(lines) == 1
    pattern = (
        r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] "
        rf"Executed 'Functions\.echo' \(Succeeded, Id={invocation_id}, Duration=\d+ms\)"
    )
    assert re.fullmatch(pattern, lines[0])
    assert served.http.get("/v1/api/logs", params={"word": "tea"}).status_code == 204
    assert "a line of the app for tea" in served.output


SEEN = """
@app.route("seen")
async def seen(req: func.HttpRequest) -> func.HttpResponse:
    names = ("GIVEN", "FROM_FILE", "AZURE_FUNCTIONS_ENVIRONMENT", "WEBSITE_HOSTNAME")
    return func.HttpResponse(json.dumps({"cwd": os.getcwd(), **{name: os.environ.get(name) for name in names}}))

@app.route("off")
async def off(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("")

"""


def test_settings_become_the_environment_and_a_variable_that_is_set_wins(
    make_app: MakeApp, start_host: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIVEN", "by the shell")
    app = make_app(SEEN)
    settings = {
        "GIVEN": "by the file",
        "FROM_FILE": "text",
        "AzureWebJobs.off.Disabled": "true",
        "AzureFunctionsJobHost__extensions__http__routePrefix": "",
    }
    host = start_host(app, settings)
    assert host.http.get("/seen").json() == {
        "cwd": str(app),
        "GIVEN": "by the shell",
        "FROM_FILE": "text",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "WEBSITE_HOSTNAME": f"127.0.0.1:{host.ready['port']}",
    }
    assert "Skipping 'GIVEN' from local settings" in host.output
    assert "Function off is disabled." in host.output
    assert host.http.get("/off").status_code == 404
