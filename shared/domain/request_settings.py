"""How join requests are guarded."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` within each window of time."""

    most: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """`public_url` is where people reach Guestlist from outside, without a slash at its end: the links in its mails
    begin with it. Without it nobody can ask to join. The limits hold for all instances together. `trusted_proxies` is
    how many proxies a request from outside passes, App Service's own front end included."""

    public_url: str | None = None
    proof_kept: timedelta = timedelta(hours=24)
    kept: timedelta = timedelta(days=30)
    of_address: Limit = Limit(3, timedelta(days=1))
    of_source: Limit = Limit(20, timedelta(hours=1))
    of_group: Limit = Limit(200, timedelta(hours=1))
    trusted_proxies: int = 1
