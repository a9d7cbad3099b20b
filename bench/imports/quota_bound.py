"""An import's speed against the theoretical limit of the tenant's quota."""

from bench.imports.quota import GUESTS, LATENCY_MS, WORKERS, figures
from bench.rows import Row

GOAL, MOST_THROTTLED = 0.97, 0.01


def run(guests: int | None = None) -> list[Row]:
    found = figures(guests or GUESTS)
    value, limit = found.per_second, found.limit
    if limit == float("inf"):
        raise ValueError("so few guests are less than the quota's burst: nothing limits them but the machine")
    ratio, throttled = value / limit, found.throttled / found.calls
    failed = found.ended.count("failed")
    note = (
        f"{found.guests:,} guests, {WORKERS} processes, {LATENCY_MS} ms Graph latency, from the upload to the last "
        "member; against 3,000 writes in 150 s, a full bucket first, 1.05 writes a guest"
    )
    share = f"{found.throttled:,} of {found.calls:,} calls, parts of batches counted singly"
    return [
        Row("import at the quota", value, "guests/s", limit, ratio, f"ratio >= {GOAL}", ratio >= GOAL, note),
        Row(
            "calls answered 429",
            100 * throttled,
            "%",
            None,
            None,
            f"< {100 * MOST_THROTTLED:g} %",
            throttled < MOST_THROTTLED,
            share,
        ),
        Row("guests failed at the quota", failed, "", None, None, "0", failed == 0, f"of {found.guests:,}"),
    ]
