"""The command line: what it prints, what it writes, what it says when something is wrong."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradlab import registry
from gradlab.cli import main
from gradlab.errors import MissingDependencyError

ROOT = Path(__file__).resolve().parent.parent
OWN = """
from sympy import Idx, IndexedBase, symbols
from gradlab.symbolic.definition import Definition, given, let
N = symbols("N", integer=True)
n = Idx("n", N)
x, y = map(IndexedBase, "xy")
square = Definition(name="square", summary="The square.", inputs=[given(x[n])], lets=[let(y[n], x[n] ** 2)],
                    output=y[n], reference="x ** 2")
"""


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command."""
    try:
        status = main(argv)
    except SystemExit as left:
        status = int(left.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A definition of the reader's own."""
    path = tmp_path / "square.py"
    path.write_text(OWN)
    return path


# list, show ----------------------------------------------------------------------------------------------------------


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each operation: name, signature, summary and parameters."""
    status, out, _ = run(capsys, "list")
    lines = out.splitlines()
    assert status == 0
    assert [line.split()[0] for line in lines] == list(registry.names())
    (line,) = (line for line in lines if line.startswith("batch_norm "))
    assert re.split(r"\s{2,}", line)[1] == "(n,c),(c),(c)->(n,c)"
    assert line.endswith("[eps=1e-05]")


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The records, in JSON without infinities."""
    status, out, _ = run(capsys, "list", "--json")
    records = {record["name"]: record for record in json.loads(out, parse_constant=pytest.fail)}
    assert status == 0
    assert set(records) == set(registry.names())
    assert records["softmax"]["signature"] == "(...,d)->(...,d)"
    assert records["relu"]["kinks"] == [{"argument": "x", "where": "x == 0", "derivative": 0.0}]
    assert records["batch_norm"]["parameters"][0]["default"] == 1e-5
    assert records["softmax"]["arguments"][0]["domain"]["maximum"] is None


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments, definition, facts, saved tensors, reference and kernels of one operation."""
    status, out, _ = run(capsys, "show", "softmax_cross_entropy")
    digest = registry.operation("softmax_cross_entropy").digest
    folder = ROOT / "gradlab" / "kernels"
    assert status == 0
    assert out.splitlines() == [
        "softmax_cross_entropy  (n,d),(n,d)->()",
        "Mean cross-entropy of softmax(x) against targets t (one-hot or soft).",
        "",
        "arguments   x: real",
        "            t: simplex, zeros allowed, no gradient",
        "definition  derivations/softmax_cross_entropy.py",
        "            e[n,d] = exp(x[n,d])",
        "            s[n] = sum[d](e[n,d])",
        "            p[n,d] = e[n,d] / s[n]",
        "            t1[n] = log(s[n])",
        "            log_p[n,d] = x[n,d] - t1[n]",
        "            loss = -sum[n,d](log_p[n,d] * t[n,d]) / N",
        "            sum[d](t[n,d]) = 1  (declared fact)",
        "saved       t, p",
        "reference   torch.nn.functional.cross_entropy(x, t)",
        f"digest      {digest}",
        f"kernels     {folder / 'numpy' / 'softmax_cross_entropy.py'}",
        f"            {folder / 'torch' / 'softmax_cross_entropy.py'}",
    ]


# derive --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "fragment"),
    [
        ("text", "J_x = diag(y) - y y^T"),
        ("latex", r"\operatorname{diag}(y) - y\, y^\top"),
        ("sympy", "grad_x = (grad_output[n, d] - Sum("),
        ("numpy", "import numpy as np"),
        ("torch", "import torch"),
    ],
)
def test_derive_prints(capsys: pytest.CaptureFixture[str], target: str, fragment: str) -> None:
    """Each form goes to standard output."""
    status, out, err = run(capsys, "derive", "softmax", "--to", target)
    assert (status, err) == (0, "")
    assert fragment in out


def test_derive_prints_the_committed_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is the file that is imported."""
    _, out, _ = run(capsys, "derive", "softmax", "--to", "numpy")
    assert out == (ROOT / "gradlab" / "kernels" / "numpy" / "softmax.py").read_text()


def test_derive_to_a_file_and_to_a_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One operation goes to the file that is named, several go to a folder."""
    path, folder = tmp_path / "s.tex", tmp_path / "build"
    assert run(capsys, "derive", "softmax", "--to", "latex", "-o", str(path)) == (0, f"{path}\n", "")
    assert path.read_text().startswith(r"\documentclass")
    status, out, _ = run(capsys, "derive", "softmax", "relu", "--to", "text", "-o", str(folder))
    assert (status, out.split()) == (0, [str(folder / "softmax.txt"), str(folder / "relu.txt")])
    assert (folder / "relu.txt").read_text().startswith("relu\n====\n")


def test_derive_a_file_of_ones_own(capsys: pytest.CaptureFixture[str], own: Path, tmp_path: Path) -> None:
    """A file's definition is derived like gradlab's own, and its kernels go where the reader says."""
    status, out, _ = run(capsys, "derive", str(own), "--to", "text")
    assert status == 0
    assert "grad_x[n] = 2 * g[n] * x[n]" in out
    status, out, _ = run(capsys, "derive", str(own), "-o", str(tmp_path / "kernels"))
    assert status == 0
    assert re.fullmatch(
        r"square: \d+ steps proved .*, (\d+) of \1 mutants rejected, .*; numpy, torch written \(\d.*s\)\n", out
    )
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("kernels/*/*.py")) == [
        "kernels/numpy/square.py",
        "kernels/torch/square.py",
    ]


def test_kernels_of_ones_own_need_a_place(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    """Nothing is written into the package for a reader's file."""
    status, out, err = run(capsys, "derive", str(own))
    assert (status, out) == (2, "")
    assert err == f"gradlab: {own}: say what to do with it: --to text, --to numpy, …, or -o FOLDER for its kernels\n"


def test_check_finds_nothing_stale(capsys: pytest.CaptureFixture[str]) -> None:
    """The committed kernels are what the definitions give; every step is proved and every mutant rejected.

    tox's environment `kernels` runs the command over all operations.
    """
    status, out, _ = run(capsys, "derive", "relu", "softmax", "batch_norm", "max", "--check")
    assert status == 0, out
    assert [line.partition(":")[0] for line in out.splitlines()] == ["relu", "softmax", "batch_norm", "max"]
    for line in out.splitlines():
        assert re.search(r"steps proved .* (\d+) of \1 mutants rejected.*; kernels up to date", line), line


def test_check_shows_a_diff(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that was edited by hand fails the check, with a unified diff and the command that mends it."""
    from gradlab.codegen import files

    folder = tmp_path / "gradlab" / "kernels"
    shutil.copytree(files.kernels_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    kernel = folder / "numpy" / "relu.py"
    kernel.write_text(kernel.read_text().replace("import numpy as np", "import numpy as numpy"))
    monkeypatch.setattr(files, "kernels_folder", lambda: folder)
    status, out, _ = run(capsys, "derive", "relu", "--check")
    lines = out.splitlines()
    assert status == 1
    assert re.search(r"^relu: .*; numpy differs \(", lines[0])
    assert lines[1:3] == [
        "--- gradlab/kernels/numpy/relu.py (on disk)",
        "+++ gradlab/kernels/numpy/relu.py (derived)",
    ]
    assert "-import numpy as numpy" in lines
    assert "+import numpy as np" in lines
    assert lines[-1] == "kernels differ from what their definitions give; run: gradlab derive"
    assert "numpy written" in run(capsys, "derive", "relu")[1]
    assert run(capsys, "derive", "relu", "--check")[0] == 0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["derive", "--to", "text"], "--to needs the name of an operation, or --all"),
        (["derive", "softmax", "--all"], "--all derives every operation: leave out the names"),
        (["derive", "--check", "--to", "text"], "--check compares gradlab's own kernels: leave out --to and -o"),
    ],
)
def test_requests_that_make_no_sense(capsys: pytest.CaptureFixture[str], argv: list[str], message: str) -> None:
    """The message says which two things do not go together; the exit status is 2."""
    status, out, err = run(capsys, *argv)
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == f"gradlab derive: error: {message}"


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["show"], ["derive", "--to", "text"], ["verify"]])
def test_unknown_operation(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    """One line with the name that was meant, exit status 2."""
    status, out, err = run(capsys, *command, "sofmax")
    assert (status, out) == (2, "")
    assert err == "gradlab: unknown operation 'sofmax'; did you mean 'softmax' or 'log_softmax' or 'max'?\n"


def test_broken_definition(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    """The file, the operation, the binding and the remedy, on one line."""
    own.write_text(OWN.replace("x[n] ** 2)]", "x[n] * z)]").replace("x, y =", "z = symbols('z')\nx, y ="))
    status, _, err = run(capsys, "derive", str(own), "--to", "text")
    assert status == 2
    assert err.startswith(f"gradlab: {own.parent.name}/square.py: square: binding y[n]: unknown ")
    assert err.endswith("\n")
    assert err.count("\n") == 1


def test_missing_dependency(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the pip command, exit status 2."""

    def absent(name: str, backend: str = "numpy") -> Any:
        raise MissingDependencyError("torch is not installed; run: pip install 'gradlab[torch]'")

    monkeypatch.setattr(registry, "kernel", absent)
    status, out, err = run(capsys, "verify", "softmax", "--backend", "torch")
    assert (status, out) == (2, "")
    assert err == "gradlab: torch is not installed; run: pip install 'gradlab[torch]'\n"


def test_unwritable_output(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A path that cannot be written is one line, not a traceback."""
    path = tmp_path / "no" / "such" / "folder.txt"
    status, _, err = run(capsys, "derive", "relu", "--to", "text", "-o", str(path))
    assert (status, err) == (2, f"gradlab: {path}: No such file or directory\n")


def test_reader_that_goes_away() -> None:
    """`gradlab list | head -1` prints one line and no traceback."""
    command = f"{sys.executable} -m gradlab list --json | head -1"
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("[\n", "")


# verify --------------------------------------------------------------------------------------------------------------


def test_verify(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A table with a row for each gradient, a summary with the seed, and the same as JSON."""
    path = tmp_path / "report.json"
    argv = ["verify", "linear", "--backend", "numpy", "--profile", "quick", "--seed", "3", "--json", str(path)]
    status, out, _ = run(capsys, *argv)
    assert status == 0
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    assert [(row[0], row[2], row[7]) for row in cells] == [
        ("linear", "x", "pass"),
        ("", "weight", "pass"),
        ("", "bias", "pass"),
    ]
    assert out.splitlines()[-1] == "gradients: 3 pass; profile quick, seed 3"
    data = json.loads(path.read_text())
    assert (data["profile"], data["seed"], data["interrupted"]) == ("quick", 3, False)
    assert [row["argument"] for row in data["rows"]] == ["x", "weight", "bias"]


def test_verify_failure(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong kernel gives exit status 1, the shrunk case and the seed that repeats it."""
    sound = registry.kernel("relu")
    faulty = SimpleNamespace(
        forward=sound.forward,
        backward=lambda grad_output, saved: tuple(g * 1.001 for g in sound.backward(grad_output, saved)),
        jvp=sound.jvp,
        OPERATION=sound.OPERATION,
    )
    kernels = registry.kernel

    def planted(name: str, backend: Any = "numpy") -> Any:
        return faulty if backend == "numpy" else kernels(name, backend)

    monkeypatch.setattr(registry, "kernel", planted)
    status, out, _ = run(capsys, "verify", "relu", "--backend", "numpy", "--profile", "quick", "--seed", "3")
    assert status == 1
    assert "relu (numpy): FAIL" in out
    assert re.search(r"case: .*float64", out)
    assert "grad_output = " in out
    assert out.splitlines()[-1] == "gradients: 1 fail; profile quick, seed 3"


def test_interrupted_verify_prints_its_rows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C prints the rows that are done and leaves with 130."""
    from gradlab.verify import registered

    rows = registered.verify_operations(["relu"], backends=("numpy",), profile="quick", seed=1)

    def interrupted(*args: Any, **options: Any) -> Iterator[Any]:
        yield next(rows)
        raise KeyboardInterrupt

    monkeypatch.setattr(registered, "verify_operations", interrupted)
    status, out, _ = run(capsys, "verify", "relu", "softmax", "--seed", "1", "--profile", "quick")
    assert status == 130
    assert re.search(r"│ relu +│ numpy +│ x ", out)
    assert out.splitlines()[-1] == "interrupted; gradients: 1 pass; profile quick, seed 1"


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_real_interrupt() -> None:
    """The signal that Ctrl-C sends to a running process ends it with its table, not with a traceback."""
    command = [sys.executable, "-m", "gradlab", "verify", "--backend", "numpy", "--profile", "thorough"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, err = "", ""
        while process.poll() is None:  # on a loaded machine the first signal may meet a process that is still importing
            time.sleep(6)
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in out + err


# The door itself -----------------------------------------------------------------------------------------------------


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the installed version."""
    status, out, _ = run(capsys, "--version")
    assert status == 0
    assert re.fullmatch(r"gradlab (\d+\.\d+.*|\(not installed\))\n", out)


@pytest.mark.parametrize("command", ["list", "show", "derive", "verify", "report"])
def test_help_has_examples(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """Every command explains itself with examples that begin with its own name."""
    status, out, _ = run(capsys, command, "--help")
    assert status == 0
    examples = out.partition("examples:\n")[2].splitlines()
    assert examples[0].startswith(f"  gradlab {command}")


@pytest.mark.parametrize("argv", [["list"], ["list", "--json"], ["--help"], ["derive", "--help"], ["verify", "--help"]])
def test_light_commands_load_nothing_heavy(argv: list[str]) -> None:
    """Listing and help load neither SymPy, Hypothesis nor torch."""
    program = (
        "import sys\nfrom gradlab.cli import main\n"
        f"try:\n    main({argv!r})\nexcept SystemExit:\n    pass\n"
        "print(sorted({'sympy', 'hypothesis', 'jinja2', 'torch', 'mpmath', 'rich'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
