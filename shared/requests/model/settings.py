"""How join requests are guarded."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` within each window of time."""

    most: int
    window: timedelta

    def ends(self, now: datetime) -> datetime:
        """When the window of now is over: windows begin at whole multiples of their length."""
        seconds = self.window.total_seconds()
        return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC)


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """`public_url` is where people reach Guestlist from outside, without a slash at its end: the links in its mails
    begin with it. Without it nobody can ask to join. The limits hold for all instances together. `trusted_proxies` is
    how many proxies a request from outside passes, App Service's own front end included.

    `of_mailbox` counts for all groups; who is over it, or over `of_address`, is not told. What is over `of_group`
    waits for the next hour. `admitted` is how many the policy `open` lets into a group by itself; for others a person
    decides. Those who decide hear of requests every `digest_every` at most. `ended_retention` is how long a request
    is kept after the last that happened to it."""

    public_url: str | None = None
    proof_retention: timedelta = timedelta(hours=24)
    kept: timedelta = timedelta(days=30)
    of_address: Limit = Limit(3, timedelta(days=1))
    of_mailbox: Limit = Limit(6, timedelta(days=1))
    of_source: Limit = Limit(20, timedelta(hours=1))
    of_source_in_day: Limit = Limit(100, timedelta(days=1))
    of_domain: Limit = Limit(200, timedelta(days=1))
    of_tenant: Limit = Limit(2000, timedelta(days=1))
    of_group: Limit = Limit(200, timedelta(hours=1))
    admitted: Limit = Limit(50, timedelta(days=1))
    digest_every: timedelta = timedelta(hours=1)
    ended_retention: timedelta = timedelta(days=180)
    trusted_proxies: int = 1
