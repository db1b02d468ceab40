import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.compare import Figure, compared, figures_of

CHECKOUT = Path(__file__).parents[2]
RATE = Figure("1,000, exporter", "pushes/s")


def test_the_names_in_a_row_tell_its_figures_apart() -> None:
    headers = ("monitors", "server", "pushes/s", "p99 ms")
    rows = [("1,000", "exporter", 900.0, 4), ("1,000", "pushgateway", 800.0, None)]

    assert figures_of(headers, rows) == {
        RATE: 900.0,
        Figure("1,000, exporter", "p99 ms"): 4,
        Figure("1,000, pushgateway", "pushes/s"): 800.0,
    }


def test_a_comparison_shows_the_ratio_of_the_medians_and_the_spread_of_the_rounds() -> None:
    before = [{RATE: 90.0}, {RATE: 100.0}, {RATE: 120.0}]
    after = [{RATE: 1.0}, {RATE: 150.0}, {RATE: 160.0}]

    assert list(compared(before, after)) == [
        ("1,000, exporter", "pushes/s", 100.0, 150.0, 1.5, "30 %")
    ]


def test_a_figure_that_one_checkout_lacks_has_no_ratio() -> None:
    ((*_, new, ratio, _),) = compared([{RATE: 90.0}], [{}])

    assert new != new, "not a number"  # noqa: PLR0124
    assert ratio != ratio  # noqa: PLR0124


def compare(before: Path) -> subprocess.CompletedProcess[str]:
    few = ("--alone", "--rounds", "1", "--seconds", "0.05", "--monitors", "2")
    return subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.compare", "push", "--before", before),
            *("--rounds", "1", "--", *few),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.peer  # takes whole seconds
def test_a_benchmark_is_compared_for_two_checkouts() -> None:
    ended = compare(before=CHECKOUT)

    assert ended.returncode == 0, ended.stderr
    assert "after/before" in ended.stdout
    assert "2, 32 new each, exporter  CPU us/push" in ended.stdout


@pytest.mark.peer  # takes whole seconds
def test_the_exporter_of_the_other_checkout_is_measured(tmp_path: Path) -> None:
    package = tmp_path / "yuptime_exporter"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("raise SystemExit('the other exporter')\n")

    ended = compare(before=tmp_path)

    assert ended.returncode != 0
    assert "the other exporter" in ended.stderr
