"""What a path may look like: casts and operations with their namespace, keys, and segments that nobody knows."""

import uuid

import pytest

from tests.simulator.simulated_graph import APP, GUS, TRAVEL, Graph, error


@pytest.mark.parametrize(
    "cast",
    ["microsoft.graph.user", "Microsoft.Graph.User", "MICROSOFT.GRAPH.USER", "microsoft.graph.USER", "graph.user"],
)
async def test_a_cast_is_understood_in_any_case(graph: Graph, cast: str) -> None:
    """Names in a path ignore case, as those of sets and properties do."""
    await graph.add(TRAVEL, GUS)

    answer = await graph.call("GET", f"/groups/{TRAVEL}/members/{cast}?$select=id")

    assert {"id": GUS} in answer.json()["value"]


@pytest.mark.parametrize(
    "delta",
    [
        "delta",
        "delta()",
        "microsoft.graph.delta",
        "microsoft.graph.delta()",
        "Microsoft.Graph.Delta()",
        "graph.delta()",
    ],
)
async def test_a_function_is_called_with_its_namespace_and_parentheses_or_without(graph: Graph, delta: str) -> None:
    """``/users/delta`` in Microsoft's pages, ``/users/delta()`` in its SDKs, the qualified name in OData (4.01, URL
    conventions, "Addressing Functions")."""
    answer = await graph.call("GET", f"/users/{delta}?$select=id")

    assert answer.json()["@odata.deltaLink"], answer.text


@pytest.mark.parametrize("action", ["getMemberGroups", "microsoft.graph.getMemberGroups", "graph.getmembergroups"])
async def test_an_action_is_called_with_its_namespace_or_without(graph: Graph, action: str) -> None:
    answer = await graph.call("POST", f"/users/{GUS}/{action}", {"securityEnabledOnly": False})

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("/users/magic()", "magic"),
        ("/users/microsoft.graph.magic()", "microsoft.graph.magic"),
        ("/users/microsoft.graph.magic", "microsoft.graph.magic"),
        ("/groups/magic()", "magic"),
        (f"/users/{GUS}/magic", "magic"),
        (f"/users/{GUS}/microsoft.graph.magic()", "microsoft.graph.magic"),
        (f"/groups/{TRAVEL}/members()", "members"),
        (f"/groups/{TRAVEL}/microsoft.graph.members", "microsoft.graph.members"),
        ("/magic", "magic"),
    ],
)
async def test_what_nobody_knows_is_400_and_not_gone(graph: Graph, path: str, segment: str) -> None:
    """microsoft-graph-docs #4052, #1914 and others: the text; a 404 would say that an object is gone."""
    assert error(await graph.call("GET", path)) == (
        400,
        "BadRequest",
        f"Resource not found for the segment '{segment}'.",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/groups/{}",
        "/groups/{}/members",
        "/groups('{}')",
        "/servicePrincipals/{}",
        "/servicePrincipals/{}/appRoleAssignedTo",
        "/applications/{}",
        "/directoryObjects/{}",
    ],
)
async def test_a_key_that_is_no_guid_is_no_identifier(graph: Graph, path: str) -> None:
    """microsoft-authentication-library-for-dotnet #1321, microsoft-graph-docs-contrib #3854."""
    assert error(await graph.call("GET", path.format("not-a-guid"))) == (
        400,
        "Request_BadRequest",
        "Invalid object identifier 'not-a-guid'.",
    )
    gone = error(await graph.call("GET", path.format(uuid.uuid4())))
    assert gone[:2] == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    "key", ["nobody", "nobody@contoso.com", "graph.nobody@contoso.com", "c85dca53-a89a-4dcc-a065-7bd05046fae6"]
)
async def test_a_user_may_be_called_by_a_name_and_is_then_not_found(graph: Graph, key: str) -> None:
    """ "Get user": ``/users/{id | userPrincipalName}``."""
    assert error(await graph.call("GET", f"/users/{key}"))[:2] == (404, "Request_ResourceNotFound")


async def test_several_objects_are_asked_for_by_guids(graph: Graph) -> None:
    """microsoft-graph-docs #7063."""
    for ids in (["not-a-guid"], [GUS, "x"], [1]):
        answer = await graph.call("POST", "/directoryObjects/getByIds", {"ids": ids})
        assert error(answer) == (400, "Request_BadRequest", "Invalid GUID specified.")
    answer = await graph.call("POST", "/directoryObjects/microsoft.graph.getByIds", {"ids": [GUS, APP]})
    assert [o["id"] for o in answer.json()["value"]] == [GUS, APP]
