import json
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent

SUITE = """
import pytest

def square(x): return x * x
def right(grad_output, x): return 2 * x * grad_output
def wrong(grad_output, x): return 3 * x * grad_output

def test_right(gradlab):
    assert gradlab.verify(square, right, "(n)->(n)", domains={"x": gradlab.real(-3, 3)}).profile == "quick"

def test_wrong(gradlab):
    gradlab.verify(square, wrong, "(n)->(n)")

@pytest.mark.gradlab(seed=11)
def test_two_checks(gradlab):
    assert gradlab.check(square, wrong, "(n)->(n)").seed == 11
    assert gradlab.check(square, right, "(n)->(n)", seed=12).seed == 12

def test_without():
    pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A reader's test suite, run in processes of its own in which every warning is an error."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    pytester.makepyfile(test_suite=SUITE)
    pytester.makeini("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run it with the plugin, whether or not the installed metadata names it already."""
    names = {entry.value for entry in entry_points(group="pytest11")}
    plugin = () if "gradlab.pytest_plugin" in names else ("-p", "gradlab.pytest_plugin")
    return suite.runpytest_subprocess(*plugin, "--gradlab-profile", "quick", "--gradlab-seed", "5", *arguments)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_summary(suite: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """One line for each check: in one process, and with rows that come from pytest-xdist's workers."""
    result = run(suite, *workers)
    result.assert_outcomes(passed=3, failed=1)
    number = r"\d+\.\d\d"
    for line in (
        r"=+ gradlab =+",
        r"test +function +verdict +argument +catches +seconds",
        rf"test_suite.py::test_right +square +pass +x +\de-\d\d +{number}",
        rf"test_suite.py::test_wrong +square +fail: value +x +{number}",
        rf"test_suite.py::test_two_checks +square +fail: value +x +{number}",
        rf"test_suite.py::test_two_checks +square +pass +x +\de-\d\d +{number}",
    ):
        result.stdout.re_match_lines_random([line])
    assert "quick profile, seed=5" in result.stdout.str()
    assert result.stdout.str().count("test_suite.py::test_two_checks ") == 2


def test_html(suite: pytest.Pytester) -> None:
    """One page from all workers of pytest-xdist, and one that dies takes no row with it; nothing is in JUnit's file."""
    suite.makepyfile(test_suite=SUITE + "\ndef test_zz_death():\n    import os\n    os._exit(3)\n")
    result = run(suite, "--gradlab-html", "out/report.html", "--junit-xml", "junit.xml", "-n", "2")
    result.assert_outcomes(passed=3, failed=2)
    path = suite.path / "out" / "report.html"
    result.stdout.fnmatch_lines([f"*gradlab report: {path}*"])
    text = path.read_text(encoding="utf-8")
    assert "2 of 4 gradients are wrong" in text
    tests = re.findall(r"test_suite\.py::\w+", text)
    assert tests == [f"test_suite.py::test_{name}" for name in ("right", "two_checks", "two_checks", "wrong")]
    assert text.count('class="plot"') == 4
    assert len((suite.path / "junit.xml").read_text()) < 20_000


def test_torch_is_recorded(suite: pytest.Pytester) -> None:
    """`gradlab.torch.check` in a test takes profile and seed, and is a row of the summary and of the page."""
    pytest.importorskip("torch")
    suite.makepyfile(
        test_suite="""
        def test_tanh(gradlab):
            import torch
            report = gradlab.torch.verify(torch.tanh, "(n)->(n)", names=("x",))
            assert (report.profile, report.seed) == ("quick", 5)
        """
    )
    result = run(suite, "--gradlab-html", "report.html")
    result.assert_outcomes(passed=1)
    result.stdout.re_match_lines_random([r"test_suite.py::test_tanh +\S*tanh +pass +x "])
    assert "1 gradient verified" in (suite.path / "report.html").read_text(encoding="utf-8")


def test_marker_selects(suite: pytest.Pytester) -> None:
    """`-m gradlab` runs the tests that use the fixture; the others show no summary."""
    run(suite, "-m", "gradlab").assert_outcomes(passed=2, failed=1, deselected=1)
    rest = run(suite, "-m", "not gradlab")
    rest.assert_outcomes(passed=1, deselected=3)
    assert " gradlab =" not in rest.stdout.str()


def test_bad_profile(suite: pytest.Pytester) -> None:
    """An unknown profile is refused before anything runs, with those there are."""
    result = run(suite, "--gradlab-profile", "slow")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--gradlab-profile: invalid choice: 'slow'*quick*"])


def test_light_import() -> None:
    """Loading the plugin loads neither NumPy nor Hypothesis; it is there in every run of every suite."""
    program = "import gradlab.pytest_plugin, json, sys; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in json.loads(result.stdout)}
    assert loaded & {"numpy", "hypothesis", "jinja2", "sympy", "torch", "rich"} == set()
    assert "pytest" in loaded
    assert len((ROOT / "gradlab" / "pytest_plugin.py").read_text().splitlines()) < 100
