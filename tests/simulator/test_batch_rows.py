"""``$batch`` as Microsoft Graph's "Combine multiple HTTP requests using JSON batching" and reports of it have it."""

from typing import Any

import pytest

from tests.simulator.simulated_graph import GUS, OSCAR, TRAVEL, Graph, error

JSON = {"Content-Type": "application/json"}
MINIMAL = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
LOOK = {"id": "1", "method": "GET", "url": f"/users/{GUS}?$select=id"}


async def deleted(graph: Graph, *users: str) -> list[str]:
    for user in users:
        assert (await graph.call("DELETE", f"/users/{user}")).status_code == 204
    return [f"/directory/deletedItems/{user}/restore" for user in users]


@pytest.mark.parametrize("headers", [{}, {"headers": JSON}])
async def test_json_batching_a_post_without_body_is_refused_with_all_its_neighbours(
    graph: Graph, headers: dict[str, Any]
) -> None:
    """Also msgraph-sdk-dotnet #2628, whose text this is."""
    [restore] = await deleted(graph, GUS)
    requests = [{"id": "1", "method": "GET", "url": f"/users/{OSCAR}"}, {"id": "2", "method": "POST", "url": restore}]

    answer = await graph.call("POST", "/$batch", {"requests": [requests[0], requests[1] | headers]})

    message = "Write request id : 2 does not contain Content-Type header or body."
    assert error(answer) == (400, "BadRequest", message)
    assert (await graph.call("GET", f"/users/{GUS}")).status_code == 404, "and nothing of it is done"


async def test_json_batching_an_empty_object_is_body_enough(graph: Graph) -> None:
    paths = await deleted(graph, GUS, OSCAR)
    requests = [
        {"id": str(n), "method": "POST", "url": path, "body": {}, "headers": JSON} for n, path in enumerate(paths)
    ]

    answer = await graph.call("POST", "/$batch", {"requests": requests})

    assert [part["status"] for part in answer.json()["responses"]] == [200, 200]
    assert (await graph.call("GET", f"/users/{GUS}")).status_code == 200


async def test_report_ms_365_mcp_server_677_a_body_without_content_type_is_refused_with_the_batch(
    graph: Graph,
) -> None:
    change = {"id": "1", "method": "PATCH", "url": f"/users/{GUS}", "body": {"jobTitle": "Guest"}}

    answer = await graph.call("POST", "/$batch", {"requests": [change]})

    assert error(answer) == (400, "BadRequest", "Write request with id '1' does not contain a Content-Type header.")


async def test_json_batching_a_part_of_another_type_than_json_is_refused_alone(graph: Graph) -> None:
    change = {"id": "1", "method": "PATCH", "url": f"/users/{GUS}", "body": {"jobTitle": "Guest"}}
    requests = [change | {"headers": {"Content-Type": "text/plain"}}, LOOK | {"id": "2"}]

    answer = await graph.call("POST", "/$batch", {"requests": requests})

    refused, seen = answer.json()["responses"]
    assert (refused["status"], seen["status"]) == (400, 200)
    assert refused["body"]["error"]["message"] == "Entity only allows writes with a JSON Content-Type header."


async def test_review_of_clients_a_number_is_taken_for_an_id(graph: Graph) -> None:
    """Numbers are sent by several clients and taken by Graph; the answer has them as texts."""
    requests = [LOOK | {"id": 1}, LOOK | {"id": 2, "dependsOn": [1]}]

    answer = await graph.call("POST", "/$batch", {"requests": requests})

    assert [(part["id"], part["status"]) for part in answer.json()["responses"]] == [("1", 200), ("2", 200)]
    twice = await graph.call("POST", "/$batch", {"requests": [LOOK, LOOK | {"id": 1}]})
    assert error(twice)[0] == 400
    assert error(await graph.call("POST", "/$batch", {"requests": [LOOK | {"id": True}]}))[0] == 400


async def test_json_batching_sample_parts_have_the_headers_of_an_answer(graph: Graph) -> None:
    requests = [LOOK, {"id": "2", "method": "GET", "url": "/users/nobody"}]

    answer = await graph.call("POST", "/$batch", {"requests": requests})

    good, bad = (part["headers"] for part in answer.json()["responses"])
    assert answer.headers["content-type"] == "application/json"
    assert (good["Content-Type"], good["OData-Version"]) == (MINIMAL, "4.0")
    assert (bad["Content-Type"], "OData-Version" in bad) == ("application/json", False)
    assert good["x-ms-resource-unit"] == "1"


async def test_json_batching_members_are_added_by_parts_with_bodies(graph: Graph) -> None:
    body = {"@odata.id": f"{graph.http.base_url}/v1.0/directoryObjects/{GUS}"}
    part = {"id": "1", "method": "POST", "url": f"/groups/{TRAVEL}/members/$ref", "body": body, "headers": JSON}

    answer = await graph.call("POST", "/$batch", {"requests": [part]})

    assert [p["status"] for p in answer.json()["responses"]] == [204]
