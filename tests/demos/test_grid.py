import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from demos import cifar10, grid, grid_figures, grid_plan, stacked
from demos.batches import Batches
from demos.cifar10 import Cifar10
from demos.errors import OptionError
from demos.grid_log import Log, Result
from demos.grid_plan import Run, Stack
from demos.learners import TorchLearner
from demos.networks import layers_of, mlp
from demos.preprocessing import mean_image
from tests.demos.runs import images

_KINDS = (("sgd", 2e-3, 3), ("adam", 2e-4, 6), ("adadelta", 2e-2, 6))
TINY = tuple(Run(2, 100, 100, name, lr, steps) for name, lr, steps in _KINDS)


@pytest.fixture(scope="module")
def data() -> Cifar10:
    """Made-up images."""
    return Cifar10(cifar10.sample(20, seed=1), cifar10.sample(3, seed=2), "sample", "digest")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that read made-up images."""
    return images(tmp_path_factory.mktemp("images"), train=10, test=1)


@pytest.fixture
def tiny(given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options for a grid of three short runs."""
    monkeypatch.setitem(grid_plan.GRIDS, "report", lambda: list(TINY))
    return [*given, "--device", "cpu", "--output", str(tmp_path), "--eval-every", "3"]


def test_the_reports_grid() -> None:
    """It has 486 runs, all different, in 27 stacks of nine models."""
    runs = grid_plan.report()
    assert len(runs) == len(set(runs)) == len({run.name for run in runs}) == 486
    assert [(len(stack.runs), len(stack.models)) for stack in grid_plan.stacks(runs)] == [(18, 9)] * 27


@pytest.mark.parametrize("run", TINY, ids=lambda run: run.optimizer)
def test_a_stack_trains_every_model_as_if_it_were_alone(data: Cifar10, run: Run) -> None:
    """Each run has the evaluations of the one-network learner of demos.mlp from the same seed, to rounding."""
    curve = stacked.train(Stack(TINY), data, seed=7, eval_every=3)[run]
    torch.manual_seed(7)
    package = layers_of("gradlab")
    network = torch.nn.Sequential(*mlp(package, run.hidden))
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adadelta": torch.optim.Adadelta}
    optimizer = kinds[run.optimizer](network.parameters(), lr=run.lr)
    preprocess = mean_image(data.train.images)
    learner = TorchLearner(network, optimizer, preprocess, (3072,), package.CrossEntropyLoss(), seed=7)
    alone = []
    for step in range(run.steps):
        index = Batches(len(data.train), run.batch, 7).indices(step)
        learner.step(data.train.images[index], data.train.labels[index], step)
        if step % 3 == 2:
            alone.append(float(learner.evaluate(data.test.images, data.test.labels).loss))
    assert len(curve) == len(alone) == run.steps // 3
    np.testing.assert_allclose([point.loss for point in curve], alone, rtol=1e-4)


def test_every_derivative_of_a_stack_is_a_derived_one() -> None:
    """In its graph stand gradlab's operations, and torch's own only where a view changes its shape."""
    models = stacked.StackedMLP((5, 5), [("sgd", 0.1), ("adam", 0.1)], seed=0, features=3)
    left, names = [models(torch.ones(4, 3)).grad_fn], set()
    while left:
        node = left.pop()
        names.add(type(node).__name__)
        left += [before for before, _ in node.next_functions if before is not None]
    derived = {"LinearBackward", "MatmulBackward", "AddBackward", "ReluBackward"}
    moved = {"ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0", "TransposeBackward0"}
    moved |= {"UnsqueezeBackward0", "SliceBackward0", "AccumulateGrad"}
    assert derived <= names
    assert names <= derived | moved, names - moved


def test_a_model_that_diverges_leaves_the_others_as_they_are(data: Cifar10) -> None:
    """Beside a run whose loss is not finite, another has the losses that it has alone, to rounding."""
    wild, calm = Run(2, 100, 100, "sgd", 1e30, 4), Run(2, 100, 100, "adam", 2e-4, 4)
    both = stacked.train(Stack((calm, wild)), data, seed=1, eval_every=2)
    alone = stacked.train(Stack((calm,)), data, seed=1, eval_every=2)
    assert not np.isfinite(both[wild][-1].loss)
    np.testing.assert_allclose([p.loss for p in both[calm]], [p.loss for p in alone[calm]], rtol=1e-4)


def test_a_shorter_run_is_the_beginning_of_a_longer(data: Cifar10) -> None:
    """Runs of 3 and 6 steps in one training have the values of a run of 3 steps alone."""
    short, long = Run(1, 100, 50, "adam", 2e-4, 3), Run(1, 100, 50, "adam", 2e-4, 6)
    stack = Stack((short, long))
    assert len(stack.models) == 1
    together = stacked.train(stack, data, seed=1, eval_every=2)
    assert together[short] == stacked.train(Stack((short,)), data, seed=1, eval_every=2)[short]
    assert [point.step for point in together[long]] == [2, 3, 4, 6]


