"""The shape of the configuration file: its keys, and the values that each may have.

An unknown key is an error, since a typo would be silently ignored.
"""

from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

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

from yuptime_exporter.core.alerting import RESOLVED_RETENTION_SECONDS, AlertSettings
from yuptime_exporter.core.durations import EXPECTED_DURATION, duration_seconds
from yuptime_exporter.core.identity import label_problems
from yuptime_exporter.core.rate_limit import RateLimit
from yuptime_exporter.core.urls import link_problem, url_problem
from yuptime_exporter.resource.defaults import defaults_problem
from yuptime_exporter.settings.explaining import explained
from yuptime_exporter.sinks.alertmanager.endpoint import DEFAULT_TIMEOUT_SECONDS

_DEFAULT_RATE = RateLimit()
_DEFAULT_ALERTING = AlertSettings()


def _duration(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError(f"expected {EXPECTED_DURATION}")  # noqa: TRY004  pydantic catches only this
    return duration_seconds(value)


def _labels(labels: dict[str, str]) -> dict[str, str]:
    problems = [f"{name}: {text}" if name else text for name, text in label_problems(labels)]
    if problems:
        raise ValueError("; ".join(problems))
    return labels


def _monitor_defaults(defaults: dict[str, Any]) -> dict[str, Any]:
    if problem := defaults_problem(defaults):
        raise ValueError(problem)
    return defaults


def _positive(seconds: float) -> float:
    if not seconds:
        raise ValueError("expected a duration above 0")
    return seconds


def _below_retention(seconds: float) -> float:
    if seconds >= RESOLVED_RETENTION_SECONDS:
        raise ValueError("expected a duration below 15m, the time for which a recovery is sent")
    return seconds


def _url(text: str) -> str:
    problem = url_problem(text)
    if problem:
        raise ValueError(problem)
    return text


def _link(text: str) -> str:
    problem = link_problem(text)
    if problem:
        raise ValueError(problem)
    return text


def _whole(number: object) -> object:
    """Return 1e+06 as the whole number that it is; Helm writes large numbers in this form."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _beside_the_file(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError("expected the path of a file")
    return Path((info.context or {})["folder"], value)


Duration = Annotated[float, BeforeValidator(_duration)]
_PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
_ResolveDelay = Annotated[Duration, AfterValidator(_below_retention)]
_Url = Annotated[str, AfterValidator(_url)]
_Link = Annotated[str, AfterValidator(_link)]
PathBesideFile = Annotated[Path, BeforeValidator(_beside_the_file)]
Whole = BeforeValidator(_whole)
_Labels = Annotated[dict[str, str], AfterValidator(_labels)]


class Section(BaseModel):
    """A mapping of the file, of known keys only."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        """Read a key without a value as a missing key, as Prometheus does."""
        if isinstance(value, dict):
            return {key: held for key, held in value.items() if held is not None}
        return value


FileShape = TypeVar("FileShape", bound=Section)


class BasicAuthSection(Section):
    """`basic_auth` of an Alertmanager."""

    username: str
    password_file: PathBesideFile


class AuthorizationSection(Section):
    """`authorization` of an Alertmanager."""

    type: str = "Bearer"
    credentials_file: PathBesideFile


class TlsSection(Section):
    """`tls_config` of an Alertmanager."""

    ca_file: PathBesideFile | None = None
    cert_file: PathBesideFile | None = None
    key_file: PathBesideFile | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False


class AlertmanagerSection(Section):
    """One of `alerting.alertmanagers`."""

    url: _Url
    basic_auth: BasicAuthSection | None = None
    authorization: AuthorizationSection | None = None
    tls_config: TlsSection = TlsSection()
    timeout: Duration = DEFAULT_TIMEOUT_SECONDS

    @model_validator(mode="after")
    def _one_way_to_authenticate(self) -> Self:
        if self.basic_auth and self.authorization:
            raise ValueError("basic_auth and authorization exclude each other; give one of them")
        return self


class AlertingSection(Section):
    """`alerting`."""

    default_labels: _Labels = Field(default_factory=dict)
    external_labels: _Labels = Field(default_factory=dict)
    runbook_url: _Link | None = None
    resend_delay: _PositiveDuration = _DEFAULT_ALERTING.resend_seconds
    resolve_delay: _ResolveDelay = _DEFAULT_ALERTING.resolve_delay_seconds
    allowed_urls: list[_Url] | None = None
    alertmanagers: list[AlertmanagerSection] = Field(default_factory=list)


class PushRateSection(Section):
    """`limits.push_rate`."""

    interval: Duration = _DEFAULT_RATE.interval_seconds
    burst: Annotated[int, Whole, Field(ge=1)] = _DEFAULT_RATE.burst


class LimitsSection(Section):
    """`limits`."""

    push_rate: PushRateSection = PushRateSection()


class ConfigurationFile(Section):
    """The whole file."""

    alerting: AlertingSection = AlertingSection()
    limits: LimitsSection = LimitsSection()
    defaults: Annotated[dict[str, Any], AfterValidator(_monitor_defaults)] = Field(
        default_factory=dict
    )


def read_file(content: object, shape: type[FileShape], *, folder: Path) -> FileShape:
    """Return a file in its shape.

    Args:
        content: the parsed YAML; None: an empty file.
        shape: of the whole file.
        folder: where the file is, which relative paths in it start from.

    Raises:
        ValueError: the text lists every problem, without any value of the file.
    """
    try:
        return shape.model_validate({} if content is None else content, context={"folder": folder})
    except ValidationError as error:
        raise ValueError(explained(error, shape)) from None
