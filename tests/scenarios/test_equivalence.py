"""Both paths agree: random lives, judged by the core and, as series, by the shipped rules.

Each life is an hour of one exporter with three monitors: pushes up and down, silence, pauses,
changed specs, reloads, and outages with a restart at their end. The core says at each scrape
which monitors are down; promtool evaluates `YuptimeMonitorDown` over the scraped series.
"""

import asyncio
import json
import random
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from tests.core.examples import Life, monitor, monitor_families
from tests.peers.programs import Generation, require
from yuptime_exporter.core.alerting import AlertSettings, alert_of
from yuptime_exporter.core.identity import ALERT_NAME
from yuptime_exporter.core.model import Monitor, PushKind
from yuptime_exporter.core.schedules import Every
from yuptime_exporter.sinks.alertmanager.annotations import annotations

RULES = Path(__file__).parents[2] / "alert-rules" / "yuptime.rules.yml"

STEP_SECONDS = 30  # scrape and evaluation interval, as the Prometheus Operator has them
STEPS = 120
LIVES = 24

SCRAPED = frozenset(
    {
        "yuptime_monitor_alert_labels",
        "yuptime_monitor_annotations_info",
        "yuptime_monitor_last_success_timestamp_seconds",
        "yuptime_monitor_message_info",
        "yuptime_monitor_deadline_timestamp_seconds",
        "yuptime_monitor_last_push_timestamp_seconds",
        "yuptime_monitor_up",
    }
)
SETTINGS = AlertSettings()

Labels = frozenset[tuple[str, str]]


