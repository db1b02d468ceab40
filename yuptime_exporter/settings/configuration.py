"""The file of `--config.file`: strict, since a key that is misspelt would be a wish ignored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from yuptime_exporter.core.alerting import (
    RESOLVED_RETENTION_SECONDS,
    AlertSettings,
)
from yuptime_exporter.core.durations import duration_seconds
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.core.identity import AlertDefaults, label_problems
from yuptime_exporter.core.rate_limit import RateLimit
from yuptime_exporter.core.urls import base_url, url_problem
from yuptime_exporter.sinks.alertmanager.endpoint import (
    DEFAULT_TIMEOUT_SECONDS,
    Authorization,
    Endpoint,
    Tls,
)

_DEFAULT_RATE = RateLimit()
_DEFAULT_ALERTING = AlertSettings()


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the configuration file says; read anew by SIGHUP and `/-/reload`."""

    alerting: AlertSettings = field(default_factory=AlertSettings)
    alertmanagers: tuple[Endpoint, ...] = ()
    push_rate: RateLimit = field(default_factory=RateLimit)


def load_configuration(path: Path | None, alertmanager_urls: Sequence[str] = ()) -> Configuration:
    """Return what the configuration file says; the defaults if there is none.

    Args:
        path: of the file; None if there is none.
        alertmanager_urls: base URLs from the command line; one that the file has too is
            configured by the file.

    Raises:
        ConfigInvalid: it cannot be read, or says something that is not allowed.
    """
    named = {url: Endpoint(url) for url in alertmanager_urls}
    if path is None:
        return _configuration(_File(), named)
    try:
        content = yaml.safe_load(path.read_bytes())
        parsed = _File.model_validate(
            {} if content is None else content, context={"folder": path.parent}
        )
        for endpoint in (one.endpoint() for one in parsed.alerting.alertmanagers):
            endpoint.tls.context()  # now rather than when an alert is waiting
            named[endpoint.url] = endpoint
    except OSError as error:  # ssl.SSLError is one
        raise ConfigInvalid(f"--config.file={path}: {error}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigInvalid(f"--config.file={path}: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise ConfigInvalid(f"--config.file={path}: {_explain(error)}") from error
    return _configuration(parsed, named)


def _configuration(parsed: "_File", endpoints: Mapping[str, Endpoint]) -> Configuration:
    alerting, rate = parsed.alerting, parsed.limits.push_rate
    allowed = alerting.allowed_urls
    return Configuration(
        alerting=AlertSettings(
            defaults=AlertDefaults(
                default_labels=tuple(sorted(alerting.default_labels.items())),
                external_labels=tuple(sorted(alerting.external_labels.items())),
            ),
            resend_seconds=alerting.resend_delay,
            resolve_delay_seconds=alerting.resolve_delay,
            alertmanager_urls=tuple(endpoints),
            allowed_urls=None if allowed is None else frozenset(map(base_url, allowed)),
        ),
        alertmanagers=tuple(endpoints.values()),
        push_rate=RateLimit(rate.interval, rate.burst),
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


def _positive(seconds: float) -> float:
    if not seconds:
        raise ValueError("allowed is a duration above 0")
    return seconds


def _not_too_quiet(seconds: float) -> float:
    if seconds >= RESOLVED_RETENTION_SECONDS:
        raise ValueError("allowed is a duration below 15m, for which a recovery is told")
    return seconds


def _url(text: str) -> str:
    problem = url_problem(text)
    if problem:
        raise ValueError(problem)
    return text


def _beside_the_file(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError("allowed is the path of a file")
    return Path((info.context or {})["folder"], value)


_Duration = Annotated[float, BeforeValidator(_duration)]
_PositiveDuration = Annotated[_Duration, AfterValidator(_positive)]
_Url = Annotated[str, AfterValidator(_url)]
_Path = Annotated[Path, BeforeValidator(_beside_the_file)]
_Labels = Annotated[dict[str, str], AfterValidator(_labels)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _BasicAuth(_Section):
    username: str
    password_file: _Path


class _Authorization(_Section):
    type: str = "Bearer"
    credentials_file: _Path


class _TlsConfig(_Section):
    ca_file: _Path | None = None
    cert_file: _Path | None = None
    key_file: _Path | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False


class _Alertmanager(_Section):
    url: _Url
    basic_auth: _BasicAuth | None = None
    authorization: _Authorization | None = None
    tls_config: _TlsConfig = _TlsConfig()
    timeout: _Duration = DEFAULT_TIMEOUT_SECONDS

    @model_validator(mode="after")
    def _one_way_in(self) -> "_Alertmanager":
        if self.basic_auth and self.authorization:
            raise ValueError("basic_auth and authorization exclude each other; give one of them")
        return self

    def endpoint(self) -> Endpoint:
        authorization = None
        if self.basic_auth:
            own = self.basic_auth
            authorization = Authorization("Basic", own.password_file, own.username)
        elif self.authorization:
            authorization = Authorization(
                self.authorization.type, self.authorization.credentials_file
            )
        tls = Tls(**self.tls_config.model_dump())
        return Endpoint(base_url(self.url), authorization, tls, self.timeout)


class _Alerting(_Section):
    default_labels: _Labels = Field(default_factory=dict)
    external_labels: _Labels = Field(default_factory=dict)
    resend_delay: _PositiveDuration = _DEFAULT_ALERTING.resend_seconds
    resolve_delay: Annotated[_Duration, AfterValidator(_not_too_quiet)] = (
        _DEFAULT_ALERTING.resolve_delay_seconds
    )
    allowed_urls: list[_Url] | None = None
    alertmanagers: list[_Alertmanager] = Field(default_factory=list)


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
