import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gradlab.cli import main

ROOT = Path(__file__).resolve().parent.parent

COURSE = """import math
import numpy as np

def linear(x, weight, bias): return x @ weight.T + bias

def linear_backward(grad_output, x, weight, bias):
    return grad_output @ weight, grad_output.T @ x, grad_output.sum(axis=0)

def relu(x): return np.maximum(x, 0)

def relu_backward(grad_output, x):
    return grad_output * (x > 0)

def wrong(x): return 2 * x
def wrong_backward(grad_output, x): return 3 * grad_output
def empty(grad_output): pass
root = math.sqrt
root_backward = math.sqrt

class Square:
    def forward(self, x):
        self.x = x
        return x * x
    def backward(self, grad_output): return 2 * self.x * grad_output

gradlab_spec = {
    "linear": {"signature": "(n,i),(o,i),(o)->(n,o)"},
    "relu": {"signature": "(n)->(n)", "backward": relu_backward},
}
"""

# It looks at shapes only, as weak tests do.
WEAK = """
import numpy as np
from course import linear_backward
inputs = np.ones((4, 2)), np.ones((3, 2)), np.ones(3)
for gradient, array in zip(linear_backward(np.ones((4, 3)), *inputs), inputs, strict=True):
    assert gradient.shape == array.shape
"""

