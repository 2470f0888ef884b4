"""What code under test does to its process becomes a finding, beside the verdict on its numbers."""

from __future__ import annotations

import importlib
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from gradlab.verify.flat import FlatRow
from gradlab.verify.many import Check, verify_many
from gradlab.verify.watch import Watch

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")

WHOLE = "for the whole process"

# The function of tests.verify.hostile, the severity, what its finding begins with.
CHANGES = [
    ("sets_variable", "failure", f"forward changes environment variables {WHOLE}; take what it needs as an argument"),
    ("extends_path", "failure", f"forward changes sys.path {WHOLE}; install what it imports"),
    ("replaces_stdout", "failure", f"forward changes sys.stdout or sys.stderr {WHOLE}; use `with contextlib."),
    ("rounds_prints", "failure", f"forward changes NumPy's print options {WHOLE}; use `with np.printoptions(...)`"),
    ("handles_signals", "failure", f"forward changes signal handlers {WHOLE}; leave them to the program"),
    ("draws_numpy", "note", "forward draws from NumPy's global random state; draw from np.random.default_rng(seed)"),
    ("draws_random", "note", "forward draws from random's state; draw from np.random.default_rng(seed), or take"),
    ("starts_thread", "note", "leaves running: thread 'left behind'; end them before returning"),
    ("starts_process", "note", "leaves running: process 'python"),
    ("forks", "note", "leaves running: process"),
]


@pytest.fixture(scope="module")
def rows() -> dict[str, FlatRow]:
    """All of them in one worker process, one after the other, with a clean one at the end."""
    checks = [
        Check(f"tests.verify.hostile:{name}", "tests.verify.course:right", "(n)->(n)", {"names": ("x",)}, name)
        for name in [*(name for name, _, _ in CHANGES), "slow"]
    ]
    return {flat.row.operation: flat for flat in verify_many(checks, profile="quick", seed=1)}


@pytest.mark.parametrize(("name", "severity", "claim"), CHANGES, ids=[name for name, _, _ in CHANGES])
def test_change_is_found(rows: dict[str, FlatRow], name: str, severity: str, claim: str) -> None:
    """Each change is one finding, with its remedy; a failure fails the row, a note stands beside its verdict."""
    found = [finding for finding in rows[name].data["findings"] if finding["law"] == "isolation"]
    assert [finding["severity"] for finding in found] == [severity], found
    assert found[0]["claim"].startswith(claim)
    assert rows[name].row.verdict == ("fail" if severity == "failure" else "pass")


def test_the_next_one_is_clean(rows: dict[str, FlatRow]) -> None:
    """What the others changed, printed, closed and started does not reach the check after them."""
    assert rows["slow"].row.verdict == "pass"
    assert [finding for finding in rows["slow"].data["findings"] if finding["law"] == "isolation"] == []


FOR = f" {WHOLE}"
TORCH = [
    (lambda torch: torch.manual_seed(3), "backward draws from torch's random state"),
    (lambda torch: torch.rand(2), "backward draws from torch's random state"),
    (lambda torch: torch.set_grad_enabled(False), "backward changes torch's grad mode" + FOR),
    (
        lambda torch: torch.set_num_threads(torch.get_num_threads() + 1),
        "backward changes torch's number of threads" + FOR,
    ),
    (lambda torch: torch._C._set_deterministic_algorithms(True), "backward changes torch's deterministic mode" + FOR),
]


@pytest.mark.parametrize(("change", "claim"), TORCH, ids=range(len(TORCH)))
def test_torch_is_watched(change: Any, claim: str) -> None:
    """Where torch is loaded, its global state is compared, and put back unless it is random."""
    torch = pytest.importorskip("torch")

    def state() -> tuple[Any, ...]:
        return torch.is_grad_enabled(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()

    torch.rand(1)  # a test before may have left the very seed
    before, watch = state(), Watch()
    watch._watched("backward", change, torch)
    assert [finding["claim"].partition("; ")[0] for finding in watch.findings()] == [claim]
    assert state() == before
    assert watch.findings() == []


def test_imports_are_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries set variables when they are loaded; a function that loads one late is not at fault."""
    (tmp_path / "late_library.py").write_text("import os; os.environ['GRADLAB_LATE'] = '1'")
    monkeypatch.syspath_prepend(tmp_path)
    watch = Watch()
    watch._watched("forward", importlib.import_module, "late_library")
    (found,) = watch.findings()
    assert (found["severity"], found["claim"].partition("; ")[0]) == (
        "note",
        f"an import in forward changes environment variables {WHOLE}",
    )
    assert "GRADLAB_LATE" not in os.environ


def test_a_library_may_filter_its_own_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the import loads it, as SymPy does; a filter of anyone else's warnings is a change."""
    quiet = "import warnings\nclass Own(UserWarning): pass\nwarnings.simplefilter('ignore', {})\n"
    (tmp_path / "filters_own.py").write_text(quiet.format("Own"))
    (tmp_path / "filters_all.py").write_text(quiet.format("Warning"))
    monkeypatch.syspath_prepend(tmp_path)
    for module, claims in (("filters_own", []), ("filters_all", [f"import changes warnings.filters {WHOLE}"])):
        watch = Watch()
        with warnings.catch_warnings(), watch.during("import"):
            importlib.import_module(module)
        assert [finding["claim"].partition("; ")[0] for finding in watch.findings()] == claims


def test_late_changes_are_found() -> None:
    """After the first calls only some are compared; a function that goes on changing things is still met."""
    watch, calls = Watch(), []

    def late() -> None:
        calls.append(1)
        if len(calls) > 10:
            os.environ["GRADLAB_LATE"] = str(len(calls))

    for _ in range(16):
        watch._watched("forward", late)
    os.environ.pop("GRADLAB_LATE")
    assert [finding["claim"].partition("; ")[0] for finding in watch.findings()] == [
        f"forward changes environment variables {WHOLE}"
    ]
