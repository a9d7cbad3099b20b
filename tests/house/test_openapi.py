"""The description of the API is that of the code's own routes and models."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions import http, workers
from functions.http import ROUTES
from shared.core.errors import Refused
from shared.core.reasons import Reason
from shared.http import openapi
from shared.http.openapi import Operation
from shared.http.schemas import decode
from shared.people.schemas import ErasureBody, PersonBody
from shared.setup.schemas.bodies import decode_setup

NOT_JSON = {"get_docs", "get_docs_css"}
"""Pages: they are for people."""
assert workers.PUBLIC, "importing the modules declares the operations"
OPERATIONS = http.operations()


def routes() -> set[tuple[str, str, str]]:
    every = {(each.name, each.method.lower(), each.path) for each in ROUTES if not each.is_old}
    return {r for r in every if r[2].startswith("/api/") and r[0] not in NOT_JSON}


def document() -> dict[str, Any]:
    """As it comes out of the app: through JSON."""
    made = openapi.document(
        OPERATIONS,
        authority="https://login.example",
        tenant_id="t",
        scope="api://a/access_as_user",
        server="https://g.example",
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
    for path, found in document()["paths"].items():
        for each in found.values():
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


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, found in document()["paths"].items():
        for each in found.values():
            yield path, each


def test_every_operation_says_that_ids_parameters_and_lengths_are_checked() -> None:
    for path, each in operations():
        assert "`parameter-invalid`" in each["responses"]["400"]["description"], path
        assert "`body-too-large`" in each["responses"]["413"]["description"], path


def test_no_parameter_of_an_address_may_be_empty() -> None:
    for path, each in operations():
        for parameter in each["parameters"]:
            schema = parameter["schema"]
            if parameter["in"] == "query" and schema["type"] == "string":
                assert schema.get("minLength") == 1 or "enum" in schema or "format" in schema, (path, parameter)
            if parameter["name"] == "Idempotency-Key":
                assert (schema["minLength"], schema["maxLength"]) == (1, 255)


def test_every_part_of_a_path_says_what_it_may_be() -> None:
    for path, each in operations():
        for parameter in (p for p in each["parameters"] if p["in"] == "path"):
            assert {"format", "pattern", "enum"} & set(parameter["schema"]), (path, parameter["name"])


GUID = "5a000000-0000-4000-8000-000000000001"
STEPS_OF_A_GROUP: dict[str, Any] = {"owners": ["olivia@contoso.com"], "app": {"appId": GUID}}


@pytest.mark.parametrize(
    ("read", "model", "body", "is_taken"),
    [
        (decode_setup, "SetupBody", {"owners": ["o"], "app": app}, is_taken)
        for app, is_taken in (
            ({"appId": GUID}, True),
            ({"name": "A"}, True),
            ({"template": "T"}, True),
            ({"name": "A", "template": "T"}, True),
            ({"appId": GUID, "name": None, "template": None}, True),
            ({"appId": None, "name": "A"}, True),
            ({}, False),
            ({"appId": None, "name": None}, False),
            ({"appId": GUID, "name": "A"}, False),
            ({"appId": GUID, "template": "T"}, False),
            ({"name": ""}, False),
            ({"appId": "no-guid"}, False),
        )
    ]
    + [
        (decode_setup, "SetupBody", STEPS_OF_A_GROUP | {"group": group}, is_taken)
        for group, is_taken in (
            ({}, True),
            ({"id": GUID}, True),
            ({"name": "G", "description": "D"}, True),
            ({"id": GUID, "name": None, "description": ""}, True),
            ({"id": GUID, "name": "G"}, False),
            ({"id": GUID, "description": "D"}, False),
        )
    ]
    + [
        (read, model, body, is_taken)
        for read, model in ((partial(decode, model), model.__name__) for model in (PersonBody, ErasureBody))
        for body, is_taken in (
            ({"address": "ada@fabrikam.com"}, True),
            ({"userId": GUID}, True),
            ({"address": "ada@fabrikam.com", "userId": GUID}, True),
            ({}, False),
            ({"address": None, "userId": None}, False),
            ({"userId": "no-guid"}, False),
        )
    ],
)
def test_a_body_is_taken_where_the_document_says_so_and_nowhere_else(
    read: Callable[[bytes], object], model: str, body: dict[str, Any], is_taken: bool
) -> None:
    schema = {"$ref": f"#/components/schemas/{model}", "components": document()["components"]}

    assert OAS31Validator(schema).is_valid(body) is is_taken
    if is_taken:
        read(msgspec.json.encode(body))
    else:
        with pytest.raises(Refused) as refused:
            read(msgspec.json.encode(body))
        assert refused.value.reason is Reason.BODY_INVALID
