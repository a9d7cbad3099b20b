"""How long to wait for what. Pure: jitter comes in as a number from 0 to 1."""

from datetime import timedelta


def replication_wait(attempt: int) -> timedelta:
    """Time to wait before asking the directory for a new guest again: 2, 4, 8 … 60 s.

    Seven waits pass 120 s: the id in a 201 from ``POST /invitations`` may answer 404 for minutes.

    Raises:
        ValueError: `attempt` is negative.

    Source: graph contract "Invitations", "Consistency", "Errors" (reported, not in Microsoft's documentation).
    """
    if attempt < 0:
        raise ValueError("attempt counts from 0")
    return timedelta(seconds=min(60, 2 ** (min(attempt, 6) + 1)))


def busy_wait(attempt: int, retry_after: timedelta | None, jitter: float) -> timedelta:
    """Time to wait for a busy directory: never less than `retry_after`, and up to a quarter (at least a
    second) more, so that chunks throttled together do not come back together. Without a ``Retry-After``,
    or where it is zero: 5, 10, 20 … 300 s."""
    base = retry_after or timedelta(seconds=min(300, 5 * 2 ** min(attempt, 6)))
    return base + max(timedelta(seconds=1), base / 4) * jitter


def busy_again_wait(attempt: int, retry_after: timedelta | None, jitter: float) -> timedelta:
    """The same for what has no place in a line and was refused `attempt` times: up to eight times as long. If it came
    back each time as soon as it may, the many that wait could use up all that flows into the limit, for ever."""
    wait = busy_wait(attempt, retry_after, jitter)
    return wait * 2 ** min(attempt, 3) if retry_after else wait
