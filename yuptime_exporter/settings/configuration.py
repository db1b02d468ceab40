"""The configuration file of `--config.file`, loaded at the start and at each reload."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from yuptime_exporter.core.alerting import RUNBOOK_URL, AlertSettings
from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.rate_limit import RateLimit
from yuptime_exporter.core.urls import base_url
from yuptime_exporter.resource.defaults import Defaults
from yuptime_exporter.settings.model import Settings
from yuptime_exporter.settings.shapes import (
    AlertingSection,
    AlertmanagerSection,
    ConfigurationFile,
    read_file,
)
from yuptime_exporter.sinks.alertmanager.endpoint import Authorization, Endpoint, Tls
from yuptime_exporter.sources.manifests.documents import read_documents


@dataclass(frozen=True, slots=True)
class Configuration:
    """The content of the configuration file; SIGHUP and `/-/reload` load it again.

    Attributes:
        alertmanagers: of the command line and of the file, each URL once.
        monitor_defaults: fields of `spec` for each Monitor of a manifest that does not have them.
    """

    alerting: AlertSettings = field(default_factory=AlertSettings)
    alertmanagers: tuple[Endpoint, ...] = ()
    push_rate: RateLimit = field(default_factory=RateLimit)
    monitor_defaults: Defaults = field(default_factory=dict)


def configuration_of(settings: Settings) -> Configuration:
    """Return the configuration of a command line: of its file and its own Alertmanagers.

    Raises:
        ConfigInvalid: the file cannot be read, or has a problem.
    """
    return load_configuration(
        settings.config_file, settings.alertmanager_urls, runbook_url=settings.runbook_url
    )


def load_configuration(
    path: Path | None, alertmanager_urls: Sequence[str] = (), *, runbook_url: str | None = None
) -> Configuration:
    """Return the configuration; the defaults without a file.

    Args:
        path: of the file; None if there is none.
        alertmanager_urls: base URLs from the command line; the file can add credentials to them.
        runbook_url: of the command line; that of the file comes first.

    Raises:
        ConfigInvalid: the file cannot be read, or has a problem.
    """
    endpoints = {url: Endpoint(url) for url in alertmanager_urls}
    if path is None:
        return _configuration(ConfigurationFile(), endpoints, runbook_url)
    try:
        file = read_file(file_content(path), ConfigurationFile, folder=path.parent)
        for section in file.alerting.alertmanagers:
            endpoint = _endpoint(section)
            _check_certificates(endpoint)
            endpoints[endpoint.url] = endpoint
    except OSError as error:
        raise ConfigInvalid(f"--config.file={path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigInvalid(f"--config.file={path}: {error}") from error
    return _configuration(file, endpoints, runbook_url)


def file_content(path: Path) -> object:
    """Return the plain values of the file, read as manifests are; None for an empty file.

    Raises:
        ValueError: the text lists every problem.
    """
    documents, problems = read_documents(path.read_bytes(), str(path))
    if problems:
        raise ValueError("; ".join(_within_the_file(problem, path) for problem in problems))
    if len(documents) > 1:
        raise ValueError(f"expected one document, got {len(documents)}, separated by ---")
    return documents[0].value if documents else None


def _within_the_file(problem: Problem, path: Path) -> str:
    return str(problem).removeprefix(f"{path}, ").removeprefix(f"{path}: ")


def _check_certificates(endpoint: Endpoint) -> None:
    """Read the certificates now, so that a wrong file is found before the first alert.

    Raises:
        ValueError: a file cannot be read, or is not a certificate or key.
    """
    try:
        endpoint.tls.context()
    except OSError as error:  # ssl.SSLError is one; neither names the file
        files = ", ".join(map(str, endpoint.tls.files))
        reason = error.strerror or error
        raise ValueError(f"tls_config of {endpoint.url}: {files}: {reason}") from error


def _configuration(
    file: ConfigurationFile, endpoints: Mapping[str, Endpoint], runbook_url: str | None
) -> Configuration:
    rate = file.limits.push_rate
    return Configuration(
        alerting=_alert_settings(file.alerting, tuple(endpoints), runbook_url),
        alertmanagers=tuple(endpoints.values()),
        push_rate=RateLimit(rate.interval, rate.burst),
        monitor_defaults=file.defaults,
    )


def _alert_settings(
    section: AlertingSection, alertmanager_urls: tuple[str, ...], runbook_url: str | None
) -> AlertSettings:
    allowed = section.allowed_urls
    return AlertSettings(
        defaults=AlertDefaults(
            default_labels=tuple(sorted(section.default_labels.items())),
            external_labels=tuple(sorted(section.external_labels.items())),
        ),
        runbook_url=section.runbook_url or runbook_url or RUNBOOK_URL,
        resend_seconds=section.resend_delay,
        resolve_delay_seconds=section.resolve_delay,
        alertmanager_urls=alertmanager_urls,
        allowed_urls=None if allowed is None else frozenset(map(base_url, allowed)),
    )


def _endpoint(section: AlertmanagerSection) -> Endpoint:
    return Endpoint(
        base_url(section.url),
        _authorization(section),
        Tls(**section.tls_config.model_dump()),
        section.timeout,
    )


def _authorization(section: AlertmanagerSection) -> Authorization | None:
    if section.basic_auth:
        basic = section.basic_auth
        return Authorization("Basic", basic.password_file, basic.username)
    if section.authorization:
        return Authorization(section.authorization.type, section.authorization.credentials_file)
    return None
