"""Draws the pictures of docs/dashboards.md: `python -m tests.dashboards.draw`."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from tests.dashboards.asking import dashboards
from tests.dashboards.conftest import answered
from tests.dashboards.day import scripted_day
from tests.dashboards.drawing import picture
from tests.peers.programs import Generation
from tests.rules.files import CHECKOUT

IMAGES = CHECKOUT / "docs" / "images"

# The drawn answers: for the dashboard of one job, those of a job with many events.
DRAWN = {
    "yuptime-overview": "yuptime-overview",
    "yuptime-monitor": "yuptime-monitor shop/mail-queue",
    "yuptime-exporter": "yuptime-exporter",
}


def image(uid: str) -> Path:
    return IMAGES / f"dashboard-{uid.removeprefix('yuptime-')}.svg"


def pictures(answers: dict[str, Any]) -> dict[Path, str]:
    """All pictures, by their paths."""
    return {
        image(uid): picture(dashboard, answers[DRAWN[uid]])
        for uid, dashboard in dashboards().items()
    }


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "exporters").mkdir()
        day = await scripted_day(path / "exporters")
        answers = await answered(Generation.NEWEST, path / "prometheus", day)
    for where, svg in pictures(answers).items():
        where.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
