"""The registry of metrics of one run."""

from prometheus_client import generate_latest

from yuptime_exporter import __version__
from yuptime_exporter.wiring.registry import Metrics


def test_the_registry_has_the_build_and_the_process() -> None:
    text = generate_latest(Metrics().registry).decode()

    assert f'version="{__version__}"' in text
    assert "process_resident_memory_bytes" in text
    assert "python_info" in text


def test_counters_have_no_second_series_with_the_time_of_their_creation() -> None:
    assert "_created" not in generate_latest(Metrics().registry).decode()
