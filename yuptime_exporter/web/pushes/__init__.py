"""Pushes: one file for each dialect, and one line for it here."""

from yuptime_exporter.web.pushes.alertmanager import ALERTMANAGER
from yuptime_exporter.web.pushes.gatus import GATUS
from yuptime_exporter.web.pushes.healthchecks import HEALTHCHECKS
from yuptime_exporter.web.pushes.native import NATIVE
from yuptime_exporter.web.pushes.uptime_kuma import UPTIME_KUMA

# The native one is always served, the others where `--push.dialects` names them.
DIALECTS = (NATIVE, HEALTHCHECKS, UPTIME_KUMA, GATUS, ALERTMANAGER)
