"""Metrics in the hands of a test."""

from typing import Any

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

COUNTERS = {
    *("guestlist.guests", "guestlist.graph.requests", "guestlist.refusals", "guestlist.invitations"),
    *("guestlist.guest_domains", "guestlist.memberships"),
}

type Points = dict[tuple[str, ...], Any]
"""By the metric's name and the values of its attributes, in the order of their names."""

_shared: list[InMemoryMetricReader] = []


class Meter:
    """What was told since the test began. OpenTelemetry takes one provider in a process: all tests share it."""

    def __init__(self) -> None:
        if not _shared:
            _shared.append(InMemoryMetricReader())
            metrics.set_meter_provider(MeterProvider([_shared[0]]))
        self._before = self._read()

    @staticmethod
    def _read() -> Points:
        data = _shared[0].get_metrics_data()
        return {
            (metric.name, *(str(v) for _, v in sorted((point.attributes or {}).items()))): point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        }

    def told(self) -> dict[tuple[str, ...], float]:
        """Counters by how much they grew (histograms: how many values), gauges by what they say now."""
        found: dict[tuple[str, ...], float] = {}
        for key, point in self._read().items():
            before = self._before.get(key)
            if hasattr(point, "count"):
                grown = point.count - (before.count if before is not None else 0)
            elif key[0] in COUNTERS or ".audit" in key[0]:
                grown = point.value - (before.value if before is not None else 0)
            else:
                found[key] = point.value
                continue
            if grown:
                found[key] = grown
        return found
