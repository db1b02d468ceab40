"""The rules under vmalert: the same tests as under promtool."""

from pathlib import Path

import pytest

from tests.peers.programs import Generation, require
from tests.rules.files import RULE_TESTS, run
from tests.rules.vmalert import for_vmalert

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_the_rules_pass_their_tests_on_victoriametrics(path: Path, tmp_path: Path):
    copy = tmp_path / path.name
    copy.write_text(for_vmalert(path))

    tested = run(require("vmalert-tool", Generation.NEWEST), "unittest", f"--files={copy}")

    assert tested.returncode == 0, tested.stdout


def test_a_wrong_expectation_fails_on_victoriametrics(tmp_path: Path):
    (path,) = [path for path in RULE_TESTS if path.stem == "replicas_test"]
    copy = tmp_path / path.name
    copy.write_text(for_vmalert(path).replace("reported down", "reported nothing"))

    tested = run(require("vmalert-tool", Generation.NEWEST), "unittest", f"--files={copy}")

    assert tested.returncode != 0
    assert "reported nothing" in tested.stdout
