"""Metrics: a registry of our own, and counters that hot code keeps as plain integers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from anyio import to_thread
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from widget.telemetry.definitions import DEFINITIONS, Definition

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

# (metric name, label values, value): what a source yields when it is read
Sample = tuple[str, tuple[str, ...], float]
Source = Callable[[], Iterable[Sample]]
Series = tuple[str, tuple[str, ...]]


_READ_COUNTERS = frozenset(each.name for each in DEFINITIONS if each.source and each.kind == "counter")


class Metrics:
    """The one registry of a process: what is recorded when it happens, and sources that are read at each scrape.

    Settings that are read again replace an application while the process goes on, and a counter must never fall: the
    counters of a source that is removed are kept.
    """

    def __init__(self, *, version: str = "") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per label set, which no alert of ours reads
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._sources: list[Source] = []
        self._kept: dict[Series, float] = defaultdict(float)
        self._process = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        self.registry = CollectorRegistry(auto_describe=False)
        for each in DEFINITIONS:
            if not each.source:
                self._define(each, version)
        self.registry.register(_Sources(self._read))

    def add_source(self, source: Source) -> None:
        """Read `source` at each scrape, on the event loop; it yields samples of `source` definitions.

        Counters of one label set from several sources are added up; of a gauge the source that was added last counts.
        The source must not block.
        """
        self._sources.append(source)

    def remove_source(self, source: Source) -> None:
        """Read `source` a last time and keep its counters; its gauges end. One that is not there changes nothing."""
        if source not in self._sources:
            return
        self._sources.remove(source)
        for name, labels, value in source():
            if name in _READ_COUNTERS:
                self._kept[name, labels] += value

    def _read(self) -> dict[Series, float]:
        found = self._kept.copy()
        for source in tuple(self._sources):
            for name, labels, value in source():
                found[name, labels] = value + (found[name, labels] if name in _READ_COUNTERS else 0.0)
        return found

    async def render(self) -> bytes:
        """Return the Prometheus text. The process' own figures are files in /proc, so a thread reads them."""
        return generate_latest(self.registry) + await to_thread.run_sync(generate_latest, self._process)

    def ece_call(self, call: str, outcome: str, seconds: float) -> None:
        """Record one call to ECE: `outcome` is "ok" or the error's code."""
        self._counters["ece_widget_ece_calls_total"].labels(call, outcome).inc()
        self._histograms["ece_widget_ece_call_seconds"].labels(call).observe(seconds)

    def request(self, route: str, method: str, status: int, seconds: float, code: str | None = None) -> None:
        """Record one answered request by its route pattern; `code` is the fault's, if it was one."""
        if code is not None:
            self._counters["ece_widget_problems_total"].labels(route, code).inc()
        known = method if method in METHODS else "other"
        self._counters["ece_widget_requests_total"].labels(route, known, str(status)).inc()
        self._histograms["ece_widget_request_seconds"].labels(route).observe(seconds)

    def rate_limited(self, limit: str) -> None:
        self._counters["ece_widget_rate_limited_total"].labels(limit).inc()

    def settings_reload(self, outcome: str) -> None:
        """Record a SIGHUP: applied or refused."""
        self._counters["ece_widget_settings_reloads_total"].labels(outcome).inc()

    def _define(self, each: Definition, version: str) -> None:
        match each.kind:
            case "counter":
                self._counters[each.name] = Counter(each.name, each.help, each.labels, registry=self.registry)
            case "histogram":
                self._histograms[each.name] = Histogram(
                    each.name, each.help, each.labels, registry=self.registry, buckets=each.buckets
                )
            case "gauge":
                Gauge(each.name, each.help, each.labels, registry=self.registry).labels(version).set(1)


class _Sources(Collector):
    """Turn what the sources say into metric families."""

    def __init__(self, read: Callable[[], dict[Series, float]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        values: dict[str, list[tuple[tuple[str, ...], float]]] = {each.name: [] for each in DEFINITIONS if each.source}
        for (name, labels), value in self._read().items():
            values[name].append((labels, value))
        for each in DEFINITIONS:
            if not each.source:
                continue
            make = CounterMetricFamily if each.kind == "counter" else GaugeMetricFamily
            family = make(each.name, each.help, labels=each.labels)
            for labels, value in values[each.name]:
                family.add_metric(list(labels), value)
            yield family
