"""Monitors and Secrets for imported jobs, one line for each monitor."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from yuptime_exporter.core.cron_times import CronTimes
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.resource.objects import Invalid, read_object
from yuptime_exporter.time_zones import time_zone

API_VERSION = "monitoring.yuptime.io/v1"
SECRET_NAME = "yuptime-token"  # noqa: S105  the name of the Secret
SECRET_KEY = "token"  # noqa: S105

_MAX_NAME_CHARS = 63

# The grace of a job that runs at least every two hours is half of its period, at least a minute;
# of others it is an hour. A push comes at the end of a job, so that the grace has to contain its run.
_LONGEST_GRACE_SECONDS = 3600
_SHORTEST_GRACE_SECONDS = 60

# The periods of a schedule differ, as those of weekdays do: the shortest of these counts.
_LOOKED_AT = 10


@dataclass(frozen=True, slots=True)
class ImportedJob:
    """One job with a schedule.

    Attributes:
        expression: of cron.
        zone: a name of the tz database; empty: UTC.
        grace_seconds: None: by its period.
        max_runtime_seconds: None: no limit.
    """

    key: MonitorKey
    expression: str
    zone: str = ""
    enabled: bool = True
    grace_seconds: int | None = None
    max_runtime_seconds: int | None = None

    def monitor(self) -> Mapping[str, object]:
        """Return the Monitor, which `problem` has found valid."""
        schedule = {"cron": self.expression, **({"timeZone": self.zone} if self.zone else {})}
        push: dict[str, object] = {
            "tokenSecretRef": {"name": SECRET_NAME, "key": SECRET_KEY},
            "gracePeriodSeconds": self.grace_seconds or self._grace_seconds(),
        }
        if self.max_runtime_seconds is not None:
            push["maxRuntimeSeconds"] = self.max_runtime_seconds
        spec: dict[str, object] = {"type": "push", "schedule": schedule, "target": {"push": push}}
        if not self.enabled:
            spec["enabled"] = False
        metadata = {"namespace": self.key.namespace, "name": self.key.name}
        return {
            "apiVersion": API_VERSION,
            "kind": "Monitor",
            "metadata": metadata,
            "spec": spec,
        }

    def problem(self) -> str:
        """Return why no Monitor can be made of this job; empty if one can."""
        probe = ImportedJob(self.key, self.expression, self.zone, grace_seconds=1)
        found = read_object(probe.monitor(), "")
        if isinstance(found, Invalid):
            return "; ".join(f"{one.field}: {one.text}" for one in found.problems)
        return ""

    def _grace_seconds(self) -> int:
        times = CronTimes(self.expression, time_zone(self.zone or "UTC"))
        moments = [times.after(0.0)]
        while len(moments) < _LOOKED_AT and math.isfinite(moments[-1]):
            moments.append(times.after(moments[-1]))
        period = min((later - sooner for sooner, later in pairwise(moments)), default=math.inf)
        half = min(period / 2, _LONGEST_GRACE_SECONDS)
        return max(_SHORTEST_GRACE_SECONDS, int(half))


@dataclass(slots=True)
class Names:
    """Names of monitors that are taken; the same jobs in the same order get the same names."""

    namespace: str
    _taken: set[str] = field(default_factory=set)

    def key(self, wanted: str) -> MonitorKey:
        """Return the key of a name like this one that no other job has."""
        plain = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-") or "job"
        name, number = plain[:_MAX_NAME_CHARS].strip("-"), 1
        while name in self._taken:
            number += 1
            suffix = f"-{number}"
            name = plain[: _MAX_NAME_CHARS - len(suffix)].strip("-") + suffix
        self._taken.add(name)
        return MonitorKey(self.namespace, name)


def monitor_list(jobs: Iterable[ImportedJob]) -> str:
    """Return YAML with one line for each Monitor."""
    lines = "".join(f"- {json.dumps(job.monitor())}\n" for job in jobs)
    return f"apiVersion: {API_VERSION}\nkind: MonitorList\nitems:\n{lines}"


def secret(namespace: str, token: str) -> str:
    """Return YAML with the Secret of a namespace, which all its monitors share."""
    value = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": SECRET_NAME},
        "stringData": {SECRET_KEY: token},
    }
    return f"---\n{json.dumps(value)}\n"
