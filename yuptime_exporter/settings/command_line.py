"""The command line of `yuptime-exporter`: arguments in, settings out."""

import argparse
import difflib
import platform
import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from yuptime_exporter import __version__
from yuptime_exporter.core.urls import without_credentials
from yuptime_exporter.settings import values
from yuptime_exporter.settings.flags import DEFAULT_ADDRESS, add_flags
from yuptime_exporter.settings.model import (
    ClusterSource,
    ManifestSource,
    PageSettings,
    Settings,
    StatusStorage,
)

# The settings that mean nothing without a cluster, by their flags.
_KUBERNETES_FLAGS = {
    "--kubernetes.namespace": "namespaces",
    "--kubernetes.kubeconfig": "kubeconfig",
    "--kubernetes.secrets": "secrets_mode",
    "--kubernetes.lease": "lease",
    "--status.max-qps": "status_max_qps",
}


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of the version text, and gives the flags a wide column."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34)


def version_text(program: str = "yuptime-exporter") -> str:
    """Return the output of `--version`."""
    return (
        f"{program}, version {__version__}\n"
        f"  python version: {platform.python_version()}\n"
        f"  platform:       {platform.system().lower()}/{platform.machine()}"
    )


def argument_parser() -> argparse.ArgumentParser:
    """Return the parser with all flags."""
    parser = argparse.ArgumentParser(
        prog="yuptime-exporter",
        description="Receives pushes of jobs, and alerts through Prometheus when a push is missing.",
        allow_abbrev=False,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_text())
    add_flags(parser)
    return parser


def parse_arguments(arguments: Sequence[str] | None = None) -> Settings:
    """Return the settings; on wrong arguments exit with code 2 and the usage.

    Args:
        arguments: without the name of the program; None: those of this process.
    """
    parser = argument_parser()
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.error("; ".join(_unknown(argument, parser) for argument in unknown))
    external_path = urlsplit(given.external_url or "").path
    prefix = values.prefix(external_path) if given.route_prefix is None else given.route_prefix
    return Settings(
        source=_source(given, parser),
        config_file=given.config_file,
        storage_retention_seconds=given.storage_retention_seconds,
        web_config_file=given.web_config_file,
        listen_addresses=tuple(given.listen_addresses or [values.address(DEFAULT_ADDRESS)]),
        push_listen_addresses=tuple(given.push_listen_addresses),
        telemetry_path=given.telemetry_path,
        external_url=given.external_url,
        route_prefix=prefix,
        enable_lifecycle=given.enable_lifecycle,
        enable_admin_api=given.enable_admin_api,
        dialects=tuple(dict.fromkeys(given.dialects)),
        max_connections=given.max_connections,
        fast_pushes=given.fast_pushes,
        alertmanager_urls=tuple(dict.fromkeys(given.alertmanager_urls)),
        runbook_url=given.runbook_url,
        expose_messages=given.expose_messages,
        pages=PageSettings(
            hide_messages=given.hide_messages,
            show_client_addresses=given.show_client_addresses,
            alertmanager_url=given.alertmanager_link,
            prometheus_url=given.prometheus_link,
            dashboard_url=given.dashboard_link,
        ),
        log_level=given.log_level,
        log_format=given.log_format,
    )


def _unknown(argument: str, parser: argparse.ArgumentParser) -> str:
    """Return the text about an argument that is no flag, without its value."""
    name = argument.partition("=")[0]
    if not name.startswith("-"):
        return f"expected only flags, got {without_credentials(argument)!r}"
    flags = re.findall(r"--[\w.-]+", parser.format_usage())
    meant = difflib.get_close_matches(f"--{name.lstrip('-')}", flags, n=1)
    return f"unknown flag {name}" + (f"; did you mean {meant[0]}?" if meant else "")


def _given_for_kubernetes(given: argparse.Namespace, parser: argparse.ArgumentParser) -> list[str]:
    """Return the flags that say how to follow a cluster, as far as they differ from the default."""
    return [
        flag
        for flag, name in _KUBERNETES_FLAGS.items()
        if getattr(given, name) != parser.get_default(name)
    ]


def _source(
    given: argparse.Namespace, parser: argparse.ArgumentParser
) -> ManifestSource | ClusterSource:
    storage = replace(given.storage, history_limit=given.history_limit)
    if given.manifest_paths and given.kubernetes:
        parser.error(
            "two sources of monitors: give --source.manifests or --source.kubernetes, not both"
        )
    if given.kubernetes:
        return ClusterSource(
            namespaces=tuple(dict.fromkeys(given.namespaces)),
            kubeconfig=given.kubeconfig,
            secrets_mode=given.secrets_mode,
            lease=given.lease,
            status_max_qps=given.status_max_qps,
            storage=storage,
        )
    if given.manifest_paths and (pointless := _given_for_kubernetes(given, parser)):
        parser.error(f"{', '.join(pointless)}: needs --source.kubernetes, got --source.manifests")
    if not given.manifest_paths:
        parser.error(
            "no source of monitors: give --source.manifests=PATH, a file or a directory of YAML, "
            "or --source.kubernetes"
        )
    if isinstance(storage, StatusStorage):
        parser.error(
            "--storage.url=kubernetes: needs Monitor objects: give --source.kubernetes, too"
        )
    return ManifestSource(tuple(given.manifest_paths), storage)
