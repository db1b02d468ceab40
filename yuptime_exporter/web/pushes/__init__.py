"""Pushes: one file for each dialect, and one line for it here."""

from yuptime_exporter.web.pushes.native import NATIVE

DIALECTS = (NATIVE,)
