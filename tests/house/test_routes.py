"""No route takes what another is meant for: the host tries them in the order of the functions' names."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import pytest

from local.host.engine import IndexedFunction
from local.host.functions import Function, describe
from local.host.host_json import read_host_json
from local.host.routes import Parameter, Routes, Template

ROOT = Path(__file__).resolve().parents[2]
VALUES = ("sample", "7", "0f8fad5b-d9cb-469f-a165-70867728950e", "true", "2026-11-28", "1.5")
"""For a parameter: the first that its constraints allow."""


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
    pieces: list[list[str]] = []
    for segment in template.segments:
        parameter = segment.parameter
        if parameter and parameter.catch_all:
            pieces.append(["", "/sample", "/sample/of/more"])
            continue
        text = "".join(part if isinstance(part, str) else value_of(part) for part in segment.parts)
        pieces.append([f"/{text}", *([""] if parameter and parameter.optional else [])])
    for filled in product(*pieces):
        yield "".join(filled) or "/"


def value_of(parameter: Parameter) -> str:
    return next(value for value in VALUES if all(constraint(value) for constraint in parameter.constraints))


def functions_of(*routes: tuple[str, str, list[str]]) -> list[Function]:
    indexed = []
    for name, route, methods in routes:
        binding = {"type": "httpTrigger", "name": "req", "route": route, "methods": methods}
        indexed.append(IndexedFunction(name, name, (binding,), None))
    return describe(indexed, {})


def test_every_path_reaches_the_function_it_is_meant_for() -> None:
    program = (
        "import json, function_app\n"
        "print(json.dumps([(f.get_function_name(), b.route, [str(m) for m in b.methods or ()])"
        " for f in function_app.app.get_functions() for b in f.get_bindings() if b.type == 'httpTrigger']))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    functions = functions_of(*json.loads(found.stdout))

    assert len(functions) > 50
    assert shadows(functions, read_host_json(ROOT, {}).route_prefix) == []


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("request/{groupId}", "request/style.css", "GET /request/style.css is meant for second and goes to first"),
        ("{*any}", "/", "GET / is meant for second and goes to first"),
        ("a/{x?}", "a", "GET /a is meant for second and goes to first"),
        ("a/{x}", "a/{x:int}", "GET /a/7 is meant for second and goes to first"),
    ],
)
def test_a_route_that_shadows_another_is_found(first: str, second: str, said: str) -> None:
    assert said in shadows(functions_of(("first", first, ["GET"]), ("second", second, ["GET"])), "")


def test_routes_of_different_methods_do_not_shadow_each_other() -> None:
    assert shadows(functions_of(("first", "a/{x}", ["POST"]), ("second", "a/b", ["GET"])), "") == []
