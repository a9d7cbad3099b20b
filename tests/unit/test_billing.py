"""What Azure bills for what the cost benchmark counted."""

import pytest

from bench.billing import Prices, Run, by_meter, gigabyte_seconds, runs_in


def runs(*spans: tuple[str, float, float]) -> list[Run]:
    return [Run(name, end, end - start) for name, start, end in spans]


@pytest.mark.parametrize(
    ("spans", "billed_s"),
    [
        ([("a", 0, 10)], 1),  # the least
        ([("a", 0, 1000)], 1),
        ([("a", 0, 1001)], 1.1),  # then by 100 ms
        ([("a", 0, 900), ("a", 100, 2500)], 2.5),  # side by side in one instance
        ([("a", 0, 900), ("a", 100, 300), ("a", 800, 1200)], 1.2),
        ([("a", 0, 100), ("a", 200, 300)], 2),  # again after a pause
        ([("a", 0, 100), ("b", 0, 100)], 2),  # each queue's function has an instance of its own
        ([("get", 0, 100), ("post", 50, 1500)], 1.5),  # those of HTTP have one together
        ([], 0),
    ],
)
def test_an_instance_is_billed_while_it_executes_anything(
    spans: list[tuple[str, float, float]], billed_s: float
) -> None:
    # 2,048 MB for a second are two GB-seconds: the platform counts 1,024,000 MB-milliseconds as one.
    assert gigabyte_seconds(runs(*spans), http={"get", "post"}) == pytest.approx(2 * billed_s)


def test_executions_are_read_from_the_lines_of_a_host() -> None:
    log = (
        "[2026-03-02T09:00:01.250Z] Executed 'Functions.invite_chunk' (Succeeded, Id=0-1, Duration=250ms)\n"
        "[2026-03-02T09:00:01.300Z] later: the directory is busy\n"
        "[2026-03-02T09:00:02.000Z] Executed 'Functions.sweep' (Failed, Id=0-2, Duration=1ms): error\n"
    )

    first, second = runs_in(log)

    assert (first.function, first.took, second.function) == ("invite_chunk", 250, "sweep")
    assert second.ended - first.ended == 750


def test_requests_are_billed_by_service_and_blobs_by_kind() -> None:
    counted = {"table GET /Invitations": 2, "table POST /$batch": 3, "blob PUT /imports": 1, "blob GET /imports": 4}

    assert by_meter(counted) == {"table": 5, "blob-write": 1, "blob-read": 4}


def test_every_price_says_where_it_is_from() -> None:
    prices = Prices.read()

    assert prices.of({"mail": 1000}) == pytest.approx(0.25)
    assert prices.of({"table": 10_000, "queue": 10_000}) == pytest.approx(0.00436)
    with pytest.raises(KeyError):
        prices.of({"lunch": 1})
