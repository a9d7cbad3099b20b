"""Route templates as ASP.NET Core has them, and the order in which the host tries them (checklist 3)."""

from __future__ import annotations

import pytest

from local.host.engine import IndexedFunction
from local.host.errors import StartError
from local.host.functions import describe
from local.host.routes import Routes, Template, decode_path


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("a/b", "/a/b", {}),
        ("a/b", "/A/B/", {}),
        ("a/b", "/a", None),
        ("a/b", "/a/b/c", None),
        ("a/b", "/a//b", None),
        ("{x}", "/1", {"x": "1"}),
        ("{x}", "/", None),
        ("a/{x}", "/a//", None),
        ("a/{*rest}", "/a/b/c d/", {"rest": "b/c d/"}),
        ("a/{*rest}", "/a//b", None),
        ("a/{*rest}", "/a/b//c", {"rest": "b//c"}),
        ("", "/", {}),
        ("/", "/", {}),
        ("/", "/a", None),
        ("/a/", "/a", {}),
        ("a/{*rest}", "/a", {}),
    ],
)
def test_a_template_matches_the_paths_it_means(template: str, path: str, values: dict[str, str] | None) -> None:
    assert Template.parse(template).match(path) == values


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("a/{x", "more than this host takes"),
        ("a//b", "empty segment"),
        ("//a", "empty segment"),
        ("{x}/{X}", "name appears twice"),
        ("{*x}/a", "a catch-all must be last"),
        ("a{*x}", "more than this host takes"),
        ("{x}{y}", "more than this host takes"),
        ("{x?}", "more than this host takes"),
        ("{x=9}", "more than this host takes"),
        ("{x:int}", "more than this host takes"),
        ("{}", "more than this host takes"),
    ],
)
def test_a_template_that_means_nothing_is_refused(template: str, reason: str) -> None:
    with pytest.raises(StartError, match=reason):
        Template.parse(template)


def http_function(name: str, route: str, *methods: str) -> IndexedFunction:
    binding = {"type": "httpTrigger", "name": "req", "route": route, "methods": methods, "authLevel": "anonymous"}
    return IndexedFunction(name, name, (binding,))


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/a%20b%41", "/a bA"),
        ("/%C3%A9%2F%2f", "/é%2F%2f"),
        ("/%e9%c3%a9%FF", "/%E9é%FF"),
        ("/%252F/%zz/100%", "/%2F/%zz/100%"),
        ("/a/./b/../c", "/a/c"),
        ("/a/%2e%2E/b", "/b"),
        ("/../a/..", "/"),
        ("/a/.", "/a/"),
        ("/a/.b/..c", "/a/.b/..c"),
    ],
)
def test_a_path_is_decoded_but_for_its_slashes(raw: str, path: str) -> None:
    assert decode_path(raw) == path


def test_templates_are_tried_by_the_names_of_their_functions_in_upper_case() -> None:
    # In ASCII "_" lies between "Z" and "a": what counts is that names are compared as upper case.
    names = ["page_b", "pageA", "PAGE1", "page-c", "page", "pagez"]
    functions = describe([http_function(name, name) for name in names], {})
    found = [function.name for _, function, _ in Routes(functions, "").entries]
    assert found == ["page", "page-c", "PAGE1", "pageA", "pagez", "page_b"]


def test_a_template_of_an_earlier_name_shadows_a_more_special_one() -> None:
    functions = describe([http_function("special", "a/{x}/y"), http_function("general", "a/{x}/{y}")], {})
    found = Routes(functions, "api").find("GET", "/api/a/1/y")
    assert found is not None
    assert (found[0].name, found[2]) == ("general", {"x": "1", "y": "y"})


def test_a_wrong_method_is_no_match() -> None:
    functions = describe([http_function("get", "{x}", "GET"), http_function("put", "a", "PUT")], {})
    routes = Routes(functions, "")
    found = routes.find("PUT", "/a")
    assert found is not None
    assert found[0].name == "put"
    assert routes.find("HEAD", "/a") is None


def test_a_prefix_and_a_leading_slash_make_an_empty_segment() -> None:
    with pytest.raises(StartError, match="empty segment"):
        Routes(describe([http_function("get", "/a")], {}), "api")


def test_a_disabled_function_still_takes_what_its_template_fits() -> None:
    functions = describe(
        [http_function("first", "{x}"), http_function("second", "a")], {"AzureWebJobs.first.Disabled": "true"}
    )
    found = Routes(functions, "").find("GET", "/a")
    assert found is not None
    assert found[0].disabled
