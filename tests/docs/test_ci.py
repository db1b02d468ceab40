"""The script that CI runs, with a `make` that only pretends."""

import os
import subprocess
from pathlib import Path

from tests.docs.documents import CHECKOUT

TEST_FAILURE = "FAILED tests/web/test_site.py::test_it - AssertionError: assert 200 == 500"
TEST_ERROR = "ERROR tests/web/test_site.py::test_other - OSError: too many open files"

# `make test` fails in its first ring, and succeeds with much output after that.
PRETENDED_MAKE = f"""#!/bin/sh
test "$1" = test || exit 0
echo "{TEST_FAILURE}"
echo "{TEST_ERROR}" >&2
seq 100
exit 2
"""


def run_ci(folder: Path, make: str) -> subprocess.CompletedProcess[str]:
    command = folder / "make"
    command.write_text(make)
    command.chmod(0o755)
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    return subprocess.run(
        ["/bin/bash", CHECKOUT / ".ci" / "run"],
        env=os.environ | {"PATH": path, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_the_end_of_a_failed_run_names_the_tests_that_failed_and_the_part(tmp_path: Path) -> None:
    ended = run_ci(tmp_path, PRETENDED_MAKE)

    assert ended.returncode == 1
    assert ended.stdout.splitlines()[-4:] == [TEST_FAILURE, TEST_ERROR, "", "FAILED: make test"]


def test_a_run_without_a_failure_ends_with_its_last_part(tmp_path: Path) -> None:
    ended = run_ci(tmp_path, "#!/bin/sh\n")

    assert ended.returncode == 0
    assert ended.stdout.splitlines()[-1].startswith("---- make test: passed after ")


def test_a_run_leaves_no_file_behind(tmp_path: Path) -> None:
    run_ci(tmp_path, PRETENDED_MAKE)

    assert [file.name for file in tmp_path.iterdir()] == ["make"]