KINDS = ("--operator=sign", "--operator=axis", "--operator=reduction", "--operator=order")


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a reader's file and a weak test, which is the working directory."""
    (tmp_path / "course.py").write_text(COURSE)
    (tmp_path / "weak.py").write_text(WEAK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of `gradlab mutate` with seed 1."""
    try:
        status = main(["mutate", "--seed", "1", *argv])
    except SystemExit as left:
        status = int(left.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def outcomes(path: str = "r.json") -> dict[str, dict[str, Any]]:
    """The outcomes in a JSON file, by id."""
    data = json.loads(Path(path).read_text())
    return {item["id"]: item for target in data["targets"] for item in target["outcomes"]}


def test_a_weak_test_has_a_low_score(capsys: pytest.CaptureFixture[str], course: Path) -> None:
    """A test of shapes alone lets every sign through; each survivor has its diff and inputs that show it."""
    before = (course / "course.py").stat().st_mtime_ns
    argv = ("course.py:linear_backward", *KINDS, "-n2", "--json=r.json", "--", sys.executable, "weak.py")
    status, out, err = run(capsys, *argv)
    assert (status, err) == (1, "")
    kinds = {label: item["kind"] for label, item in outcomes().items()}
    assert [label for label, kind in kinds.items() if kind == "survived"] == [
        "7-sign-1", "7-sign-2", "7-sign-3", "7-reduction-1"
    ]  # fmt: skip
    assert kinds["7-axis-1"] == kinds["7-order-1"] == "killed"
    assert "-    return grad_output @ weight, grad_output.T @ x, grad_output.sum(axis=0)\n" in out
    assert "  differs: grad x is " in out
    assert "course.py:linear_backward: killed 5 of 9 (55.5 %)\n" in out
    assert (course / "course.py").read_text() == COURSE
    assert (course / "course.py").stat().st_mtime_ns == before


def test_gradlab_kills_what_the_weak_test_lets_pass(capsys: pytest.CaptureFixture[str], course: Path) -> None:
    """Without a command gradlab's own check is the test, by the spec beside the function: all are killed."""
    status, out, err = run(capsys, "course.py:linear_backward", *KINDS, "--profile=quick", "--json=r.json")
    assert (status, err) == (0, ""), out
    assert out.splitlines()[-2:] == [
        "course.py:linear_backward: killed 9 of 9 (100.0 %)",
        "test: gradlab's own check, profile quick; seed 1",
    ]
    laws = {item["why"].partition(": ")[0] for item in outcomes().values()}
    assert {"value", "contract"} <= laws


def test_resume_and_one_mutant(capsys: pytest.CaptureFixture[str], course: Path) -> None:
    """What the log knows is not run again; --mutant runs one; --list runs nothing."""
    argv = ("course.py:relu", "--operator=comparison", "--resume=log", "--json=r.json")
    command = ("--", sys.executable, "-c", "import course, numpy as np; assert course.relu_backward(1, -2.0) == 0")
    first = run(capsys, *argv, *command)
    assert (first[0], first[1].splitlines()[-2]) == (
        0,
        "course.py:relu_backward: killed 1 of 1 (100.0 %); 1 equivalent",
    )
    assert outcomes()["12-comparison-1"]["equivalence"] == "kinks"
    log = Path("log").read_text()
    assert run(capsys, *argv, *command) == first
    assert Path("log").read_text() == log
    status, out, _ = run(capsys, "course.py:relu", "--mutant=12-comparison-2", *command)
    assert (status, "killed 1 of 1" in out) == (0, True)
    assert run(capsys, "course.py:Square", "--list", "--operator=constant")[1].splitlines()[:2] == [
        "course.py:Square.backward",
        "  24-constant-1: 2 becomes 1",
    ]
    assert run(capsys, "course.py:relu_backward", "--list", "--operator=comparison") == (
        0,
        "course.py:relu_backward\n  12-comparison-1: x > 0 becomes x >= 0\n  12-comparison-2: x > 0 becomes x < 0\n",
        "",
    )


def test_operations_and_layers(capsys: pytest.CaptureFixture[str], course: Path) -> None:
    """A registered kernel; a layer's method by its class, described on the line; both in one run."""
    argv = ("relu", "--operator=sign", "--profile=quick")
    status, out, _ = run(capsys, *argv)
    assert (status, out.splitlines()[-2]) == (0, "relu: killed 2 of 2 (100.0 %)")
    argv = ("course.py:Square", "--signature=(n)->(n)", "--operator=constant", "--operator=dtype", "--profile=quick")
    status, out, err = run(capsys, *argv)
    assert (status, err, out.splitlines()[-2]) == (0, "", "course.py:Square.backward: killed 4 of 4 (100.0 %)")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["course.py:linaer", "--", "true"], "course.py: defines no function 'linaer'; did you mean 'linear'?"),
        (["course.py:linaer"], "course.py:linaer: course.py has no 'linaer'; did you mean 'linear'?"),
        (["course.py", "--", "true"], "course.py: name the function to mutate: course.py:name"),
        (["notes.txt.py:f"], "notes.txt.py: not a Python file: invalid syntax (line 1)"),
        (["nowhere.py:f"], "nowhere.py: no such file"),
        (["math:sqrt", "--", "true"], "math:sqrt: no source available (MATH); only Python can be mutated"),
        (["no.such:f", "--", "true"], "no.such:f: no module named 'no.such'; a file is path/to/file.py"),
        (
            ["course.py:root", "--signature=()->()"],
            "course.py:root: no source available: <built-in function sqrt> is not written in Python; "
            "only Python can be mutated",
        ),
        (
            ["course.py:empty", "--", "true"],
            "course.py:empty: no mutants: it has nothing that could be written wrongly",
        ),
        (["course.py:relu", "--"], "nothing follows --; write: gradlab mutate TARGET -- COMMAND …"),
        (["course.py:relu", "--mutant=3", "--", "true"], "course.py:relu_backward: no mutant '3'; known: "),
        (["course.py:relu", "--operator=sing", "--", "true"], "no operator 'sing'; did you mean 'sign'?"),
        (["sofmax"], "unknown operation 'sofmax'; did you mean 'softmax'"),
        (["softmax", "--signature=()->()"], "--signature describes a function of yours; name its file"),
        (
            ["course.py:relu", "--", sys.executable, "-c", "1 / 0"],
            "fails without any mutation (exit status 1); let it pass first. It ends:",
        ),
        (
            ["course.py:wrong", "--signature=(n)->(n)", "--profile=quick"],
            "course.py:wrong_backward: gradlab's own check does not pass without any mutation (value: ",
        ),
    ],
)
def test_bad_requests(capsys: pytest.CaptureFixture[str], course: Path, argv: list[str], message: str) -> None:
    """The value and the remedy on stderr, nothing on stdout, exit status 2."""
    import math

    (course / "notes.txt.py").write_text("these are notes\n")
    status, out, err = run(capsys, *argv)
    assert (status, out) == (2, "")
    assert message.replace("MATH", getattr(math, "__file__", "built-in")) in err
    assert "Traceback" not in err.partition("It ends:")[0]


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_interrupt_prints_what_is_known(course: Path) -> None:
    """Ctrl-C while a mutant hangs: what is known is printed, and what ran is gone."""
    (course / "slow.py").write_text(
        "import os, pathlib, course\n"
        "if abs(course.relu_backward(1, 2)) != 1 or course.relu_backward(1, 2) is None: raise SystemExit(1)\n"
        "if course.relu_backward(1, 2) == -1:\n"
        "    pathlib.Path('started').write_text(str(os.getpid()))\n    while True: pass\n"
    )
    command = [sys.executable, "-m", "gradlab", "mutate", "course.py:relu", "--operator=sign", "--operator=constant"]
    command += ["--timeout=60", "--seed=1", "--", sys.executable, "slow.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=course, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:  # fmt: skip
        started = course / "started"
        limit = time.monotonic() + 60
        while not (started.exists() and started.read_text()) and time.monotonic() < limit:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert out.splitlines()[-1].startswith("interrupted; test: ")
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    assert (course / "course.py").read_text() == COURSE
