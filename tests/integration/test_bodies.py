"""Bodies that are too long: refused on every route before anything reads them, whoever sends them."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from functions import workers
from functions.http import ROUTES
from local.stack import Stack
from tests.integration.conftest import STRANGER, Tenant

MIB = 1024 * 1024
BOUNDARY = "of-the-form"
KINDS = {
    "application/x-www-form-urlencoded": (b"address=", b"%41", b""),
    f"multipart/form-data; boundary={BOUNDARY}": (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="address"\r\n\r\n'.encode(),
        b"A\r\n",
        f"\r\n--{BOUNDARY}--\r\n".encode(),
    ),
    "application/json": (b'{"address": "', b"\\u0041", b'"}'),
}
"""Content types, each with how a body begins, what fills it, and how it ends."""


def body(kind: str, size: int) -> bytes:
    """Nonsense of exactly that size that the kind's parser has to work on."""
    begin, fill, end = KINDS[kind]
    room = size - len(begin) - len(end)
    return begin + (fill * (room // len(fill) + 1))[:room] + end


def routes() -> list[tuple[str, str, str]]:
    """Operation, method and path of every route of the app, those of tomorrow as well."""
    assert workers.PUBLIC, "importing the modules declares the routes"
    guid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    return [(each.name, each.method, re.sub(r"\{[^}]+\}", guid, each.path)) for each in ROUTES]


@pytest.fixture(scope="module")
def every_route() -> list[tuple[str, str, str]]:
    found = routes()
    assert len(found) > 60
    return found


@pytest.fixture
def anybody(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.host_url, timeout=120) as client:
        yield client


def status_kb(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


@contextmanager
def peak_mb(pids: list[int], found: dict[str, float]) -> Iterator[None]:
    """Fills in what the largest process needed before, at most, and after, in MB."""
    found["before"] = max(status_kb(pid, "VmRSS") for pid in pids) / 1000
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew: proc(5)
    yield
    found["peak"] = max(status_kb(pid, "VmHWM") for pid in pids) / 1000
    found["after"] = max(status_kb(pid, "VmRSS") for pid in pids) / 1000


def assert_too_large(answer: httpx.Response, about: str) -> None:
    assert answer.status_code == 413, f"{about}: {answer.status_code} {answer.text[:200]}"
    assert answer.headers["content-type"] == "application/problem+json", about
    assert answer.json()["reason"] == "body-too-large", about
    assert len(answer.content) < 1000, about


def test_no_route_reads_a_body_above_its_limit(
    anybody: httpx.Client, every_route: list[tuple[str, str, str]]
) -> None:
    for kind in KINDS:
        content = body(kind, 256 * 1024 + 1)
        for name, method, path in every_route:
            headers = {"Content-Type": kind, "Accept": "text/html"}
            answer = anybody.request(method, path, content=content, headers=headers)
            if name == "post_import":
                assert answer.status_code == 401
            else:
                assert_too_large(answer, f"{method} {path} {kind}")


@pytest.mark.timeout(400)
def test_a_hundred_megabytes_to_every_route_that_is_open_to_all_are_refused_and_memory_stays_flat(
    stack: Stack,
    anybody: httpx.Client,
    every_route: list[tuple[str, str, str]],
    record_property: Callable[[str, object], None],
) -> None:
    kinds = list(KINDS)
    found: dict[str, float] = {}
    size = 100_000_000
    bodies = {kind: body(kind, size) for kind in kinds}
    # The others check the length in the same place, as the test before this one shows for each.
    open_to_all = {"post_invitation", "post_request", "verify_request", "post_import"}
    # Once without measuring: what the first body of that size leaves behind is the allocator's.
    assert_too_large(
        anybody.post("/api/audits", content=bodies[kinds[0]], headers={"Content-Type": kinds[0]}), "first"
    )
    with peak_mb(stack.worker_pids(), found):
        for name, method, path in (r for r in every_route if r[0] in open_to_all and r[1] != "GET"):
            for kind in kinds:
                answer = anybody.request(method, path, content=bodies[kind], headers={"Content-Type": kind})
                if name == "post_import":
                    assert answer.status_code == 401
                else:
                    assert_too_large(answer, f"{method} {path} {kind}")
        # The worker holds its last message until the next one comes, here as in Azure.
        assert anybody.get("/api/health").status_code == 200
    for key, value in found.items():
        record_property(f"{key} MB", round(value))
    # The platform hands a body over as a whole: its bytes are there some times at once, and nothing made of them.
    assert found["peak"] < found["before"] + 6 * size / 1e6, found
    assert found["after"] < found["before"] + 64, found


def test_the_health_of_the_app_answers_while_large_forms_come_in(stack: Stack, anybody: httpx.Client) -> None:
    kind = list(KINDS)[1]
    content = body(kind, 19 * MIB)
    path = "/api/groups/0f8fad5b-d9cb-469f-a165-70867728950e/invitations"

    def flood() -> None:
        httpx.post(f"{stack.host_url}{path}", content=content, headers={"Content-Type": kind}, timeout=120)

    threads = [threading.Thread(target=flood) for _ in range(8)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    while any(thread.is_alive() for thread in threads):
        slowest = max(slowest, anybody.get("/api/health").elapsed.total_seconds())
    for thread in threads:
        thread.join()
    assert slowest < 10


@pytest.mark.parametrize("kind", ["text/csv", list(KINDS)[1]])
def test_nobody_who_may_not_import_has_a_file_read(tenant: Tenant, kind: str) -> None:
    """The group is looked at first: a file that could not even be read does not matter."""
    content = b"\xff\xfe\x00broken" if kind == "text/csv" else body(kind, 11 * MIB)
    answer = tenant.caller(STRANGER).post(
        f"/api/groups/{tenant.group}/imports", content=content, headers={"Content-Type": kind}
    )
    assert answer.status_code == 403, answer.text


def test_an_owners_file_in_a_form_has_a_limit_of_its_own_and_says_the_other_way(tenant: Tenant) -> None:
    kind = list(KINDS)[1]
    answer = tenant.caller().post(
        f"/api/groups/{tenant.group}/imports", content=body(kind, 11 * MIB), headers={"Content-Type": kind}
    )
    assert answer.status_code == 413, answer.text
    assert answer.json()["reason"] == "file-too-large"
    assert "text/csv" in answer.json()["detail"]
