"""The description of the API is that of the code's own routes and models."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.api import openapi
from shared.api.openapi.operations import OPERATIONS, Operation

ROOT = Path(__file__).resolve().parents[2]
NOT_JSON = {"get_docs", "get_docs_css"}
"""Pages: they are for people."""


def routes() -> set[tuple[str, str, str]]:
    program = (
        "import json, function_app\n"
        "print(json.dumps([(f.get_function_name(), str(m), b.route) for f in function_app.app.get_functions()"
        " for b in f.get_bindings() if b.type == 'httpTrigger' for m in b.methods]))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    every = {(name, method.lower(), f"/{route}") for name, method, route in json.loads(found.stdout)}
    return {r for r in every if r[2].startswith("/api/") and r[0] not in NOT_JSON}


def document() -> dict[str, Any]:
    """As it comes out of the app: through JSON."""
    made = openapi.document(
        authority="https://login.example", tenant_id="t", scope="api://a/access_as_user", server="https://g.example"
    )
    found: dict[str, Any] = json.loads(msgspec.json.encode(made))
    return found


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def test_routes_and_document_are_the_same_in_both_directions() -> None:
    described = {(o["operationId"], m, p) for p, path in document()["paths"].items() for m, o in path.items()}

    assert described == routes()


def test_every_parameter_of_a_path_is_described() -> None:
    for path, operations in document()["paths"].items():
        for each in operations.values():
            assert {p["name"] for p in each["parameters"] if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path))


def test_the_document_is_one_by_the_standard() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_every_reference_leads_to_a_schema() -> None:
    made = document()

    assert {r.removeprefix("#/components/schemas/") for r in references(made)} <= set(made["components"]["schemas"])


def test_operations_that_need_a_token_say_so_and_what_is_refused_without_one() -> None:
    for operation in OPERATIONS:
        said = document()["paths"][operation.path][operation.method.lower()]
        assert bool(said["security"]) is not operation.is_open
        assert ("401" in said["responses"]) is not operation.is_open, operation.id


def test_the_page_has_every_operation_and_no_script() -> None:
    page = openapi.page(document())

    for operation in OPERATIONS:
        assert f'<article id="{operation.id}"' in page
    assert "<script" not in page
    assert "style=" not in page
    assert "<style" not in page


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.body], ids=lambda o: o.id)
def test_every_example_is_read_by_the_model_of_its_request(operation: Operation) -> None:
    assert operation.body is not None
    assert msgspec.convert(operation.example, operation.body) is not None
