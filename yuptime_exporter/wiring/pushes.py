"""The stops of a push: addressed, admitted, received; and the record of those that were rejected."""

from dataclasses import dataclass

from yuptime_exporter.core.rate_limit import PushLimiter
from yuptime_exporter.engine.addressing import Addressing
from yuptime_exporter.engine.admission import Admission
from yuptime_exporter.engine.receiver import OnPush, Receiver
from yuptime_exporter.engine.rejections import Rejections
from yuptime_exporter.settings.current import CurrentConfiguration
from yuptime_exporter.wiring.parts import Parts
from yuptime_exporter.wiring.shared import Shared


@dataclass(frozen=True, slots=True)
class PushStops:
    """The parts that a push passes.

    Attributes:
        addressing: finds the monitor of a token in a path; None: no dialect needs it.
    """

    limiter: PushLimiter
    admission: Admission
    addressing: Addressing | None
    rejections: Rejections
    receiver: Receiver

    def forget_removed(self, shared: Shared) -> None:
        """Forget the limits and the rejections of monitors that are no longer declared."""
        for recorder in (self.limiter, self.rejections):
            recorder.forget_unless(lambda key: shared.table.row(key) is not None)


def connect_pushes(
    shared: Shared, parts: Parts, configuration: CurrentConfiguration, *, on_push: OnPush
) -> PushStops:
    """Return the parts.

    Args:
        shared: the values of the run.
        parts: the store, and the reader of tokens on request.
        configuration: the rate limit.
        on_push: called after each push that became visible.
    """
    table, ready, clock = shared.table, shared.readiness, shared.clock
    limiter = PushLimiter(configuration.value.push_rate)
    addressing = Addressing(table, ready) if shared.settings.dialects else None
    is_token = addressing.is_token if addressing else (lambda _text: False)
    return PushStops(
        limiter,
        Admission(table, limiter, ready, renew_tokens=parts.renew_tokens, clock=clock),
        addressing,
        Rejections(table, metrics=shared.metrics.pushes, is_token=is_token, clock=clock),
        Receiver(table, parts.store, on_push=on_push),
    )
