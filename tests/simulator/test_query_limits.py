"""How large a filter may be, and what may not stand together in one; each test names where Graph's answer is known
from."""

import pytest

from tests.simulator.simulated_graph import GUS, TRAVEL, Graph, error

ADVANCED = {"ConsistencyLevel": "eventual"}


def any_of(count: int, operand: str = "mail") -> str:
    return " or ".join(f"{operand} eq 'u{n}@x.com'" for n in range(count))


def in_list(count: int) -> str:
    return f"mail in ({','.join(f"'u{n}@x.com'" for n in range(count))})"


async def refused(graph: Graph, condition: str, set_: str = "users") -> tuple[int, str, str]:
    return error(await graph.http.get(f"/v1.0/{set_}", params={"$filter": condition}))


@pytest.mark.parametrize(
    "condition",
    [
        any_of(16),  # a public script has the whole answer
        in_list(16),  # microsoft-graph-docs #21098, known issue 13635
        f"({any_of(8)}) or ({any_of(8)})",  # a chain with parentheses is one chain
        f"otherMails/any(o:{any_of(16, 'o')})",
    ],
)
async def test_more_than_fifteen_alternatives_are_refused(graph: Graph, condition: str) -> None:
    assert await refused(graph, condition) == (
        400,
        "Request_UnsupportedQuery",
        "Too many child clauses specified in search filter expression containing 'OR' operators: 16. "
        "Max allowed: 15.",
    )


@pytest.mark.parametrize("condition", [any_of(15), in_list(15)])
async def test_fifteen_alternatives_are_taken_and_more_as_an_advanced_query(graph: Graph, condition: str) -> None:
    """The issue #21098: with the header "could use more than 15 words"."""
    await graph.listed("/users", condition)
    path, more = "/v1.0/users", condition.replace("u0@", "u16@', 'u17@") if " in " in condition else any_of(16)
    answer = await graph.http.get(path, params={"$filter": more, "$count": "true"}, headers=ADVANCED)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("set_", "condition"),
    [
        # A draft of Microsoft's ("Syntax for using the $filter OData query parameter", last comment).
        (
            "groups",
            "(groupTypes/any(c:c eq 'Unified') and startswith(displayName, 'marketing')) or "
            "(mailEnabled eq false and securityEnabled eq true and startswith(displayName, 'marketing'))",
        ),
        # microsoft-graph-docs #3641.
        (
            "groups",
            "(groupTypes/any(c:c eq 'Unified') or (mailEnabled eq false and securityEnabled eq true)) "
            "and startswith(displayName, 'marketing')",
        ),
        # Yvand/AzureCP, a comment in its source.
        (
            "users",
            "((startswith(userPrincipalName,'x') and userType eq 'Member') or "
            "(startswith(mail,'x') and userType eq 'Guest') or startswith(displayName,'x')) "
            "and accountEnabled eq true",
        ),
        # What Guestlist asked before: an alternative inside a lambda inside alternatives.
        ("users", "mail eq 'x' or proxyAddresses/any(p:p eq 'SMTP:x' or p eq 'smtp:x')"),
    ],
)
async def test_a_filter_of_four_levels_is_refused(graph: Graph, set_: str, condition: str) -> None:
    assert await refused(graph, condition, set_) == (
        400,
        "Request_UnsupportedQuery",
        "Search filter expression has excessive height: 4. Max allowed: 3.",
    )


@pytest.mark.parametrize(
    "condition",
    [
        "accountEnabled eq true and userType eq 'Guest' and mail eq 'a' and displayName eq 'b'",
        "(userType eq 'Guest' and mail eq 'a') or (userType eq 'Member' and displayName eq 'b')",
        "mail eq 'x' or otherMails/any(o:o eq 'x') or proxyAddresses/any(p:p eq 'SMTP:x')",
    ],
)
async def test_a_filter_of_three_levels_is_taken(graph: Graph, condition: str) -> None:
    await graph.listed("/users", condition)


