"""The file of `--config.file`: strict, since a key that is misspelt would be a wish ignored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from yuptime_exporter.core.durations import duration_seconds
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.core.identity import AlertDefaults, label_problems
from yuptime_exporter.core.rate_limit import RateLimit

_DEFAULT_RATE = RateLimit()


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the configuration file says; read anew by SIGHUP and `/-/reload`."""

    alert_defaults: AlertDefaults = field(default_factory=AlertDefaults)
    push_rate: RateLimit = field(default_factory=RateLimit)


def load_configuration(path: Path | None) -> Configuration:
    """Return what the configuration file says; the defaults if there is none.

    Raises:
        ConfigInvalid: it cannot be read, or says something that is not allowed.
    """
    if path is None:
        return Configuration()
    try:
        content = yaml.safe_load(path.read_bytes())
        parsed = _File.model_validate({} if content is None else content)
    except OSError as error:
        raise ConfigInvalid(f"--config.file={path}: {error.strerror}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigInvalid(f"--config.file={path}: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise ConfigInvalid(f"--config.file={path}: {_explain(error)}") from error
    return Configuration(
        alert_defaults=AlertDefaults(
            default_labels=tuple(sorted(parsed.alerting.default_labels.items())),
            external_labels=tuple(sorted(parsed.alerting.external_labels.items())),
        ),
        push_rate=RateLimit(parsed.limits.push_rate.interval, parsed.limits.push_rate.burst),
    )


def _duration(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError("allowed is a duration such as 90s, 5m or 1h30m")  # noqa: TRY004  pydantic catches only this
    return duration_seconds(value)


def _labels(labels: dict[str, str]) -> dict[str, str]:
    problems = [f"{name}: {text}" if name else text for name, text in label_problems(labels)]
    if problems:
        raise ValueError("; ".join(problems))
    return labels


_Duration = Annotated[float, BeforeValidator(_duration)]
_Labels = Annotated[dict[str, str], AfterValidator(_labels)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Alerting(_Section):
    default_labels: _Labels = Field(default_factory=dict)
    external_labels: _Labels = Field(default_factory=dict)


class _PushRate(_Section):
    interval: _Duration = _DEFAULT_RATE.interval_seconds
    burst: Annotated[int, Field(ge=1)] = _DEFAULT_RATE.burst


class _Limits(_Section):
    push_rate: _PushRate = _PushRate()


class _File(_Section):
    alerting: _Alerting = _Alerting()
    limits: _Limits = _Limits()


def _explain(error: ValidationError) -> str:
    return "; ".join(
        _explain_one(details["type"], details["loc"], details["msg"])
        for details in error.errors(include_url=False, include_input=False)
    )


def _explain_one(kind: str, location: Sequence[int | str], message: str) -> str:
    path = ".".join(str(part) for part in location) or "the file"
    if kind == "extra_forbidden":
        return f"{path}: unknown key"
    return f"{path}: {message.removeprefix('Value error, ')}"
