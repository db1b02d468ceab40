"""The shapes of Monitors and Secrets: their fields, and the values that each may have.

A problem with a field quotes the description of that field as the expected value.
"""

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.alias_generators import to_camel

from yuptime_exporter.core.urls import MAX_URL_CHARS, link_problem, url_problem
from yuptime_exporter.resource.cron_text import EXPECTED_EXPRESSION, MAX_EXPRESSION_CHARS
from yuptime_exporter.time_zones import EXPECTED_TIME_ZONE

# The namespace of objects without one, as in `kubectl apply` without further settings.
DEFAULT_NAMESPACE = "default"

# A team's text in an alert; as much as is shown of a message.
MAX_DESCRIPTION_CHARS = 1024

# The longest name of the tz database has 32 characters.
MAX_ZONE_CHARS = 64

MAX_SECONDS = 315_360_000  # ten years of 365 days

# RFC 1123 and the form of the keys of Secrets, as Kubernetes reads them:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
# https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_MADE_OF = "a-z, 0-9 and -, with a letter or digit at both ends"


def _whole(value: object) -> object:
    """Return a number without a fraction as an int: Helm writes 2592000 as 2.592e+06."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_link(url: str) -> str:
    if link_problem(url):
        raise ValueError
    return url


def _check_alertmanager_url(url: str) -> str:
    if url_problem(url):
        raise ValueError
    return url


_Name = Annotated[
    str,
    Field(
        pattern=rf"^{_LABEL}(\.{_LABEL})*$",
        max_length=253,
        description=f"a name of at most 253 characters: {_MADE_OF}, parts joined by .",
    ),
]
_Namespace = Annotated[
    str,
    Field(
        pattern=f"^{_LABEL}$",
        max_length=63,
        description=f"a name of at most 63 characters: {_MADE_OF}",
    ),
]
_SecretEntryName = Annotated[
    str,
    Field(
        pattern=r"^[-._a-zA-Z0-9]+$",
        max_length=253,
        description="a key of at most 253 characters: letters, digits, -, _ and .",
    ),
]
_PositiveSeconds = Annotated[
    int,
    BeforeValidator(_whole),
    Field(
        ge=1,
        le=MAX_SECONDS,
        description=f"a whole number of seconds from 1 to {MAX_SECONDS}",
    ),
]
_Seconds = Annotated[
    int,
    BeforeValidator(_whole),
    Field(
        ge=0,
        le=MAX_SECONDS,
        description=f"a whole number of seconds from 0 to {MAX_SECONDS}",
    ),
]
_AlertmanagerUrl = Annotated[
    str,
    Field(
        max_length=MAX_URL_CHARS,
        description=f"an http or https URL with a host, of at most {MAX_URL_CHARS} characters, "
        "without user, password, query or fragment",
    ),
    AfterValidator(_check_alertmanager_url),
]

_Description = Annotated[
    str,
    Field(
        max_length=MAX_DESCRIPTION_CHARS,
        description=f"a text of at most {MAX_DESCRIPTION_CHARS} characters",
    ),
]
_RunbookUrl = Annotated[
    str,
    Field(
        max_length=MAX_URL_CHARS,
        description=f"an http or https URL with a host, of at most {MAX_URL_CHARS} visible ASCII "
        "characters, without user and password",
    ),
    AfterValidator(_check_link),
]

_CronExpression = Annotated[
    str,
    Field(max_length=MAX_EXPRESSION_CHARS, description=EXPECTED_EXPRESSION),
]
_TimeZone = Annotated[str, Field(max_length=MAX_ZONE_CHARS, description=EXPECTED_TIME_ZONE)]


class _Part(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="ignore", frozen=True, alias_generator=to_camel, validate_by_name=False
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        """Read a field with the value null as a missing field, as Kubernetes does."""
        if isinstance(value, dict) and None in value.values():
            return {key: held for key, held in value.items() if held is not None}
        return value


class Metadata(_Part):
    """`metadata`: the name of the object."""

    name: _Name
    namespace: _Namespace = DEFAULT_NAMESPACE


class SecretRef(_Part):
    """`tokenSecretRef`; its namespace, if given, must be that of the monitor."""

    name: _Name
    key: _SecretEntryName
    namespace: _Namespace | None = None


class Token(_Part):
    """`token.secretRef`, another spelling of `tokenSecretRef`."""

    secret_ref: SecretRef


class PushSpec(_Part):
    """`spec.target.push`."""

    token_secret_ref: SecretRef | None = None
    token: Token | None = None
    expire_seconds: _PositiveSeconds = 300
    grace_period_seconds: _Seconds = 60
    max_runtime_seconds: _PositiveSeconds | None = None


class Target(_Part):
    """`spec.target`."""

    push: PushSpec


class Schedule(_Part):
    """`spec.schedule`: the fields that concern a push monitor."""

    interval_seconds: _PositiveSeconds | None = None
    cron: _CronExpression | None = None
    time_zone: _TimeZone | None = None


class Alerting(_Part):
    """`spec.alerting`."""

    labels: dict[str, str] = Field(default_factory=dict)
    description: _Description = ""
    runbook_url: _RunbookUrl | None = None
    alertmanager_url: _AlertmanagerUrl | None = None


_NO_SCHEDULE = Schedule()
_NO_ALERTING = Alerting()


class Spec(_Part):
    """`spec` of a push monitor; `alertmanagerUrl` can also be given in `alerting`."""

    type: Annotated[str, Field(description="a string, such as push")]
    target: Target
    enabled: Annotated[bool, Field(description="true or false")] = True
    # pydantic copies any other default of a model deeply, for each object that it reads.
    schedule: Schedule = Field(default_factory=lambda: _NO_SCHEDULE)
    alerting: Alerting = Field(default_factory=lambda: _NO_ALERTING)
    alertmanager_url: _AlertmanagerUrl | None = None


class MonitorResource(_Part):
    """A Monitor of type push."""

    metadata: Metadata
    spec: Spec


class SecretResource(_Part):
    """A Secret."""

    metadata: Metadata
    type: str = ""
    data: dict[str, str] = Field(default_factory=dict)
    string_data: dict[str, str] = Field(default_factory=dict)


PUSH_FIELDS = tuple(str(info.alias) for info in PushSpec.model_fields.values())
