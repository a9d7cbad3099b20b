"""Options of a list: pages, order, search and expansion, refused and answered as Graph does."""

import pytest

from tests.simulator.simulated_graph import APP, GUS, OLIVIA, TRAVEL, Graph, error

ADVANCED = {"ConsistencyLevel": "eventual"}


@pytest.mark.parametrize("path", ["/users", "/groups", f"/groups/{TRAVEL}/members"])
@pytest.mark.parametrize("top", [0, 1000])
async def test_a_page_has_one_to_999_objects(graph: Graph, path: str, top: int) -> None:
    """List users: "the maximum page size is 999"."""
    assert error(await graph.call("GET", f"{path}?$top={top}")) == (
        400,
        "Request_UnsupportedQuery",
        f"Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive.",
    )
    assert (await graph.call("GET", f"{path}?$top=999")).status_code == 200


@pytest.mark.parametrize("top", ["-1", "many"])
async def test_a_page_size_is_a_number(graph: Graph, top: str) -> None:
    """The text is that of Microsoft's OData library."""
    status, code, message = error(await graph.call("GET", f"/users?$top={top}"))

    assert (status, code) == (400, "BadRequest")
    assert message.startswith(f"Invalid value '{top}' for $top query option found.")


@pytest.mark.parametrize("path", ["/users?$top=1&", "/groups?", f"/groups/{TRAVEL}/members?", "/servicePrincipals?"])
async def test_the_directory_skips_nothing(graph: Graph, path: str) -> None:
    """microsoft-graph-docs #9279, msgraph-sdk-php #1467 (members)."""
    assert error(await graph.call("GET", f"{path}$skip=1")) == (
        400,
        "Request_BadRequest",
        "'$skip' is not supported by the service.",
    )


async def test_messages_are_skipped(graph: Graph) -> None:
    """ "Use query parameters": messages take ``$skip``."""
    messages = "/users/guestlist@contoso.com/messages"
    for n in range(3):
        assert (await graph.call("POST", messages, {"subject": str(n)})).status_code == 201
    everything = (await graph.call("GET", messages)).json()["value"]

    assert (await graph.call("GET", f"{messages}?$skip=2")).json()["value"] == everything[2:]


@pytest.mark.parametrize(
    "path", ["/groups?$filter=startswith(displayName, 'a')&$count=true&$top=1&$orderby=displayName"]
)
async def test_what_is_filtered_is_sorted_as_an_advanced_query_alone(graph: Graph, path: str) -> None:
    """microsoft-graph-docs-contrib #4187."""
    assert error(await graph.call("GET", path)) == (
        400,
        "Request_UnsupportedQuery",
        "Sorting not supported for current query.",
    )
    assert (await graph.call("GET", path, **ADVANCED)).status_code == 200


async def test_a_property_that_is_sorted_by_as_an_advanced_query_says_so(graph: Graph) -> None:
    """microsoft-graph-docs-contrib #1354."""
    path = "/users?$select=createdDateTime&$orderby=createdDateTime desc"
    assert error(await graph.call("GET", path)) == (
        400,
        "Request_UnsupportedQuery",
        "Unsupported sort property 'createdDateTime' for 'User'.",
    )
    assert (await graph.call("GET", f"{path}&$count=true", **ADVANCED)).status_code == 200


NAMES = ["One Video", "OneVideo", "one-video", "Two videos", "Video", "Drive 365"]


