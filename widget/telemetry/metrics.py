"""Metrics: a registry of our own, and counters that hot code keeps as plain integers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from anyio import to_thread
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from widget.telemetry.definitions import DEFINITIONS

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

# (metric name, label values, value): what a source yields when it is read
Sample = tuple[str, tuple[str, ...], float]
Source = Callable[[], Iterable[Sample]]
Series = tuple[str, tuple[str, ...]]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds
_READ_COUNTERS = frozenset(each.name for each in DEFINITIONS if each.source and each.kind == "counter")


class Metrics(Collector):
    """The one registry of a process: what is recorded when it happens, and sources that are read at each scrape.

    Settings that are read again replace an application while the process goes on, and a counter must never fall: the
    counters of a source that is removed are kept.
    """

    def __init__(self, *, version: str = "") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per label set, which no alert of ours reads
        self._sources: list[Source] = [lambda: [("ece_widget_info", (version,), 1.0)]]
        self._kept: dict[Series, float] = defaultdict(float)
        self._process = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        self.registry = CollectorRegistry(auto_describe=False)
        self._counters = {
            each.name: Counter(each.name, each.help, each.labels, registry=self.registry)
            for each in DEFINITIONS
            if each.kind == "counter" and not each.source
        }
        self._histograms = {
            each.name: Histogram(each.name, each.help, each.labels, registry=self.registry, buckets=_BUCKETS)
            for each in DEFINITIONS
            if each.kind == "histogram"
        }
        self.registry.register(self)

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

    def collect(self) -> Iterator[Metric]:
        """Yield what the sources say, in the order of the definitions: the registry asks at each scrape."""
        families = {
            each.name: (CounterMetricFamily if each.kind == "counter" else GaugeMetricFamily)(
                each.name, each.help, labels=each.labels
            )
            for each in DEFINITIONS
            if each.source
        }
        for (name, labels), value in self._read().items():
            families[name].add_metric(labels, value)
        yield from families.values()

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
