"""Gives a Prometheus a past: the samples of a day of scrapes and rule evaluations.

Samples are sent by remote write. Prometheus itself evaluates the rules at each minute of that past,
and the results are sent back in the form in which Prometheus stores results: the recorded series, and
ALERTS, pending and firing, with a stale marker at the end of a series.
"""

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.dashboards.day import Day
from tests.dashboards.script import DAY, MIDNIGHT, MINUTE
from tests.peers.running import Prometheus
from tests.rules.files import Rule, rules

JOB = "yuptime"
STALE = b"\x02\x00\x00\x00\x00\x00\xf0\x7f"  # prometheus/prometheus, model/value: StaleNaN
REQUEST_BYTES = 500_000
EVALUATED = 0  # seconds after the scrapes of its minute, at which the rules are evaluated

Labels = tuple[tuple[str, str], ...]
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_FOR = {"0s": 0, "5m": 300, "10m": 600, "15m": 900}


@dataclass
class Series:
    """The samples to send: encoded, for each series in the order of time."""

    samples: dict[Labels, list[bytes]] = field(default_factory=dict)
    present: dict[str, set[Labels]] = field(default_factory=dict)

    def add(self, source: str, at_timestamp: float, values: Mapping[Labels, float]) -> None:
        """Add the samples of a source at a moment; series that are missing now become stale."""
        for labels, value in values.items():
            sample = _sample(struct.pack("<d", value), at_timestamp)
            self.samples.setdefault(labels, []).append(sample)
        for labels in self.present.get(source, set()) - values.keys():
            self.samples.setdefault(labels, []).append(_sample(STALE, at_timestamp))
        self.present[source] = set(values)


def scraped(day: Day) -> Series:
    """The samples that a Prometheus with `honor_labels: true` stores of the pages."""
    found = Series()
    for scrape in day.scrapes:
        own = (("instance", scrape.instance), ("job", JOB))
        up: dict[Labels, float] = {(("__name__", "up"), *own): float(scrape.page is not None)}
        for line in (scrape.page or "").splitlines():
            if line and line[0] != "#":
                series, _, value = line.rpartition(" ")
                up[labels_of(series, own)] = float(value)
        found.add(scrape.instance, scrape.at_timestamp, up)
    return found


@cache
def labels_of(series: str, target: Labels) -> Labels:
    """The labels of a line, and those labels of the target that the line does not have."""
    name, _, rest = series.partition("{")
    pairs = {"__name__": name}
    exposed = {key: value.replace('\\"', '"') for key, value in _LABEL.findall(rest)}
    pairs |= {key: value for key, value in target if key not in exposed}
    pairs |= {key: value for key, value in exposed.items() if value}
    return tuple(sorted(pairs.items()))


async def write(peer: Prometheus, series: Series) -> None:
    """Send all samples, in requests below the limits of Prometheus."""
    waiting: list[bytes] = []
    size = 0
    for labels, samples in series.samples.items():
        encoded = b"".join(
            _field(1, _field(1, name.encode()) + _field(2, value.encode()))
            for name, value in labels
        )
        encoded += b"".join(samples)
        waiting.append(_field(1, encoded))
        size += len(encoded)
        if size > REQUEST_BYTES:
            await _post(peer, b"".join(waiting))
            waiting, size = [], 0
    if waiting:
        await _post(peer, b"".join(waiting))


async def judge(peer: Prometheus) -> None:
    """Evaluate the rules over the whole day, in the order of Prometheus."""
    moments = [moment + EVALUATED for moment in range(MIDNIGHT, MIDNIGHT + DAY, MINUTE)]
    for rule in rules():
        if "ALERTS" in rule["expr"]:  # a rule reads its own result of the minute before
            present: dict[str, set[Labels]] = {}
            active: dict[Labels, float] = {}
            for moment in moments:
                (values,) = await _evaluated(peer, rule, [moment])
                step = Series(present=present)
                step.add("", moment, _alerts(rule, values, active, moment))
                await write(peer, step)
            continue
        series, active = Series(), {}
        for moment, values in zip(moments, await _evaluated(peer, rule, moments), strict=True):
            found = _alerts(rule, values, active, moment) if "alert" in rule else values
            series.add("", moment, found)
        await write(peer, series)


def _alerts(
    rule: Rule, values: Mapping[Labels, float], active: dict[Labels, float], moment: float
) -> dict[Labels, float]:
    """The series of ALERTS for a result, and the moment at which each became active."""
    hold = _FOR[str(rule.get("for", "0s"))]
    found: dict[Labels, float] = {}
    for gone in active.keys() - values.keys():
        del active[gone]
    for labels in values:
        since = active.setdefault(labels, moment)
        pairs = dict(labels) | rule.get("labels", {})
        pairs.pop("__name__", None)
        pairs |= {"__name__": "ALERTS", "alertname": rule["alert"]}
        pairs["alertstate"] = "firing" if moment - since >= hold else "pending"
        found[tuple(sorted(pairs.items()))] = 1.0
    return found


async def _evaluated(
    peer: Prometheus, rule: Rule, moments: Sequence[float]
) -> list[dict[Labels, float]]:
    answer = await peer.get(
        "/api/v1/query_range",
        query=rule["expr"],
        start=repr(moments[0]),
        end=repr(moments[-1]),
        step=str(MINUTE),
    )
    found: dict[float, dict[Labels, float]] = {moment: {} for moment in moments}
    recorded: Mapping[str, str] = {"__name__": rule["record"]} if "record" in rule else {}
    for one in answer["data"]["result"]:
        labels = tuple(sorted({**one["metric"], **recorded}.items()))
        for moment, value in one["values"]:
            found[moment][labels] = float(value)
    return list(found.values())


async def _post(peer: Prometheus, body: bytes) -> None:
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    url = f"{peer.url}/api/v1/write"
    async with peer.session.post(url, data=_snappy(body), headers=headers) as response:
        assert response.ok, await response.text()


def _snappy(body: bytes) -> bytes:
    """The bytes in the form of Snappy, as one literal: Prometheus requires Snappy, not a small size."""
    return _varint(len(body)) + b"\xfc" + struct.pack("<I", len(body) - 1) + body


def _sample(value: bytes, at_timestamp: float) -> bytes:
    return _field(2, b"\x09" + value + b"\x10" + _moment(at_timestamp))


@cache
def _moment(at_timestamp: float) -> bytes:
    return _varint(int(at_timestamp * 1000))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def matching(result: Iterable[Any], **labels: str) -> list[Any]:
    """The series of a query's answer with these labels."""
    return [
        one
        for one in result
        if all(one["metric"].get(name) == value for name, value in labels.items())
    ]
