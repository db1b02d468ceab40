"""A Monitor is deleted and created again, and its pushes are stored in SQLite."""

import signal
from datetime import datetime

import pytest
import yaml

from tests.exporters import exporter_process, series
from tests.manifests import monitor_yaml
from tests.scenarios.kubernetes.stage import Stage, path_of
from tests.waiting import eventually
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS

pytestmark = pytest.mark.peer


async def creation_time(stage: Stage) -> float:
    """Return the creation time of a Monitor if it was created now."""
    probe = yaml.safe_load(monitor_yaml("probe", namespace=stage.namespace))
    status, created = await stage.cluster.request(
        "POST", path_of(probe).rpartition("/")[0], probe, query={"dryRun": "All"}
    )
    assert status == 201, created
    return datetime.fromisoformat(created["metadata"]["creationTimestamp"]).timestamp()


async def test_a_push_to_a_recreated_monitor_survives_kill_9_without_the_right_to_write_statuses(
    stage: Stage,
) -> None:
    pushes = series("pushes_total", namespace=stage.namespace)
    last_push = series("last_push_timestamp_seconds", namespace=stage.namespace)
    await stage.declare()
    await stage.take_away("monitors/status")
    async with exporter_process(stage.home) as exporter:
        for _ in range(5):
            assert (await exporter.push(namespace=stage.namespace)).status == 200
        before = (await exporter.samples())[last_push]
        # Creation times are whole seconds of the API server's clock.
        await eventually(
            lambda: creation_time(stage), lambda created: created > before + MAX_FUTURE_SECONDS
        )
        await stage.delete("Monitor", "backup")
        await stage.declare()
        await eventually(exporter.samples, lambda samples: samples.get(pushes) == 0)
        assert (await exporter.push(namespace=stage.namespace)).status == 200
        acknowledged = (await exporter.samples())[last_push]
        await exporter.stop(signal.SIGKILL)
    async with exporter_process(stage.home) as exporter:
        samples = await exporter.samples()

    assert acknowledged > before
    assert samples[last_push] == acknowledged
    assert samples[pushes] == 1