class RandomLife:
    """One life, told to the core as it happens and written down as it is scraped.

    Every moment lies 7 s after a scrape, and all windows and outages are whole steps: so no
    deadline falls on an evaluation, where "reached" and "passed" would differ by one step.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  a game, not a secret
        self.life = Life(*self._monitors(), at=7)
        self.series: dict[str, dict[int, float]] = defaultdict(dict)
        self.down: dict[int, set[Labels]] = {0: set()}
        self.texts: dict[int, dict[Labels, dict[str, str]]] = {}
        self._lost_until = 0
        for step in range(1, STEPS):
            self._live(step)

    def _monitors(self) -> list[Monitor]:
        return [
            monitor(
                name,
                expire_seconds=STEP_SECONDS * self._random.randint(1, 12),
                grace_seconds=STEP_SECONDS * self._random.randint(0, 4),
                alert_labels=(("severity", self._random.choice(("page", "ticket"))),),
                alert_description=self._random.choice(("", 'Call "us", or {{ not }}.')),
                alert_runbook_url=self._random.choice(("", "https://wiki.example.com/a?b=1#c")),
            )
            for name in ("backup", "import", "report")
        ]

    def _live(self, step: int) -> None:
        if step < self._lost_until:
            self.down[step] = self.down[step - 1]  # held: nothing new fires, nothing resolves
            return
        at = STEP_SECONDS * (step - 1) + 7
        if self._lost_until == step:
            self.life.restart(at=at)
        if self._random.random() < 0.02:
            self._lose(step, at)
        else:
            self._happen(at)
            self._scrape(step)

    def _lose(self, step: int, at: int) -> None:
        steps = self._random.randint(1, 30)
        self._lost_until = step + steps
        self.life.outage(at, at + STEP_SECONDS * steps)
        self.down[step] = self.down[step - 1]

    def _happen(self, at: int) -> None:
        declared = list(self.life.monitors)
        for number, one in enumerate(declared):
            chance = self._random.random()
            if chance < 0.10:
                self.life.push(PushKind.UP, at=at, key=one.key)
            elif chance < 0.13:
                self.life.push(PushKind.DOWN, at=at, key=one.key, message='exit 1: "no"\\')
            elif chance < 0.16:
                declared[number] = one._replace(enabled=not one.enabled)
            elif chance < 0.17:
                seconds = STEP_SECONDS * self._random.randint(1, 12)
                declared[number] = one._replace(schedule=Every(seconds))
            elif chance < 0.18:
                declared[number] = one._replace(alert_labels=(("severity", "changed"),))
        self.life.declare(*declared, at=at)

    def _scrape(self, step: int) -> None:
        now = STEP_SECONDS * step
        self.life.table.record_receiving(now)
        judged = self.life.table.judged(now_timestamp=now)
        for family in monitor_families(judged, SETTINGS.defaults, messages=True):
            for sample in family.samples if family.name in SCRAPED else ():
                self.series[_series(sample.name, sample.labels)][step] = sample.value
        self.series[_series("yuptime_ready", {})][step] = 1
        alerts = (alert_of(row, verdict, SETTINGS) for row, verdict in judged)
        self.texts[step] = {
            frozenset(alert.labels): annotations(alert, page_base_url=None)
            for alert in alerts
            if alert
        }
        self.down[step] = set(self.texts[step])

    def as_promtool_test(self, name: str) -> dict[str, object]:
        return {
            "name": name,
            "interval": f"{STEP_SECONDS}s",
            "input_series": [
                {"series": series, "values": _values(samples)}
                for series, samples in self.series.items()
            ],
            "promql_expr_test": [
                {
                    "expr": 'ALERTS{alertname="YuptimeMonitorDown"}',
                    "eval_time": f"{STEP_SECONDS * step}s",
                    "exp_samples": [
                        {
                            "labels": _series("ALERTS", {**dict(labels), "alertstate": "firing"}),
                            "value": 1,
                        }
                        for labels in sorted(down, key=sorted)
                    ],
                }
                for step, down in self.down.items()
            ],
            "alert_rule_test": [
                {
                    "alertname": ALERT_NAME,
                    "eval_time": f"{STEP_SECONDS * step}s",
                    "exp_alerts": [
                        {
                            "exp_labels": {
                                name: value for name, value in sorted(labels) if name != "alertname"
                            },
                            "exp_annotations": {"message": "", "page": "", **texts},
                        }
                        for labels, texts in sorted(
                            by_labels.items(), key=lambda one: sorted(one[0])
                        )
                    ],
                }
                for step, by_labels in self.texts.items()
            ],
        }


def _series(name: str, labels: dict[str, str]) -> str:
    target = {} if name == "ALERTS" else {"instance": "a:10091", "job": "yuptime"}
    pairs = ",".join(
        f"{key}={json.dumps(value)}" for key, value in sorted({**labels, **target}.items()) if value
    )
    return f"{name}{{{pairs}}}"


def _values(samples: dict[int, float]) -> str:
    """Write samples as promtool reads them; Prometheus marks the first one missing as stale."""
    return " ".join(
        repr(samples[step]) if step in samples else ("stale" if step - 1 in samples else "_")
        for step in range(STEPS)
    )


@pytest.mark.peer
@pytest.mark.parametrize("generation", list(Generation))
async def test_the_rules_raise_what_the_core_raises(tmp_path: Path, generation: Generation) -> None:
    promtool = require("promtool", generation)
    lives = [RandomLife(seed) for seed in range(LIVES)]
    tests = [life.as_promtool_test(f"seed {seed}") for seed, life in enumerate(lives)]
    content = {
        "rule_files": [str(RULES)],
        "evaluation_interval": f"{STEP_SECONDS}s",
        "tests": tests,
    }
    file = tmp_path / "equivalence_test.yml"
    file.write_text(yaml.safe_dump(content, width=1_000_000))

    process = await asyncio.create_subprocess_exec(
        promtool,
        "test",
        "rules",
        str(file),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()

    assert process.returncode == 0, said.decode()[-5000:]


def test_the_lives_are_eventful() -> None:
    """Else agreement would mean nothing: alerts begin and end, and outages happen in most lives."""
    lives = [RandomLife(seed) for seed in range(LIVES)]

    changes = [
        sum(life.down[step] != life.down[step - 1] for step in range(1, STEPS)) for life in lives
    ]
    outages = [len(life.life.table.ended_outages) for life in lives]
    assert min(changes) >= 5
    assert sum(count > 0 for count in outages) > LIVES / 2
