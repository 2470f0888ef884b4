import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import gradlab
from gradlab.cli import main
from gradlab.cli.targets import parse_domain, parse_range, parse_values

ROOT = Path(__file__).resolve().parent.parent

# One function for each way to go wrong, each in its own name; `wrong` and `good` stand between them.
HOSTILE = """
import ctypes, os
import numpy as np

def double(x): return 2.0 * x
def good(grad_output, x): return 2.0 * grad_output
def wrong(grad_output, x): return 3.0 * grad_output
def crashes(grad_output, x):
    if x.size > 1:
        ctypes.string_at(0)
    return 2.0 * grad_output
def leaves(grad_output, x): os._exit(3)
def quits(grad_output, x): raise SystemExit(4)
def hangs(grad_output, x):
    while True: pass
def prints(grad_output, x):
    print("shape", x.ndim)
    return 2.0 * grad_output
def changes(grad_output, x):
    np.seterr(all="raise")
    np.random.seed(0)
    return 2.0 * grad_output
def eats(grad_output, x): return 2.0 * grad_output + np.ones(1 << 40).sum()

gradlab_spec = {
    name: {"signature": "(n)->(n)", "forward": "double", "backward": name}
    for name in "crashes wrong leaves quits hangs prints changes eats good".split()
}
gradlab_spec["allowed"] = {**gradlab_spec["changes"], "exclude": {"isolation": "documented"}}
"""

DOORS = """
from types import SimpleNamespace
import numpy as np
import gradlab

def scale(x, weight): return x * weight
def scale_backward(grad_output, x, weight): return grad_output * weight, (grad_output * x).sum(axis=0)
def half(x, weight): return x * weight
def other(grad_output, x, weight): return grad_output * weight, 2 * (grad_output * x).sum(axis=0)
def cached(x): return np.tanh(x), np.tanh(x)
def cached_backward(grad_output, y): return grad_output * (1 - y * y)
def root(x, eps=1e-3): return np.sqrt(x * x + eps)
def root_backward(grad_output, x, eps=1e-3): return grad_output * x / np.sqrt(x * x + eps)
def pair(x): return 2 * x
def bare(x): return 2 * x
number = 3

class Square:
    def forward(self, x):
        self.x = x
        return x * x
    def backward(self, grad_output): return 2 * self.x * grad_output

class Twice:
    def forward(self, x): return 2 * x
    def backward(self, grad_output, x): return 2 * grad_output

layer, twice = Square(), Twice()
subject = gradlab.from_layer(Square)
gradlab_spec = {"scale": SimpleNamespace(signature="(n,d),(d)->(n,d)"), "pair": {"sginature": "(n)->(n)"}}
"""


