"""Graph's limits (graph contract "Throttling"): token buckets for resource units and writes, and the headers that
tell of them."""

import math
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import NamedTuple

from .clock import monotonic, now
from .errors import TOO_MANY_INNER, GraphError
from .odata.query import Query
from .settings import Throttling

# Above this share of a limit the answer says how much is used; beyond 1.8 it counts no further.
_TELL_FROM, _TELL_UP_TO = 0.8, 1.8


@dataclass(slots=True)
class Bucket:
    """Fills evenly; what is asked while it is empty counts too (a debt up to 0.8 of the capacity)."""

    capacity: float
    period_s: float
    level: float
    filled: float

    def take(self, cost: float) -> tuple[bool, float, float]:
        """(granted, share of the limit in use, seconds until the cost would be granted)."""
        moment = monotonic()
        rate = self.capacity / self.period_s
        self.level = min(self.capacity, self.level + (moment - self.filled) * rate)
        self.filled = moment
        granted = self.level >= cost
        self.level = max(self.level - cost, self.capacity * (1 - _TELL_UP_TO))
        return granted, 1 - self.level / self.capacity, 0 if granted else (cost - self.level) / rate


class _Limit(NamedTuple):
    scope: str
    kind: str
    key: str
    capacity: float
    period_s: float
    cost: float = 1


def units(base: int, query: Query) -> int:
    """Resource units of a request: its base cost, changed by $select, $expand and a small $top; at least 1."""
    is_small = query.top is not None and query.top < 20
    return max(base - bool(query.select) + (query.expand is not None) - is_small, 1)


class Throttle:
    """All buckets of the simulator; a bucket belongs to a limit's figures, so changed settings start anew."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, str, float, float], Bucket] = {}

    def charge(
        self,
        rules: Throttling,
        *,
        app_id: str,
        tenant_id: str,
        users: int,
        units: int,
        is_write: bool,
        is_audit: bool,
    ) -> dict[str, str]:
        """Take the cost from every bucket; the headers for the answer. Raises GraphError: 429 with Retry-After and
        the x-ms-throttle headers, from the first limit reached."""
        highest, refused = 0.0, None
        for limit in _limits(rules, app_id, tenant_id, users, units, is_write, is_audit):
            key = limit[:-1]
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = Bucket(limit.capacity, limit.period_s, limit.capacity, monotonic())
            granted, share, wait_s = bucket.take(limit.cost)
            highest = max(highest, share)
            if not granted and refused is None:
                refused = (limit, wait_s)
        headers = {"x-ms-resource-unit": str(units)}
        if highest > _TELL_FROM:
            headers["x-ms-throttle-limit-percentage"] = f"{min(highest, _TELL_UP_TO):.2f}"
        if refused is not None:
            limit, wait_s = refused
            headers |= {
                "x-ms-throttle-scope": f"{limit.scope}/{limit.kind}/{app_id}/{tenant_id}",
                "x-ms-throttle-information": f"{'Write' if limit.kind == 'Write' else 'ResourceUnit'}LimitExceeded",
            }
            raise too_many(rules, wait_s, headers)
        return headers


def too_many(rules: Throttling, wait_s: float, headers: dict[str, str] | None = None) -> GraphError:
    """A 429 in the form of Microsoft's sample."""
    seconds = rules.retry_after_s if rules.retry_after_s is not None else max(1, math.ceil(wait_s))
    moment = format_datetime(now() + timedelta(seconds=seconds), usegmt=True)
    said = {"seconds": str(seconds), "http-date": moment, "zero": "0"}.get(rules.retry_after_form)
    after = {} if said is None else {"Retry-After": said}
    text = "Please retry again later."
    return GraphError(429, rules.code, text, headers={**(headers or {}), **after}, inner=dict(TOO_MANY_INNER))


def _limits(
    rules: Throttling, app: str, tenant: str, users: int, units: int, is_write: bool, is_audit: bool
) -> list[_Limit]:
    size = rules.size
    if size == "auto":
        size = "S" if users < 50 else "M" if users <= 500 else "L"
    of_size = {"S": rules.units_s, "M": rules.units_m, "L": rules.units_l}[size]
    both, r = f"{app}/{tenant}", rules
    limits = [
        _Limit("Tenant_Application", "ReadWrite", both, of_size, r.units_period_s, units),
        _Limit("Application", "ReadWrite", app, r.app_units, r.app_units_period_s, units),
        _Limit("Application", "Read", app, r.app_requests, r.app_requests_period_s),
    ]
    if is_write:
        limits += [
            _Limit("Tenant_Application", "Write", both, r.app_tenant_writes, r.app_tenant_writes_period_s),
            _Limit("Application", "Write", app, r.app_writes, r.app_writes_period_s),
            _Limit("Tenant", "Write", tenant, r.tenant_writes, r.tenant_writes_period_s),
        ]
    if is_audit:
        key, period_s = f"audit/{both}", r.audit_requests_period_s
        limits.append(_Limit("Tenant_Application", "Read", key, r.audit_requests, period_s))
    return limits
