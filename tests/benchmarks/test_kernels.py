"""The kernel benchmark runs, reports what it found and refuses bad input; no assertion looks at a time."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benchmarks import contest, kernels
from benchmarks.cases import SIZES, cases, draw
from benchmarks.hand_written import RIVALS
from benchmarks.hand_written.rival import HandWritten
from benchmarks.report import geometric_mean, summary, summary_lines, table
from benchmarks.timing import THREAD_VARIABLES, Spread
from gradlab import operation, registry
from gradlab.errors import MissingDependencyError
from tests.catalogue import NAMES

ROOT = Path(kernels.__file__).parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The benchmark as a user starts it."""
    # Its own process, because it fixes the number of threads before NumPy is imported.
    environment = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    command = [sys.executable, "-m", "benchmarks.kernels", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment | {"PYTHONIOENCODING": "utf-8"}, capture_output=True, text=True,
        encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip


def test_quick_run_writes_valid_json(tmp_path: Path) -> None:
    """One operation, both passes and dtypes: a row each in the table and in the JSON, which is strict JSON."""
    path = tmp_path / "new" / "softmax.json"
    process = run("softmax", "--quick", "--forward", "--json", str(path))
    assert process.returncode == 0, process.stderr
    assert "geometric mean" in process.stdout.splitlines()[-1]
    document = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert document["complete"] is True
    assert document["settings"] == {"quick": True, "repeats": 5, "seed": 0}
    assert set(document["machine"]["threads"].values()) == {"1"}
    rows = {(row["operation"], row["direction"], row["size"], row["dtype"]) for row in document["results"]}
    assert rows == {
        ("softmax", direction, "64×128", dtype)
        for direction in ("backward", "forward")
        for dtype in ("float32", "float64")
    }
    for row in document["results"]:
        assert row["hand_written"] in {form.name for form in RIVALS["softmax"]}
        assert row["to_hand_written"].keys() == {"low", "median", "high"}
        assert all(spread["median"] > 0 for spread in row["seconds"].values())
        assert row["torch_note"] is None or "autograd" not in row["seconds"]
    assert document["summary"]["backward_to_hand_written"]["rows"] == 2


def test_unknown_operation(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A misspelt name ends with status 2 and the nearest name, before anything is measured or written."""
    path = tmp_path / "x.json"
    assert kernels.main(["sofmax", "--json", str(path)]) == 2
    assert "unknown operation 'sofmax'; did you mean 'softmax' or 'log_softmax' or 'max'?" in capsys.readouterr().err
    assert not path.exists()


def test_json_path_that_is_a_directory(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A path that cannot be written is refused before minutes of measuring."""
    assert kernels.main(["softmax", "--json", str(tmp_path)]) == 2
    assert "is a directory; name a file in it" in capsys.readouterr().err


def test_repeats_must_be_positive(capsys: pytest.CaptureFixture[str]) -> None:
    """No rounds, no medians."""
    with pytest.raises(SystemExit, match="2"):
        kernels.main(["--repeats", "0"])
    assert "'0' is not a number of rounds; give 1 or more" in capsys.readouterr().err


def test_interrupt_keeps_what_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ctrl-C in the second row: status 130, the first row in the table and in a JSON marked incomplete."""
    rows = iter([result(1.0)])

    def interrupted(*_: object, **__: object) -> contest.Result:
        try:
            return next(rows)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(contest, "contest", interrupted)
    path = tmp_path / "x.json"
    assert kernels.main(["softmax", "--quick", "--json", str(path)]) == 130
    out, err = capsys.readouterr()
    assert "interrupted: 1 of 2 rows are done" in err
    assert "relu" in out
    document = json.loads(path.read_text(encoding="utf-8"))
    assert (document["complete"], len(document["results"])) == (False, 1)


def test_disagreement_is_reported_and_the_rest_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A rival that computes something else is never timed; its row is missing, the status is 1."""
    right = RIVALS["softmax"][0]

    def wrong(g: Any, saved: tuple[Any, ...]) -> tuple[Any, ...]:
        # As wrong as float64 shows and float32 hides.
        return tuple(gradient * gradient.dtype.type(1 + 1e-6) for gradient in right.backward(g, saved))

    monkeypatch.setitem(RIVALS, "softmax", (HandWritten("wrong", right.forward, wrong),))
    path = tmp_path / "x.json"
    assert kernels.main(["softmax", "--quick", "--repeats", "1", "--json", str(path)]) == 1
    message = "softmax backward 64×128 float64: 'wrong' and the generated kernel differ by 1.0e-06 of the largest entry"
    assert message in capsys.readouterr().err
    document = json.loads(path.read_text(encoding="utf-8"))
    assert (document["complete"], [row["dtype"] for row in document["results"]]) == (False, ["float32"])


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch the NumPy contest is held all the same, and the row says why a column is empty."""
    kernel = registry.kernel

    def no_torch(name: str, backend: registry.Backend = "numpy") -> Any:
        if backend == "torch":
            raise MissingDependencyError("torch is not installed")
        return kernel(name, backend)

    monkeypatch.setattr(registry, "kernel", no_torch)
    case = next(cases(registry.operation("softmax"), quick=True, seed=0))
    row = contest.contest(case, "backward", rounds=1, seed=0, sample_seconds=0.0)
    assert row.torch_note == "no torch"
    assert row.to_autograd is None
    assert row.to_hand_written is not None
    console = Console(width=kernels.TABLE_WIDTH, record=True, file=io.StringIO())
    console.print(table([row]))
    text = console.export_text()
    assert "no torch" in text
    assert "torch is not installed; its columns need: pip install 'gradlab[torch]'" in text


def test_operation_without_rival(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new operation needs no edit here: it gets default sizes and is measured against torch alone."""
    monkeypatch.delitem(RIVALS, "softmax")
    monkeypatch.setattr("benchmarks.cases.SIZES", {})
    case = next(cases(registry.operation("softmax"), quick=True, seed=0))
    assert case.inputs[0].shape == (64, 64)
    row = contest.contest(case, "backward", rounds=1, seed=0, sample_seconds=0.0)
    assert row.hand_written is None
    assert row.to_hand_written is None


def test_sizes_and_rivals_name_operations() -> None:
    """A misspelt name in either table would silently leave its entry unused; what has a rival has sizes."""
    assert RIVALS.keys() <= SIZES.keys() <= set(registry.names())
    # These are timed against torch's autograd alone.
    alone = {"conv1d", "adaptive_avg_pool2d", "global_avg_pool2d"}
    assert SIZES.keys() - RIVALS.keys() == alone | {f"scaled_dot_product_attention_{kind}" for kind in ("bias", "mask")}


@pytest.mark.parametrize("name", NAMES)
def test_cases_fit_the_signature(name: str) -> None:
    """Every case's inputs have the dtypes and domains their kernel was made for: its forward takes them."""
    for case in cases(registry.operation(name), quick=True, seed=3):
        output, _ = registry.kernel(name).forward(*case.inputs, **case.parameters)
        assert output.dtype == case.dtype
        assert np.isfinite(output).all()


@pytest.mark.parametrize(
    ("domain", "low", "high"),
    [
        (operation.real(-0.5, 0.5), -0.5, 0.5),
        (operation.positive(), 0.1, 2.0),
        (operation.simplex(), 0.0, 1.0),
        (operation.one_hot(), 0.0, 1.0),
        (operation.labels("d"), 0, 4),
        (operation.mask(), False, True),
        (operation.signs(), -1.0, 1.0),
        (operation.integers(2, 3), 2, 3),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_drawn_values_stay_in_their_domain(domain: operation.Domain, low: float, high: float) -> None:
    """Each kind of domain can be drawn from, within its bounds."""
    values = draw(domain, (6, 5), np.dtype("float32"), {"d": (5,)}, np.random.default_rng(0))
    assert values.shape == (6, 5)
    assert low <= values.min() <= values.max() <= high
    if domain.kind in {"simplex", "one_hot"}:
        np.testing.assert_allclose(values.sum(axis=-1), 1.0, rtol=1e-6)


def test_upstream_of_a_scalar_is_a_numpy_scalar() -> None:
    """Zero-dimensional arrays are slower than scalars; a training loop hands on the scalar that it got."""
    assert type(contest.upstream(np.float32(1.0))) is np.float32
    assert contest.upstream(np.zeros((2, 3), np.float32)).shape == (2, 3)


@pytest.mark.parametrize("name", sorted(RIVALS.keys() & set(registry.names())))
def test_sittings_are_joined(name: str) -> None:
    """Rounds are spread over sittings with arrays of their own; forms that share a function are timed once."""
    case = next(cases(registry.operation(name), quick=True, seed=0))
    directions: tuple[contest.Direction, ...] = ("backward", "forward")
    for direction in directions:
        row = contest.contest(case, direction, rounds=9, seed=0, sample_seconds=0.0)
        functions = {getattr(form, direction) for form in RIVALS[name]}
        assert len(row.seconds.keys() - {"generated", "autograd", "torch"}) == len(functions)
        assert row.hand_written in row.seconds


def result(ratio: float, size: str = "64×128") -> contest.Result:
    """A made-up row."""
    spread = Spread(ratio, ratio, ratio)
    seconds = {"generated": spread, "mask": Spread(1.0, 1.0, 1.0)}
    return contest.Result("relu", "backward", size, "float32", seconds, "mask", spread, spread, None, None, "no kernel")


def test_summary_names_the_worst_row() -> None:
    """Geometric mean over all rows, the worst one by name; comparisons without rows are left out."""
    rows = [result(0.5), result(2.0, "8×8")]
    entry = {"rows": 2, "geometric_mean": 1.0, "worst": 2.0, "worst_at": "relu backward 8×8 float32"}
    assert summary(rows) == {"backward_to_hand_written": entry, "backward_to_loop_free": entry}
    assert list(summary_lines(rows)) == [
        "backward, generated / best hand-written: geometric mean 1.00, worst 2.00 at relu backward 8×8 float32 "
        "(goal: mean 1.05, worst 1.15)",
        "backward, generated / best hand-written without a loop over blocks: geometric mean 1.00, worst 2.00 "
        "at relu backward 8×8 float32",
    ]
    assert np.isnan(geometric_mean([]))
