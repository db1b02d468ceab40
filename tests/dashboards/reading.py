"""Reads the answers to the queries of dashboards."""

from typing import Any

from dashboards.cluster import following, writing
from dashboards.promql import STATES
from tests.dashboards.asking import STEP

Answers = dict[str, Any]

OVERVIEW, MONITOR, EXPORTER = "yuptime-overview", "yuptime-monitor", "yuptime-exporter"
ON_FILES = f"{EXPORTER} on files"
OF_KUBERNETES = {panel["title"] for _, panel in (*following(), *writing())}
TEXT = {code.value: code.text for code in STATES}


def number(answers: Answers, uid: str, title: str) -> float:
    """The number of a panel with one number."""
    [one] = answers[uid][title]["A"]
    return float(one["value"][1])


def of_monitor(namespace: str, name: str) -> str:
    return f"{MONITOR} {namespace}/{name}"


def by_monitor(result: list[Any]) -> dict[tuple[str, str], float]:
    return {
        (one["metric"]["namespace"], one["metric"]["monitor"]): float(one["value"][1])
        for one in result
    }


def curve(one: Any) -> dict[int, float]:
    """The values of a series, by their moment."""
    return {int(moment): float(value) for moment, value in one["values"]}


def spans(one: Any) -> list[tuple[str, int, int]]:
    """The states of a row of a timeline: text, first and last moment."""
    found: list[tuple[str, int, int]] = []
    for moment, value in one["values"]:
        text = TEXT[int(value)]
        if found and found[-1][0] == text and moment - found[-1][2] == STEP:
            found[-1] = text, found[-1][1], moment
        else:
            found.append((text, moment, moment))
    return found


def states_of(answers: Answers, namespace: str, name: str) -> dict[int, str]:
    [one] = answers[of_monitor(namespace, name)]["State over the range"]["A"]
    return {moment: TEXT[int(value)] for moment, value in one["values"]}
