from benchmarks.page import markdown
from benchmarks.plot import Line, plot


def test_a_table_of_the_page_has_its_figures_at_the_right() -> None:
    cells = [["server", "pushes/s", "ratio"], ["a | b", "1,000", "1.3x"], ["exporter", "20.5", "-"]]

    assert markdown(cells).splitlines() == [
        "| server | pushes/s | ratio |",
        "| --- | --: | --: |",
        r"| a \| b | 1,000 | 1.3x |",
        "| exporter | 20.5 | - |",
    ]


def test_a_plot_has_a_point_for_each_figure_above_the_axis_that_begins_at_zero() -> None:
    drawn = plot([Line("one", [(10, 20.0), (100_000, 40.0)])], title="a < b", x_label="monitors")

    assert drawn.count("<circle") == 2
    assert "a &lt; b" in drawn
    assert [f">{tick:,}<" in drawn for tick in (10, 100, 1_000, 10_000, 100_000, 1_000_000)] == [
        *[True] * 5,
        False,
    ]
    assert ">0<" in drawn
    assert ">50<" in drawn
