"""What Graph's gateway refuses before the directory is asked: names that a type does not have, literals of another
type than their property."""

import pytest

from tests.simulator.simulated_graph import GUS, Graph, error

GUID = "72f988bf-86f1-41af-91ab-2d7cd011db47"


async def refused(graph: Graph, set_: str, condition: str) -> str:
    """The message of a 400 BadRequest."""
    status, code, message = error(await graph.http.get(f"/v1.0/{set_}", params={"$filter": condition}))
    assert (status, code) == (400, "BadRequest"), message
    return message


@pytest.mark.parametrize(
    ("set_", "condition", "property_", "literal", "operator"),
    [
        ("users", "accountEnabled eq 'true'", "Edm.Boolean", "Edm.String", "Equal"),
        ("users", "accountEnabled eq 1", "Edm.Boolean", "Edm.Int32", "Equal"),
        (
            "users",
            "createdDateTime ge '2026-01-01T00:00:00Z'",
            "Edm.DateTimeOffset",
            "Edm.String",
            "GreaterThanOrEqual",
        ),
        ("users", "createdDateTime le 20260101", "Edm.DateTimeOffset", "Edm.Int32", "LessThanOrEqual"),
        ("users", f"id eq {GUID}", "Edm.String", "Edm.Guid", "Equal"),
        ("users", f"id in ({GUID})", "Edm.String", "Edm.Guid", "Equal"),
        ("users", "mail eq 5", "Edm.String", "Edm.Int32", "Equal"),
        ("users", "mail eq true", "Edm.String", "Edm.Boolean", "Equal"),
        ("users", "otherMails eq 'a@x.com'", "Collection(Edm.String)", "Edm.String", "Equal"),
        ("users", "otherMails/any(o:o eq 1)", "Edm.String", "Edm.Int32", "Equal"),
        ("users", f"assignedLicenses/any(s:s/skuId eq '{GUID}')", "Edm.Guid", "Edm.String", "Equal"),
        ("users", "signInActivity eq 'x'", "microsoft.graph.signInActivity", "Edm.String", "Equal"),
        (
            "users",
            "signInActivity/lastSignInDateTime le '2026-01-01'",
            "Edm.DateTimeOffset",
            "Edm.String",
            "LessThanOrEqual",
        ),
        ("servicePrincipals", f"appOwnerOrganizationId eq '{GUID}'", "Edm.Guid", "Edm.String", "Equal"),
    ],
)
async def test_a_literal_of_another_type_is_refused(
    graph: Graph, set_: str, condition: str, property_: str, literal: str, operator: str
) -> None:
    """msgraph-sdk-powershell #515 and microsoft-graph-docs #3044 (quoted booleans); "GUID and DateTimeOffset values
    aren't enclosed in quotes" ("Use the $filter query parameter"); the text is that of Microsoft's OData library, as
    Graph gives it on for mail."""
    assert await refused(graph, set_, condition) == (
        "Invalid filter clause: A binary operator with incompatible types was detected. Found operand types "
        f"'{property_}' and '{literal}' for operator kind '{operator}'."
    )


@pytest.mark.parametrize(
    ("set_", "condition"),
    [
        ("users", "accountEnabled eq true"),
        ("users", "createdDateTime ge 2026-01-01T00:00:00Z"),
        ("users", "createdDateTime ge 2026-01-01"),
        ("users", f"id eq '{GUID}'"),
        ("users", f"assignedLicenses/any(s:s/skuId eq {GUID})"),
        ("users", "signInActivity/lastSignInDateTime le 2026-01-01T00:00:00Z"),
    ],
)
async def test_a_literal_of_the_propertys_type_is_taken(graph: Graph, set_: str, condition: str) -> None:
    await graph.listed(f"/{set_}", condition)


async def test_functions_take_texts_alone(graph: Graph) -> None:
    """pnp/cli-microsoft365 #6064."""
    for condition in ("startsWith(accountEnabled,'t')", "startswith(otherMails,'a')"):
        assert await refused(graph, "users", condition) == (
            "Invalid filter clause: No function signature for the function with name 'startsWith' matches the "
            "specified arguments. The function signatures considered are: startsWith(Edm.String Nullable=true, "
            "Edm.String Nullable=true)."
        )


async def test_only_a_collection_is_looked_through(graph: Graph) -> None:
    """The text is that of Microsoft's OData library."""
    message = await refused(graph, "users", "mail/any(m:m eq 'a')")

    assert message == "Invalid filter clause: Any/All may only be used following a collection."


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "$filter=magic eq 'x'",
            "Invalid filter clause: Could not find a property named 'magic' on type 'microsoft.graph.user'.",
        ),
        (
            "$filter=assignedLicenses/any(a:a/magic eq 'x')",
            "Invalid filter clause: Could not find a property named 'magic' on type "
            "'microsoft.graph.assignedLicense'.",
        ),
        ("$orderby=magic", "Could not find a property named 'magic' on type 'microsoft.graph.user'."),
        (
            "$select=magic",
            "Parsing OData Select and Expand failed: Could not find a property named 'magic' on type "
            "'microsoft.graph.user'.",
        ),
        # msgraph-sdk-powershell #2103
        (
            "$expand=magic",
            "Parsing OData Select and Expand failed: Could not find a property named 'magic' on type "
            "'microsoft.graph.user'.",
        ),
    ],
)
async def test_a_name_that_the_type_does_not_have_is_refused(graph: Graph, query: str, message: str) -> None:
    assert error(await graph.call("GET", f"/users?{query}")) == (400, "BadRequest", message)


async def test_names_of_properties_are_understood_in_any_case(graph: Graph) -> None:
    """microsoft-graph-docs #3044: ``AccountEnabled eq true`` works."""
    found = await graph.listed("/users", "AccountEnabled eq true and MAIL eq 'gus@adatum.com'", **{"$select": "ID"})

    assert found == [{"id": GUS}]
    sorted_ = (await graph.call("GET", "/users?$orderby=DISPLAYNAME desc&$select=displayName")).json()["value"]
    names = [u["displayName"] for u in sorted_]
    assert names == sorted(names, key=str.casefold, reverse=True)
