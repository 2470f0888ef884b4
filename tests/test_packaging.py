"""The wheel: what is in it, and that it works away from the checkout."""

import os
import subprocess
import sys
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command and return what it printed; fails with its stderr."""
    result = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without network."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    (path,) = folder.glob("gradlab-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing of the checkout."""
    target = tmp_path_factory.mktemp("site")
    offline = ("--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", target, wheel, cwd=target)
    return target


def test_wheel_holds_definitions_kernels_and_types(wheel: Path) -> None:
    """Every derivation, kernel and template of the checkout is in the wheel, with py.typed and no compiled file."""
    files = {PurePosixPath(name) for name in ZipFile(wheel).namelist()}
    package = {file.relative_to(ROOT) for file in (ROOT / "gradlab").rglob("*.py")}
    definitions = {Path("gradlab/_derivations", file.name) for file in (ROOT / "derivations").glob("*.py")}
    templates = {file.relative_to(ROOT) for file in (ROOT / "gradlab").rglob("templates/*")}
    assert definitions
    assert templates
    assert files >= {PurePosixPath(path.as_posix()) for path in package | definitions | templates}
    assert PurePosixPath("gradlab/py.typed") in files
    assert not [file for file in files if file.suffix == ".pyc"]
    assert {file.parts[0] for file in files if not file.parts[0].endswith(".dist-info")} == {"gradlab"}


def test_installed_wheel_lists_operations(installed: Path, tmp_path: Path) -> None:
    """`python -m gradlab list` and the console script run on the wheel's files, from any folder."""
    by_module = run(sys.executable, "-m", "gradlab", "list", cwd=tmp_path, PYTHONPATH=str(installed))
    by_script = run(installed / "bin" / "gradlab", "list", cwd=tmp_path, PYTHONPATH=str(installed))
    assert "softmax" in by_module
    assert by_script == by_module
    where = run(
        sys.executable, "-c", "import gradlab; print(gradlab.__file__)", cwd=tmp_path, PYTHONPATH=str(installed)
    )
    assert Path(where.strip()).is_relative_to(installed)
