import os
import sys
import time
from pathlib import Path

import pytest

from gradlab.errors import SignatureError
from gradlab.mutate.command import Command

COURSE = "import numpy as np\ndef half(x):\n    return x / 2\n"
WRONG = COURSE.replace("/", "*")

# How a test may come to the function: each prints nothing and passes where half(6) is 3.
WAYS = {
    "import": "import course; assert course.half(6) == 3",
    "subprocess": "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import course; "
    "assert course.half(6) == 3'], check=True)",
    "by path": "import importlib.util as u; spec = u.spec_from_file_location('other', 'course.py'); "
    "m = u.module_from_spec(spec); spec.loader.exec_module(m); assert m.half(6) == 3",
    "link": "import sys; sys.path.insert(0, 'elsewhere'); import linked; assert linked.half(6) == 3",
    "runpy": "import runpy; assert runpy.run_module('course')['half'](6) == 3",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one file, as the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("course.py").write_text(COURSE)
    Path("elsewhere").mkdir()
    # As an editable installation does it: another path to the same file.
    os.symlink(tmp_path / "course.py", tmp_path / "elsewhere" / "course.py")  # noqa: PTH211 - reads like `ln -s`
    Path("elsewhere/linked.py").write_text("from course import half\n")
    return tmp_path


def script(text: str) -> Command:
    """A test command that runs a program in Python."""
    Path("check.py").write_text(text + "\n")
    return Command([sys.executable, "check.py"], "course.py")


@pytest.mark.parametrize("way", WAYS)
def test_the_mutant_is_what_is_imported(folder: Path, way: str) -> None:
    """However a test comes to the function, in its own process or in another: it meets the mutant."""
    command = script(WAYS[way])
    assert command.clean(COURSE) > 0
    assert command.judge(WRONG).status == "killed"
    assert command.judge(COURSE + "# nothing else\n").status == "survived"


def test_nothing_is_left_behind(folder: Path) -> None:
    """The file has its bytes and its time; no compiled file holds the mutant; Python imports what the file says."""
    before = Path("course.py").stat()
    command = script(WAYS["import"])
    command.clean(COURSE)
    assert command.judge(WRONG).status == "killed"
    assert Path("course.py").read_text() == COURSE
    assert Path("course.py").stat().st_mtime_ns == before.st_mtime_ns
    assert not list(folder.glob("__pycache__/course*"))
    assert command.judge(COURSE).status == "survived"
    assert not command.running


def test_pytest(folder: Path) -> None:
    """pytest in the environment of gradlab; what it and Hypothesis remember of failures stays out of the project."""
    Path("test_course.py").write_text("from course import half\ndef test_half(): assert half(6) == 3\n")
    command = Command(["pytest", "-q", "-x", "-p", "no:randomly"], "course.py")
    command.clean(COURSE)
    verdict = command.judge(WRONG)
    assert (verdict.status, verdict.why) == (
        "killed",
        "exit status 1: FAILED test_course.py::test_half - assert 12 == 3",
    )
    assert str(command) == "pytest -q -x -p no:randomly"
    assert {path.name for path in folder.iterdir()} - {"__pycache__", ".benchmarks"} == {
        "course.py", "elsewhere", "test_course.py"
    }  # fmt: skip


def test_time_limit_and_import(folder: Path) -> None:
    """A mutant without end is stopped with all that it started; one that cannot be imported is told apart."""
    command = script(WAYS["subprocess"])
    command.clean(COURSE)
    command.timeout = 1.0
    start = time.monotonic()
    assert command.judge("while True: pass\n").status == "timed out"
    assert time.monotonic() - start < 30
    command.timeout = 60.0
    verdict = command.judge("1 / 0\n")
    assert verdict.status == "invalid"
    assert verdict.why.startswith("could not be imported: ")


def test_a_sitecustomize_of_the_user_still_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours comes first and runs theirs."""
    Path("site").mkdir()
    Path("site/sitecustomize.py").write_text("import builtins; builtins.theirs = True\n")
    monkeypatch.setenv("PYTHONPATH", "site")
    command = script("assert theirs; " + WAYS["import"])
    command.clean(COURSE)
    assert command.judge(WRONG).status == "killed"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import course; print('so'); raise SystemExit(4)",
            "check.py` fails without any mutation (exit status 4); let it pass first. It ends:\n  so",
        ),
        ("import json", "check.py` passes without importing course.py, so that no mutant could be noticed; "),
    ],
)
def test_bad_commands(folder: Path, text: str, message: str) -> None:
    """A command that fails anyway, or has nothing to do with the file, is refused."""
    with pytest.raises(SignatureError) as caught:
        script(text).clean(COURSE)
    assert message in str(caught.value)


def test_command_that_is_not_there() -> None:
    """Named, with the form that is expected."""
    with pytest.raises(
        SignatureError, match="no-such-program: command not found; write: gradlab mutate TARGET -- COMMAND"
    ):
        Command(["no-such-program"], "course.py")
