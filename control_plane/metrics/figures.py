"""The registry of one replica: what is measured as it happens, and what is looked up when it is scraped."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Histogram, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from control_plane.ids import ReplicaId
from control_plane.metrics import catalogue
from control_plane.metrics.catalogue import Described

Figures = Mapping[tuple[str, ...], float]
"""By values of the labels, in their order."""
Source = Callable[[], Iterable[tuple[Described, Figures]]]


class Metrics:
    """One per replica, of this release. Areas count in numbers of their own, which sources read: being measured costs
    them next to nothing, and nothing at all while nobody scrapes."""

    def __init__(self, replica: ReplicaId, release: str) -> None:
        self.replica, self.release = replica, release
        self.registry = CollectorRegistry()
        self.add(lambda: [(catalogue.INFO, {(replica, release): 1})])
        self.join_seconds = self._by_way(catalogue.JOIN_SECONDS)
        self.first_media_seconds = self._by_way(catalogue.FIRST_MEDIA_SECONDS)
        self.delivery_seconds = self._histogram(catalogue.DELIVERY_SECONDS)
        self.loop_lag_seconds = self._histogram(catalogue.LOOP_LAG_SECONDS)
        ProcessCollector(registry=self.registry)

    def add(self, *sources: Source) -> None:
        """Ask them at each scrape, on the event loop."""
        for source in sources:
            self.registry.register(_Asked(source))

    def _histogram(self, described: Described) -> Histogram:
        return Histogram(
            described.name, described.help, described.labels, buckets=described.buckets, registry=self.registry
        )

    def _by_way(self, described: Described) -> dict[str, Histogram]:
        """All children from the start: a rate over a series that is not there yet misses its first value."""
        histogram = self._histogram(described)
        return {via: histogram.labels(via) for via in catalogue.VIA}


class _Asked(Collector):
    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        for described, figures in self._source():
            make = CounterMetricFamily if described.kind == "counter" else GaugeMetricFamily
            family = make(described.name, described.help, labels=described.labels)
            for labels, value in figures.items():
                family.add_metric(labels, value)
            yield family