def test_only() -> None:
    """Filters hold together, alternatives are apart from each other; numbers may be written in any way."""
    runs = grid_plan.chosen(grid_plan.report(), "optimizer=adam|sgd, hidden=3,lr=0.0002")
    assert len(runs) == 2 * 3 * 3 * 2
    assert {run.lr for run in runs} == {2e-4}


@pytest.mark.parametrize(
    ("only", "said"),
    [("optimiser=adam", "no key 'optimiser'; write optimizer=…"), ("lr=0.1", "no run has '0.1'; there are 0.0002"),
     ("hidden=deep", "no run has 'deep'; there are 1, 2, 3"), ("adam", "no key 'adam'")],
)  # fmt: skip
def test_bad_filters(only: str, said: str) -> None:
    """The message shows what was given and what there is."""
    with pytest.raises(OptionError) as error:
        grid_plan.chosen(grid_plan.report(), only)
    assert said in str(error.value)


def test_a_grid_goes_on_where_it_stopped(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs that are in the log are not trained again, and the tables hold all."""
    assert grid.main([*tiny, "--only", "optimizer=sgd"]) == 0
    before = _table(tmp_path)
    assert grid.main(tiny) == 0
    assert "3 runs, 1 of them there" in capsys.readouterr().out
    after = _table(tmp_path)
    assert [row["optimizer"] for row in before] == ["sgd"]
    assert {row["optimizer"] for row in after} == {"sgd", "adam", "adadelta"}
    assert before[0] in after
    assert (tmp_path / "grid.png").stat().st_size > 10_000
    monkeypatch.setattr(stacked, "train", None)
    assert grid.main(tiny) == 0


def _table(folder: Path) -> list[dict[str, str]]:
    with (folder / "grid.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_ctrl_c_in_a_stack_ends_with_130(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of a stack that did not end is in the log, and the next call trains it."""

    def interrupted(*given: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stacked, "train", interrupted)
        assert grid.main(tiny) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert not (tmp_path / "grid.csv").exists()
    assert grid.main(tiny) == 0
    assert len(_table(tmp_path)) == 3


def test_another_seed_or_file_is_refused(tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log of another seed, and a file that is none, end the command with one line."""
    assert grid.main([*tiny, "--only", "optimizer=sgd"]) == 0
    assert grid.main([*tiny, "--seed", "1"]) == 2
    assert "is of seed 42, not 1; give another --output" in capsys.readouterr().err
    (tmp_path / "grid.sqlite").write_text("something else, long enough to be read as a database\n" * 9)
    assert grid.main(tiny) == 2
    assert "is no log of a grid" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--executor", "slurm"], "--executor slurm: unknown; write local, or dask:tcp://HOST:PORT"),
        (["--executor", "dask:head"], "'head' is no address"),
        (["--eval-every", "0"], "--eval-every 0; give 1 or more"),
    ],
)
def test_bad_options(tiny: list[str], capsys: pytest.CaptureFixture[str], more: list[str], said: str) -> None:
    """They end with status 2 and one line."""
    assert grid.main([*tiny, *more]) == 2
    assert said in capsys.readouterr().err


def test_dry_run_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the stacks and the steps that are saved, without data, and writes nothing."""
    assert grid.main(["--dry-run", "--output", str(tmp_path / "grid"), "--device", "cpu"]) == 0
    assert "486 runs in 27 stacks; 729,000 of 1,093,500 steps" in capsys.readouterr().out
    assert not (tmp_path / "grid").exists()


def test_figure_holds_every_run() -> None:
    """Each run is one mark in the panel of its learning rate, and the five best are curves."""
    results = [
        Result(run, (stacked.Point(run.steps, 2.0, 0.1 + k / 2000),), 1.0) for k, run in enumerate(grid_plan.report())
    ]
    axes = grid_figures.figure(results).axes
    assert [sum(len(marks.get_offsets()) for marks in axis.collections) for axis in axes[:-1]] == [162] * 3
    assert len(axes[-1].lines) == 5
    assert grid_figures.table(results, 1).count("\n| ") == 487


def test_log_keeps_losses_that_are_not_finite(tmp_path: Path) -> None:
    """A run that diverged is a result like any other."""
    log = Log(tmp_path / "grid.sqlite", {"seed": 1})
    log.add([Result(TINY[0], (stacked.Point(3, float("nan"), 0.1),), 1.0)])
    found = Log(tmp_path / "grid.sqlite", {"seed": 1}).results()[TINY[0]]
    assert np.isnan(found.last.loss)
    assert grid_figures.row(found)["diverged"]