@pytest.fixture
async def videos(graph: Graph) -> Graph:
    groups = [
        {
            "id": f"00000777-0000-4000-8000-00000000000{n}",
            "displayName": name,
            "description": f"description {n}",
            "mailEnabled": n % 2 == 0,
            "mail": f"m{n}@contoso.com",
        }
        for n, name in enumerate(NAMES)
    ]
    await graph.control("POST", "/seed", {"groups": groups})
    return graph


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ('"displayName:OneVideo"', {"One Video", "OneVideo", "one-video"}),
        ('"displayName:onevideo"', {"OneVideo", "one-video"}),
        ('"displayName:video one"', {"One Video", "OneVideo", "one-video"}),
        ('"displayName:vid"', {"One Video", "OneVideo", "one-video", "Two videos", "Video"}),
        ('"displayName:ideo"', set()),
        ('"displayName:365"', {"Drive 365"}),
        ('"displayName:Drive" OR "mail:m4@"', {"Drive 365", "Video"}),
        ('"mail:4@contoso.com"', set()),
        ('"description:4" AND ("displayName:Video" OR "displayName:Drive")', {"Video"}),
        ('"displayName:drive" OR "displayName:two" AND "description:0"', {"Drive 365"}),
    ],
)
async def test_a_search_finds_words_in_names_and_beginnings_elsewhere(
    videos: Graph, search: str, found: set[str]
) -> None:
    """ "Use the $search query parameter", "Using $search on directory object collections": the examples' forms; no
    ``$count`` is needed."""
    answer = await videos.http.get("/v1.0/groups", params={"$search": search}, headers=ADVANCED)

    assert {g["displayName"] for g in answer.json()["value"]} == found


async def test_a_search_stands_beside_a_filter_and_an_order(videos: Graph) -> None:
    """The same page: "``$search`` can be used together with ``$filter``"."""
    options = {"$search": '"displayName:OneVideo"', "$filter": "mailEnabled eq true", "$orderby": "displayName desc"}

    answer = await videos.http.get("/v1.0/groups", params=options, headers=ADVANCED)

    assert [g["displayName"] for g in answer.json()["value"]] == ["one-video", "One Video"]


@pytest.mark.parametrize(
    "search",
    ["displayName:video", '"video"', '"displayName:"', '"displayName:a" or "displayName:b"', '("displayName:a"'],
)
async def test_a_search_without_quotes_or_a_property_is_refused(graph: Graph, search: str) -> None:
    answer = await graph.http.get("/v1.0/groups", params={"$search": search}, headers=ADVANCED)

    status, code, message = error(answer)
    assert (status, code) == (400, "BadRequest")
    assert message.startswith("Syntax error: ")


async def test_only_what_can_be_filtered_can_be_searched(graph: Graph) -> None:
    """The same page; the text is microsoft-graph-docs #13246."""
    answer = await graph.http.get("/v1.0/groups", params={"$search": '"theme:Teal"'}, headers=ADVANCED)

    assert error(answer) == (400, "Request_UnsupportedQuery", "An unsupported property was specified.")


async def test_lists_and_single_objects_are_expanded_alike(graph: Graph) -> None:
    """Resource page of group: "``$expand=members($select=id,userPrincipalName,displayName)``"."""
    await graph.add(TRAVEL, GUS)
    query = "$select=id,displayName&$expand=members($select=id,userPrincipalName,displayName)"

    listed = (await graph.call("GET", f"/groups?$filter=id eq '{TRAVEL}'&{query}")).json()
    single = (await graph.call("GET", f"/groups/{TRAVEL}?{query}")).json()

    [group] = listed["value"]
    assert group["members"] == single["members"]
    assert [m for m in group["members"] if m["id"] == GUS] == [
        {
            "@odata.type": "#microsoft.graph.user",
            "id": GUS,
            "userPrincipalName": "gus_adatum.com#EXT#@contoso.onmicrosoft.com",
            "displayName": "Gus Guest",
        }
    ]
    assert group.keys() == {"id", "displayName", "members"}
    assert "members(id,userPrincipalName,displayName)" in listed["@odata.context"]


