"""The two formats of metrics, as prometheus-client writes them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class _Given(Collector):
    metrics: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


@dataclass(frozen=True, slots=True)
class Format:
    """The format that a client asks for.

    Attributes:
        encoder: writes metrics, with the end of the page.
        content_type: names the format.
    """

    encoder: Callable[[Collector], bytes] = field(compare=False)
    content_type: str

    @classmethod
    def asked(cls, accept: str) -> "Format":
        """Return the format that a request asks for in its header Accept."""
        return cls(*choose_encoder(accept))

    @property
    def end(self) -> bytes:
        """The end of a page."""
        return self.encoder(_Given(()))

    def written(self, metric: Metric) -> bytes:
        """Return the text of one metric."""
        return self.encoder(_Given((metric,))).removesuffix(b"# EOF\n")


class WrittenMetrics:
    """The texts of metrics, each kept until its metric or the format changes.

    Most metrics of the exporter itself are the same in the next scrape. To compare them takes less
    time than to write them.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Format, Metric, bytes]] = {}

    def text(self, metric: Metric, asked: Format) -> bytes:
        """Return the text of a metric, which never changes, but may be replaced by another."""
        kept = self._kept.get(metric.name)
        if kept is not None and kept[0] == asked and kept[1] == metric:
            return kept[2]
        text = asked.written(metric)
        self._kept[metric.name] = asked, metric, text
        return text
