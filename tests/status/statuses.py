"""The status that a row should have, and the status that a Monitor has, without an API server."""

from collections.abc import Mapping

from tests.core.examples import NO_OUTAGES
from yuptime_exporter.core.evaluation import judge
from yuptime_exporter.core.model import Row
from yuptime_exporter.status.conditions import status_of
from yuptime_exporter.status.model import Draft, MonitorStatus, Shown

NOTHING_SHOWN = Shown(0, "", "", (), None, None, None, None, heartbeat=None)


def status(row: Row, *, at: float, generation: int = 1) -> MonitorStatus:
    verdict = judge(row, NO_OUTAGES, now_timestamp=at)
    return status_of(row, verdict, generation=generation)


def shown(said: MonitorStatus) -> Shown:
    """Return the status of a Monitor after this was written."""
    row = said.row
    last_push = row.last_push if row else None
    return Shown(
        generation=said.generation,
        state=said.state,
        reason=said.reason,
        conditions=said.conditions,
        last_push_timestamp=last_push.received_timestamp if last_push else None,
        expires_timestamp=said.expires_timestamp,
        armed_timestamp=row.arming.armed_timestamp if row else None,
        paused_timestamp=row.arming.paused_timestamp if row else None,
        heartbeat=(said.message, last_push),
    )


def draft(said: MonitorStatus, found: Shown) -> Draft:
    """Return the draft that gives a Monitor this status."""
    wanted = shown(said)
    patch: Mapping[str, object] = {} if wanted == found else {"push": "what is different"}
    return Draft(status=said, shown=found, wanted=wanted, patch=patch, version="1")
