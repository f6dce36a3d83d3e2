"""The wheel holds all that it needs: built, installed into an empty environment, it runs the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_our_name_and_carries_policy_types_and_recorded_runs(wheel: Path) -> None:
    assert wheel.name.startswith("flakelens_junit-")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"flakelens/gate1.toml", "flakelens/py.typed", "flakelens/recorded/truth.json"} <= set(names)
    assert {
        f"flakelens/render/html/{name}" for name in ("templates/report.html.j2", "static/base.css", "static/main.js")
    } <= set(names)
    assert sum(name.endswith("/run.json") for name in names) >= 60
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"flakelens"}


def test_installed_into_an_empty_environment_it_runs_the_demo(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    binaries = tmp_path / "env" / "bin"
    install = [str(binaries / "python"), "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, text=True)
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FLAKELENS", "GITHUB"))
    }
    done = subprocess.run(
        [str(binaries / "flakelens"), "demo"], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Gate 1: test reliability" in done.stdout
