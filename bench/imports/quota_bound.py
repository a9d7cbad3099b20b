"""An import's speed against the theoretical limit of the tenant's quota."""

from bench.imports import quota
from bench.imports.quota import GUESTS, LATENCY_MS, WORKERS, Figures, limit, with_a_loop
from bench.rows import Row

FILES, AREA = quota.FILES, quota.AREA
GOAL, MOST_THROTTLED = 0.97, 0.01


def run(guests: int | None = None) -> list[Row]:
    guests = guests or GUESTS
    most = limit(guests)
    found, _ = with_a_loop(guests)
    value = found.per_second
    ratio, failed = value / most, found.ended.count("failed")
    note = (
        f"{guests:,} guests, {WORKERS} processes, {LATENCY_MS} ms Graph latency, from the upload to the last "
        "member; against 3,000 writes in 150 s, a full bucket first, 1.05 writes a guest"
    )
    return [
        Row("import at the quota", value, "guests/s", most, ratio, f"ratio >= {GOAL}", ratio >= GOAL, note),
        throttled("calls answered 429", found, MOST_THROTTLED),
        Row("guests failed at the quota", failed, "", None, None, "0", failed == 0, f"of {guests:,}"),
    ]


def throttled(name: str, found: Figures, most: float) -> Row:
    """The share of an import's calls that were answered 429."""
    share, note = (
        found.share_throttled,
        f"{found.throttled:,} of {found.calls:,} calls, parts of batches counted singly",
    )
    return Row(name, 100 * share, "%", None, None, f"< {100 * most:g} %", share < most, note)
