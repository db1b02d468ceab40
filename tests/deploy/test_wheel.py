"""The wheel that users install, built from the checkout without a network."""

import email
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from tests.deploy.definition import CHECKOUT

LICENCE_ADDRESS = "https://www.apache.org/licenses/LICENSE-2.0"


@pytest.fixture
def wheel(tmp_path: Path) -> zipfile.Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    (built,) = tmp_path.glob("*.whl")
    return zipfile.Path(built)


def metadata_folder(wheel: zipfile.Path) -> zipfile.Path:
    (folder,) = (path for path in wheel.iterdir() if path.name.endswith(".dist-info"))
    return folder


def metadata(wheel: zipfile.Path) -> Message:
    return email.message_from_string((metadata_folder(wheel) / "METADATA").read_text())


def test_the_wheel_names_its_licence_as_spdx_does_and_carries_the_file(
    wheel: zipfile.Path,
) -> None:
    said = metadata(wheel)

    assert said["License-Expression"] == "Apache-2.0"
    assert said.get_all("License-File") == ["LICENSE"]
    carried = (metadata_folder(wheel) / "licenses" / "LICENSE").read_text()
    assert carried == (CHECKOUT / "LICENSE").read_text()
    assert LICENCE_ADDRESS in carried


def test_a_wheel_is_plain_python_unless_compilation_is_wanted(wheel: zipfile.Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


def test_the_wheel_has_the_package_and_no_other_files(wheel: zipfile.Path) -> None:
    names = {path.name for path in wheel.iterdir()} - {metadata_folder(wheel).name}

    assert names == {"yuptime_exporter"}