@pytest.mark.parametrize(
    ("path", "name", "holds"),
    [
        ("/users", "memberOf", TRAVEL),
        ("/users", "ownedObjects", TRAVEL),
        ("/groups", "owners", OLIVIA),
        ("/servicePrincipals", "owners", None),
        ("/applications", "owners", None),
    ],
)
async def test_each_object_of_a_list_has_what_it_links_to(
    graph: Graph, path: str, name: str, holds: str | None
) -> None:
    await graph.add(TRAVEL, GUS)

    found = (await graph.call("GET", f"{path}?$expand={name}")).json()["value"]

    assert all(isinstance(item[name], list) for item in found)
    behind = {other["id"] for item in found for other in item[name]}
    assert behind >= ({holds} if holds else set())


async def test_twenty_objects_are_expanded_at_most(graph: Graph) -> None:
    """ "Use query parameters": "typically returns a maximum of 20 items […] and has no @odata.nextLink"."""
    users = [{"id": f"00000888-0000-4000-8000-0000000000{n:02}", "mail": f"u{n}@x.com"} for n in range(25)]
    group = {"id": "00000889-0000-4000-8000-000000000000", "displayName": "Big", "members": [u["id"] for u in users]}
    await graph.control("POST", "/seed", {"users": users, "groups": [group]})

    [found] = await graph.listed("/groups", "displayName eq 'Big'", **{"$expand": "members"})

    assert len(found["members"]) == 20


@pytest.mark.parametrize(
    ("expand", "message"),
    [
        # microsoft-graph-docs #96
        (
            "manager,memberOf",
            "The result of parsing $expand contained at least 2 items, but the maximum allowed is 1.",
        ),
        ("memberOf($filter=startswith(displayName,'a'))", None),
        ("memberOf($expand=owners)", None),
        ("memberOf(", None),
        ("magic", None),
    ],
)
@pytest.mark.parametrize("path", ["/users", f"/users/{GUS}", f"/groups/{TRAVEL}", f"/servicePrincipals/{APP}"])
async def test_one_relationship_is_expanded_one_level_deep(
    graph: Graph, path: str, expand: str, message: str | None
) -> None:
    """Known issue 13635: one level, "no support for nesting other query parameters"."""
    answer = await graph.http.get(f"/v1.0{path}", params={"$expand": expand})

    assert error(answer)[:2] == (400, "BadRequest")
    assert message is None or error(answer)[2] == message


async def test_with_an_expansion_no_advanced_query_is_run(graph: Graph) -> None:
    """microsoft-graph-docs-contrib #9095: the very text."""
    query = "$count=true&$expand=memberOf&$filter=employeeType eq 'opt1'&$select=userPrincipalName"

    assert error(await graph.call("GET", f"/users?{query}", **ADVANCED)) == (
        400,
        "Request_UnsupportedQuery",
        "Unsupported or invalid query filter clause specified for property 'employeeType' of resource 'User'.",
    )
    without = query.replace("&$expand=memberOf", "")
    assert (await graph.call("GET", f"/users?{without}", **ADVANCED)).status_code == 200


async def test_links_are_counted_in_a_filter(graph: Graph) -> None:
    """Resource page of group: owners "Supports ``$filter`` (``/$count eq 0`` …)"."""
    options = {"$count": "true", "$select": "id"}
    counted = {}
    for condition in ("owners/$count eq 0", "owners/$count ne 0"):
        answer = await graph.http.get("/v1.0/groups", params={"$filter": condition, **options}, headers=ADVANCED)
        counted[condition] = {g["id"] for g in answer.json()["value"]}

    for group in set.union(*counted.values()):
        owners = (await graph.call("GET", f"/groups/{group}/owners")).json()["value"]
        assert (group in counted["owners/$count eq 0"]) is not bool(owners)
    assert TRAVEL in counted["owners/$count ne 0"]


async def test_what_is_not_covered_is_refused_and_logged_loudly(graph: Graph) -> None:
    for query in ("$expand=drive", "$filter=createdObjects/any(c:c/id eq 'x')&$count=true"):
        assert error(await graph.call("GET", f"/users?{query}", **ADVANCED))[0] == 400
    assert len([entry for entry in await graph.control("GET", "/log") if "no such" in entry["what"]]) == 2
