"""No route takes what another is meant for: the host tries them in the order of the functions' names."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import pytest

from local.host.configuration import read_host_json
from local.host.engine import IndexedFunction
from local.host.functions import Function, describe
from local.host.routes import Routes, Template

ROOT = Path(__file__).resolve().parents[2]


def shadows(functions: Sequence[Function], prefix: str) -> list[str]:
    """What goes to another function than the one it is meant for."""
    routes = Routes(functions, prefix)
    found = []
    for template, function, trigger in routes.entries:
        for path, method in product(paths(template), trigger.methods or ("GET", "POST")):
            taken_by = routes.find(method, path)
            if taken_by is None or taken_by[0] is not function:
                name = taken_by[0].name if taken_by else "nobody"
                found.append(f"{method} {path} is meant for {function.name} and goes to {name}")
    return found


def paths(template: Template) -> Iterator[str]:
    """One for each way in which a template can be filled."""
    rest = ["", "/sample", "/sample/of/more"]
    pieces = [rest if one.catch_all else [f"/{one.literal or 'sample'}"] for one in template.segments]
    for filled in product(*pieces):
        yield "".join(filled) or "/"


def functions_of(*routes: tuple[str, str, list[str]]) -> list[Function]:
    indexed = []
    for name, route, methods in routes:
        binding = {"type": "httpTrigger", "name": "req", "route": route, "methods": methods, "authLevel": "anonymous"}
        indexed.append(IndexedFunction(name, name, (binding,)))
    return describe(indexed, {})


def test_every_path_reaches_the_function_it_is_meant_for() -> None:
    program = (
        "import json, function_app\n"
        "print(json.dumps([(f.get_function_name(), b.route, [str(m) for m in b.methods or ()])"
        " for f in function_app.app.get_functions() for b in f.get_bindings() if b.type == 'httpTrigger']))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    functions = functions_of(*json.loads(found.stdout))

    assert len(functions) > 40
    assert shadows(functions, read_host_json(ROOT, {}).route_prefix) == []


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("request/{groupId}", "request/style.css", "GET /request/style.css is meant for second and goes to first"),
        ("{*any}", "/", "GET / is meant for second and goes to first"),
        ("a/{*x}", "a", "GET /a is meant for second and goes to first"),
        ("a/{x}", "a/{y}", "GET /a/sample is meant for second and goes to first"),
    ],
)
def test_a_route_that_shadows_another_is_found(first: str, second: str, said: str) -> None:
    assert said in shadows(functions_of(("first", first, ["GET"]), ("second", second, ["GET"])), "")


def test_routes_of_different_methods_do_not_shadow_each_other() -> None:
    assert shadows(functions_of(("first", "a/{x}", ["POST"]), ("second", "a/b", ["GET"])), "") == []