@pytest.mark.parametrize("make", ["displayName eq '{}'", "displayName in ('a','{}')", "startswith(displayName,'{}')"])
async def test_a_value_of_more_than_120_characters_is_compared_as_an_advanced_query_alone(
    graph: Graph, make: str
) -> None:
    """Known issue 13635; the text is microsoft-graph-explorer-v4 #2103."""
    await graph.listed("/users", make.format("x" * 120))
    long = make.format("x" * 121)
    assert await refused(graph, long) == (
        400,
        "Request_UnsupportedQuery",
        "Unsupported or invalid query filter clause specified for property 'displayName' of resource 'User'.",
    )
    answer = await graph.http.get("/v1.0/users", params={"$filter": long, "$count": "true"}, headers=ADVANCED)
    assert answer.status_code == 200


async def test_the_url_of_an_advanced_query_has_2048_characters_at_most(graph: Graph) -> None:
    """Known issue 13635; how Graph answers is UNVERIFIED."""
    for characters, status in ((1500, 200), (2100, 400)):
        params = {"$filter": f"displayName eq '{'x' * characters}'", "$count": "true"}
        assert (await graph.http.get("/v1.0/users", params=params, headers=ADVANCED)).status_code == status


@pytest.mark.parametrize(
    "other", ["otherMails/any(id:id eq 'mary@x.com') or {}", "{} or mail eq 'mary@x.com'", "not({})"]
)
async def test_identities_stand_alone(graph: Graph, other: str) -> None:
    """microsoft-graph-docs #10672, msgraph-beta-sdk-dotnet #614."""
    identity = "identities/any(c:c/issuerAssignedId eq 'mary@x.com' and c/issuer eq 'contoso.com')"

    assert await refused(graph, other.format(identity)) == (
        400,
        "Request_UnsupportedQuery",
        "Complex query on property identities is not supported.",
    )
    await graph.listed("/users", identity)


async def test_an_identity_is_asked_for_with_its_issuer(graph: Graph) -> None:
    """microsoft-graph-docs #7282; resource type objectIdentity."""
    found = await refused(graph, "identities/any(d:d/issuerAssignedId eq 'mary@x.com')")

    assert found[:2] == (400, "Request_UnsupportedQuery")


@pytest.mark.parametrize(
    ("condition", "code", "message"),
    [
        # microsoft-graph-docs #16382; "Use the $filter query parameter": not supported.
        ("imAddresses/all(s:s eq 'admin@contoso.com')", "BadRequest", "Filter not supported."),
        # "Use query parameters to customize PowerShell SDK query outputs"
        (
            "contains(displayName, 'Test')",
            "Request_UnsupportedQuery",
            "Unsupported property filter clause operator 'Contains'.",
        ),
    ],
)
async def test_operators_that_the_directory_does_not_have_are_refused(
    graph: Graph, condition: str, code: str, message: str
) -> None:
    assert await refused(graph, condition) == (400, code, message)


async def test_the_ids_of_a_delta_are_not_counted_as_alternatives(graph: Graph) -> None:
    """ "Get incremental changes for groups": up to 50 objects."""
    ids = " or ".join(f"id eq '{n:08}-0000-4000-8000-000000000000'" for n in range(49))

    answer = await graph.http.get("/v1.0/groups/delta", params={"$filter": f"{ids} or id eq '{TRAVEL}'"})

    assert [g["id"] for g in answer.json()["value"]] == [TRAVEL]


async def test_a_relationship_is_filtered_and_sorted_as_an_advanced_query_alone(graph: Graph) -> None:
    """ "Use of $filter on the relationships […] is supported only with advanced query parameters."."""
    await graph.add(TRAVEL, GUS)
    members = f"/groups/{TRAVEL}/members"
    for path in (members, f"{members}/microsoft.graph.user"):
        for query in ("$filter=startswith(displayName,'Gus')", "$orderby=displayName"):
            assert error(await graph.call("GET", f"{path}?{query}"))[:2] == (400, "Request_UnsupportedQuery")
            answer = await graph.call("GET", f"{path}?{query}&$count=true", **ADVANCED)
            assert GUS in [m["id"] for m in answer.json()["value"]], answer.text
    count = await graph.call("GET", f"{members}/$count?$filter=startswith(displayName,'Gus')", **ADVANCED)
    assert count.text == "1"