@pytest.fixture
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a reader's file, which is the working directory."""
    (tmp_path / "doors.py").write_text(DOORS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of `gradlab verify` in the quick profile."""
    try:
        status = main(["verify", "--profile", "quick", "--seed", "1", *argv])
    except SystemExit as left:
        status = int(left.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


# Isolation -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run over a file of hostile functions and a file that cannot be imported, in two workers."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "hostile.py").write_text(HOSTILE)
    (folder / "broken.py").write_text("import sys\nprint('loading')\nsys.exit(5)\n")
    command = [sys.executable, "-m", "gradlab", "verify", "hostile.py", "broken.py"]
    command += ["--profile=quick", "--seed=1", "--timeout=4", "-n2", "--json=r.json", "--junit=r.xml"]
    result = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    rows = json.loads((folder / "r.json").read_text())["rows"]
    return {
        "status": result.returncode,
        "out": result.stdout,
        "err": result.stderr,
        "rows": {row["operation"].removeprefix("hostile.py:"): row for row in rows},
        "junit": ET.parse(folder / "r.xml").getroot(),
    }


def claims(row: dict[str, Any]) -> list[str]:
    """The claims of a row's findings, without their remedies."""
    return [finding["claim"].partition("; ")[0] for finding in row["findings"]]


def test_nothing_is_lost(hostile: dict[str, Any]) -> None:
    """Every function has its row, in the order asked for; the run ends as one that found failures."""
    assert (hostile["status"], hostile["err"]) == (1, "")
    assert {name: row["verdict"] for name, row in hostile["rows"].items()} == {
        "broken.py": "fail",
        "crashes": "fail",
        "wrong": "fail",
        "leaves": "fail",
        "quits": "fail",
        "hangs": "fail",
        "prints": "pass",
        "changes": "fail",
        "eats": "fail",
        "good": "pass",
        "allowed": "pass",
    }
    assert list(hostile["rows"])[:3] == ["broken.py", "crashes", "wrong"]
    assert hostile["out"].splitlines()[-1] == "gradients: 3 pass, 8 fail; profile quick, seed 1"
    assert hostile["junit"].get("tests") == "11"
    assert hostile["junit"].get("failures") == "8"


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        (
            "crashes",
            "worker died with signal 11 (SIGSEGV) while checking hostile.py:crashes (hostile.py:10 in crashes)",
        ),
        ("leaves", "worker died with exit status 3 while checking hostile.py:leaves"),
        ("hangs", "no end after 4 s while checking hostile.py:hangs"),
        ("quits", "backward raises SystemExit: 4"),
        ("broken.py", "import raises SystemExit: 5 (broken.py:3 in <module>)"),
        ("prints", "prints to standard output: 'shape 1'"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_each_misdeed_is_a_finding(hostile: dict[str, Any], name: str, claim: str) -> None:
    """What it did, and where."""
    assert claim in "\n".join(claims(hostile["rows"][name]))


def test_global_state_is_a_finding(hostile: dict[str, Any]) -> None:
    """Each state that backward changes, with a remedy; a reason in the spec's `exclude` allows it."""
    assert set(claims(hostile["rows"]["changes"])) == {
        "backward changes NumPy's global seed for the whole process",
        "backward changes np.seterr for the whole process",
    }
    assert (
        "  failure isolation: backward changes np.seterr for the whole process; use `with np.errstate(...)`"
        in hostile["out"].splitlines()
    )
    assert claims(hostile["rows"]["allowed"]) == []


def test_memory_is_limited(hostile: dict[str, Any]) -> None:
    """8 TiB are more than any machine has."""
    assert any("MemoryError" in claim for claim in claims(hostile["rows"]["eats"]))


def test_death_text(hostile: dict[str, Any]) -> None:
    """The call that ran, with its arrays, and a program that does it again."""
    lines = hostile["out"].splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("hostile.py:crashes: FAIL (seed="))
    end = lines.index("", lines.index("      backward = crashes", start) + 2)
    array = r"np.array\(\[.*\](, dtype=\"float32\")?\)"
    expected = [
        r"hostile.py:crashes: FAIL \(seed=\d+, \d+\.\d\d s\)",
        r"  failure isolation: worker died with signal 11 \(SIGSEGV\) while checking hostile.py:crashes "
        r"\(hostile.py:10 in crashes\)",
        "    case: backward",
        f"      x = {array}",
        f"      grad_output = {array}",
        "    reproduce without gradlab:",
        "      import numpy as np",
        "      from hostile import double",
        "      forward = double",
        "      from hostile import crashes",
        "      backward = crashes",
        "",
        f"      x = {array}",
        f"      grad_output = {array}",
        r"      backward\(grad_output, x\)",
    ]
    shown = lines[start:end]
    assert len(shown) == len(expected), shown
    for pattern, line in zip(expected, shown, strict=True):
        assert re.fullmatch(pattern, line), line


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_interrupt_prints_what_is_done(tmp_path: Path) -> None:
    """Ctrl-C while a function hangs: the rows before it are printed, its worker is gone."""
    (tmp_path / "slow.py").write_text(
        "import os, pathlib\ndef good(x): return x\ndef good_backward(grad_output, x): return grad_output.copy()\n"
        "def hangs(x):\n    pathlib.Path('started').write_text(str(os.getpid()))\n    while True: pass\n"
        "def hangs_backward(grad_output, x): return x\n"
        "gradlab_spec = {name: {'signature': '(n)->(n)'} for name in ('good', 'hangs')}\n"
    )
    command = [sys.executable, "-m", "gradlab", "verify", "slow.py", "--profile", "quick", "--seed", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:  # fmt: skip
        started = tmp_path / "started"
        limit = time.monotonic() + 60
        while not (started.exists() and started.read_text()) and time.monotonic() < limit:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert "slow.py:good" in out
    assert out.splitlines()[-1] == "interrupted; gradients: 1 pass; profile quick, seed 1"
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_operations_side_by_side(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """In workers, gradlab's own operations have the rows that they have in one process, in the same order."""
    rows = []
    for path, more in ((tmp_path / "1.json", ()), (tmp_path / "2.json", ("-n", "2"))):
        argv = ("linear", "relu", "--backend", "numpy", "--json", str(path), *more)
        assert run(capsys, *argv)[0] == 0
        rows.append([{**row, "seconds": 0} for row in json.loads(path.read_text())["rows"]])
    assert rows[0] == rows[1]
    assert [row["argument"] for row in rows[1]] == ["x", "weight", "bias", "x"]


# Doors ---------------------------------------------------------------------------------------------------------------


def test_ways_to_describe_a_function(capsys: pytest.CaptureFixture[str], doors: Path) -> None:
    """A spec beside the function; the backward found by its name; a layer, its class, a subject; a dotted module."""
    argv = ["doors.py:scale", "doors:scale", "--json", "r.json"]
    assert run(capsys, *argv)[0] == 0
    rows = json.loads((doors / "r.json").read_text())["rows"]
    assert [(row["operation"], row["argument"]) for row in rows] == [
        ("doors.py:scale", "x"),
        ("doors.py:scale", "weight"),
        ("doors:scale", "x"),
        ("doors:scale", "weight"),
    ]
    layers = ["doors.py:layer", "doors.py:Square", "doors.py:twice", "doors.py:subject"]
    status, out, _ = run(capsys, *layers, "--signature", "(n)->(n)", "--dim", "n=1:4")
    assert (status, out.splitlines()[-1]) == (0, "gradients: 4 pass; profile quick, seed 1")


def test_function_described_on_the_line(capsys: pytest.CaptureFixture[str], doors: Path) -> None:
    """Signature, backward, domain, sizes, parameters, reference, exclusion and cache."""
    argv = ["doors.py:half", "--signature", "(n,d),(d)->(n,d)", "--backward", "other", "--domain", "x=real(-3,3)"]
    status, out, _ = run(capsys, *argv, "--dim", "n=1:4", "--reference", "scale", "--wrt", "x,weight")
    assert status == 1
    assert "grad weight[0] is" in out
    argv = ["doors.py:root", "--signature", "(n)->(n)", "--param", "eps=1e-3,1", "--exclude", "layout='C only'"]
    assert run(capsys, *argv)[0] == 0
    assert run(capsys, "doors.py:cached", "--signature", "(n)->(n)", "--cached", "--exclude", "value=known")[0] == 0


SQUARE = ("--signature", "(n)->(n)")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["nowhere.py:f"], "nowhere.py: no such file"),
        (["no.such:f"], "no.such:f: no module named 'no'; a file is path/to/file.py"),
        (["doors.py:3"], "doors.py:3: '3' is not a name; write path/to/file.py:name or package.module:name"),
        (["some/folder"], "some/folder: 'some/folder' is neither a .py file nor a module; write path/to/file.py:name"),
        (["doors.py:scael", *SQUARE], "doors.py:scael: doors.py has no 'scael'; did you mean 'scale'?"),
        (
            ["doors.py:half"],
            "doors.py:half: no signature; give --signature '(n,d)->(n,d)' or a gradlab_spec beside it",
        ),
        (
            ["doors.py:bare", *SQUARE],
            "doors.py:bare: no backward found, tried bare_backward, backward_bare, bare_grad, grad_bare, d_bare, "
            "bare_bwd; name it with --backward NAME",
        ),
        (["doors.py:number", *SQUARE, "--backward", "bare"], "doors.py:number: 3 cannot be called; name a function"),
        (
            ["doors.py:scale", "--broadcast"],
            "doors.py:scale: broadcast=True for '(n,d),(d)->(n,d)': only what `...` stands "
            "for is broadcast; write True and a signature as '(...),(...)->(...)'",
        ),
        (["doors.py:pair"], "doors.py:pair: gradlab_spec has no entry 'sginature'; did you mean 'signature'?"),
        (
            ["doors.py:bare", "--signature", "(n->(n)", "--backward", "bare"],
            "doors.py:bare: signature '(n->(n)': cannot read '(n'; write it like '(n,i),(o,i)->(n,o)'\n"
            "  (n->(n)\n    ^",
        ),
        (
            ["doors.py:bare", *SQUARE, "--backward", "bare", "--domain", "y=real"],
            "doors.py:bare: domains: 'y' is not an argument; known: x",
        ),
        (
            ["doors.py:bare", *SQUARE, "--backward", "bare", "--exclude", "layuot=C"],
            "doors.py:bare: exclude: 'layuot' is not a law; did you mean 'layout'?",
        ),
        (["empty.py"], "empty.py: has no gradlab_spec; name a function, empty.py:name, and give --signature"),
        (["list.py"], "list.py: gradlab_spec holds a list; write {'name': {'signature': '(n)->(n)'}}"),
        (["relu", *SQUARE], "--signature describes a function of yours; name its file"),
    ],
)
def test_bad_targets(capsys: pytest.CaptureFixture[str], doors: Path, argv: list[str], message: str) -> None:
    """One line that shows the value and the remedy; nothing is printed, the exit status is 2."""
    (doors / "empty.py").write_text("x = 1\n")
    (doors / "list.py").write_text("gradlab_spec = [1]\n")
    assert run(capsys, *argv) == (2, "", f"gradlab: {message}\n")


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("domain", "x", "cannot be read; write it like --domain x=real(-3,3)"),
        (
            "domain",
            "x=rael",
            "'rael' is not a domain; known: real, positive, non_negative, simplex, one_hot, labels, mask, signs, "
            "integers",
        ),
        ("domain", "x=__import__('os')", "\"__import__('os')\" is not a domain; known: real, positive, non_negative, "
         "simplex, one_hot, labels, mask, signs, integers"),
        ("domain", "x=real(3)", "real takes 0 or 2 arguments, not 1"),
        ("domain", "x=real(a,b)", "'a' is not a number"),
        ("domain", "x=integers(0.5,2)", "'0.5' is not a whole number"),
        ("domain", "x=real(3,-3)", "real: minimum=3.0 is above maximum=-3.0; swap the two bounds"),
        ("domain", "x=simplex(ones)", "'ones': write simplex or simplex(zeros)"),
        ("dim", "n=1-8", "'1-8' is not a range; write LOW:HIGH, LOW: or one size"),
        ("param", "eps=small", "'small' is not a number"),
        ("exclude", "layout", 'cannot be read; write it like --exclude layout="documented: C order only"'),
    ],
)  # fmt: skip
def test_bad_options(capsys: pytest.CaptureFixture[str], doors: Path, option: str, text: str, message: str) -> None:
    """The option as it was written, then the remedy."""
    status, out, err = run(capsys, "doors.py:scale", f"--{option}", text)
    assert (status, out, err) == (2, "", f"gradlab: --{option} {text}: {message}\n")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("-n", "0", "argument -n/--workers: '0' is not a number of workers; write 1 or more"),
        ("--timeout", "soon", "argument --timeout: 'soon' is not a number above 0"),
        ("--memory", "-1", "argument --memory: '-1' is not a number above 0"),
    ],
)
def test_bad_limits(capsys: pytest.CaptureFixture[str], option: str, value: str, message: str) -> None:
    """argparse's one line, exit status 2."""
    status, _, err = run(capsys, f"{option}={value}" if option != "-n" else f"{option}{value}")
    assert (status, err.splitlines()[-1]) == (2, f"gradlab verify: error: {message}")


def test_domains() -> None:
    """Every domain can be written on the line."""
    assert parse_domain("real") == gradlab.real()
    assert parse_domain("real(-3, 3)") == gradlab.real(-3, 3)
    assert parse_domain("positive()") == gradlab.positive()
    assert parse_domain("non_negative") == gradlab.non_negative()
    assert parse_domain("simplex(zeros)") == gradlab.simplex(zeros=True)
    assert parse_domain("one_hot") == gradlab.one_hot()
    assert parse_domain("labels(c)") == gradlab.labels("c")
    assert parse_domain("mask(0.2)") == gradlab.mask(0.2)
    assert parse_domain("signs") == gradlab.signs()
    assert parse_domain("integers(-1,4)") == gradlab.integers(-1, 4)


def test_ranges_and_values() -> None:
    """Sizes with and without an upper bound; numbers keep their type."""
    assert [parse_range(text) for text in ("1:8", "2:", ":3", "4")] == [(1, 8), (2, None), (0, 3), (4, 4)]
    assert [type(value) for value in parse_values("1,0.5,true")] == [int, float, bool]
