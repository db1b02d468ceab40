from pathlib import Path

import pytest

from benchmarks.tables import CHECKOUT_VARIABLE, machine


@pytest.mark.parametrize(
    ("file", "program"),
    [("evaluation.cpython-313-x86_64-linux-gnu.so", "compiled"), ("app.py", "plain Python")],
)
def test_a_table_says_whether_the_measured_exporter_is_compiled(
    file: str, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = tmp_path / "yuptime_exporter" / "core"
    core.mkdir(parents=True)
    (core / file).touch()
    monkeypatch.setenv(CHECKOUT_VARIABLE, str(tmp_path))

    assert machine().startswith(f"{program}, ")
