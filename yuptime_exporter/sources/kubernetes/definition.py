"""The installed CustomResourceDefinition of Monitors, which may be that of another program."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, NoReturn

from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.errors import ApiError
from yuptime_exporter.metrics.definition import DefinitionMetrics
from yuptime_exporter.resource.monitor_object import CRD_NAME

log = logging.getLogger(__name__)

CHECK_SECONDS = 60.0

# The fields that a push monitor needs: its spec, its schedule, and the place for its pushes.
_NEEDED = (
    ("spec", "target", "push"),
    ("spec", "schedule", "cron"),
    ("spec", "schedule", "timeZone"),
    ("status", "push"),
)
_PATH = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD_NAME}"


class DefinitionCheck:
    """Checks again and again whether the definition keeps the fields of push monitors."""

    def __init__(self, api: Api, *, metrics: DefinitionMetrics) -> None:
        self._api = api
        self._metrics = metrics
        self._reported: tuple[str, ...] = ()

    async def check_forever(self) -> NoReturn:
        """Check now and then each minute; without permission to read it there is no result."""
        while True:
            try:
                dropped = dropped_fields(await self._api.call("GET", _PATH))
            except ApiError as error:
                log.debug("the definition of Monitors is not known", extra={"err": str(error)})
            else:
                self._report(dropped)
            await asyncio.sleep(CHECK_SECONDS)

    def _report(self, dropped: tuple[str, ...]) -> None:
        self._metrics.outdated.set(bool(dropped))
        if dropped and dropped != self._reported:
            log.warning(
                "the installed CustomResourceDefinition drops fields of push monitors; "
                "kubectl apply --server-side -f deploy/crd/monitors.yaml",
                extra={"definition": CRD_NAME, "dropped": ", ".join(dropped)},
            )
        elif self._reported and not dropped:
            log.info("the CustomResourceDefinition keeps all fields now")
        self._reported = dropped


def dropped_fields(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of push monitors that this definition drops when an object is stored."""
    versions = definition.get("spec", {}).get("versions", [])
    schemas = [
        version.get("schema", {}).get("openAPIV3Schema", {})
        for version in versions
        if version.get("name") == "v1"
    ]
    schema = schemas[0] if schemas else {}
    return tuple(".".join(path) for path in _NEEDED if not _keeps(schema, path))


def _keeps(schema: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    for name in path:
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return True
        properties = schema.get("properties", {})
        if name not in properties:
            return False
        schema = properties[name]
    return True
