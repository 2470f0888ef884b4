import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gradlab.nn
from demos import cifar10
from demos.copies import copies
from demos.learners import NumpyLearner, TorchLearner
from demos.networks import PIXELS, Seeded, layers_of, mlp
from demos.preprocessing import standardise
from demos.run_folder import RunFolder
from demos.verification import Check, checks, read, verification

DATA = cifar10.sample(10, seed=1)


def _numpy(seed: int, *, dropout: float = 0.2, hidden: tuple[int, ...] = (30, 20)) -> NumpyLearner:
    package = Seeded(seed)
    network = gradlab.nn.Sequential(*mlp(package, hidden, batch_norm=package.BatchNorm1d, dropout=dropout))
    optimizer = gradlab.nn.Adam(network.parameters(), lr=1e-3)
    return NumpyLearner(network, optimizer, standardise(DATA.images), (PIXELS,))


def _torch(
    seed: int, *, dropout: float = 0.2, hidden: tuple[int, ...] = (30, 20), layers: str = "gradlab"
) -> TorchLearner:
    torch.manual_seed(seed)
    package = layers_of(layers)
    network = torch.nn.Sequential(*mlp(package, hidden, batch_norm=package.BatchNorm1d, dropout=dropout))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    return TorchLearner(network, optimizer, standardise(DATA.images), (PIXELS,), package.CrossEntropyLoss(), seed=seed)


def _batch(size: int, seed: int) -> tuple[Any, Any]:
    chosen = np.random.default_rng(seed).permutation(len(DATA))[:size]
    return DATA.images[chosen], DATA.labels[chosen]


def _checks(learner: Any, *, size: int = 32, seed: int = 0) -> list[Check]:
    return list(checks(copies(learner, *_batch(size, seed), 0), 0, seed))


LEARNERS: tuple[Callable[..., Any], ...] = (_numpy, _torch)
FIRST, NORM = "0", "1"


@pytest.mark.parametrize("make", LEARNERS)
def test_right_gradients_are_never_called_wrong(make: Callable[..., Any]) -> None:
    """Over seeds, sizes of batch and depths, before and after a step, no layer's discrepancy is beyond its bound."""
    for seed in range(12):
        learner = make(seed, dropout=(0.0, 0.3)[seed % 2], hidden=((5,), (30, 20), (40, 30, 20))[seed % 3])
        for size in (4, 64):
            assert all(check.right for check in _checks(learner, size=size, seed=seed)), f"seed {seed}"
            learner.step(*_batch(size, seed), 0)


@pytest.mark.parametrize("make", LEARNERS)
def test_bounds_are_tight(make: Callable[..., Any]) -> None:
    """An error of a thousandth of any layer's slope would be beyond its bound."""
    for check in _checks(make(3)):
        assert check.bound < 1e-3 * abs(check.slope), check.layer


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes one of gradlab.nn's layers wrong: its weight's gradient 1 % too large, or a term of batch norm left out."""

    def plant(what: str) -> None:
        kind = gradlab.nn.Linear if what == "scaled" else gradlab.nn.BatchNorm1d
        right = kind.pull

        def scaled(self: Any, trace: Any, *rest: Any) -> Any:
            d_x, d_weight, *others = right(self, trace, *rest)
            return d_x, d_weight * np.float32(1.01) if len(self.weight) == 30 else d_weight, *others

        def without_mean(self: Any, trace: Any, upstream: Any, *rest: Any) -> Any:
            d_x, *others = right(self, trace, upstream, *rest)
            inv_std = trace.saved[trace.kernel.OPERATION.saved.index("inv_std")]
            return d_x + self.weight * inv_std * upstream.mean(axis=0), *others

        monkeypatch.setattr(kind, "pull", scaled if what == "scaled" else without_mean)

    return plant


def test_a_scaled_gradient_is_found_in_its_layer(planted: Callable[[str], None]) -> None:
    """One layer's weight gradient is 1 % too large: that layer is named, and no other."""
    planted("scaled")
    for seed in range(5):
        assert [check.layer for check in _checks(_numpy(seed), seed=seed) if not check.right] == [FIRST]


def test_a_missing_term_of_batch_norm_is_found_below_it(planted: Callable[[str], None]) -> None:
    """Batch norm's backward without the mean's term: the layers below it are wrong, those above are right."""
    planted("missing term")
    for seed in range(5):
        # What is missing cancels in a weight whose input has mean 0, and never in its bias.
        wrong = [check.layer for check in _checks(_numpy(seed), seed=seed) if not check.right]
        assert FIRST in wrong
        assert "12" not in wrong


def test_a_wrong_function_of_torch_is_found() -> None:
    """A layer whose autograd.Function forgets a factor is named."""

    class Forgets(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, scale: Any) -> Any:
            ctx.save_for_backward(x, scale)
            return x * scale

        @staticmethod
        def backward(ctx: Any, *upstream: Any) -> Any:
            x, _ = ctx.saved_tensors
            return upstream[0], (upstream[0] * x).sum(0)  # the first lacks the factor scale

    class Scale(torch.nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.full((size,), 0.9))

        def forward(self, x: Any) -> Any:
            return Forgets.apply(x, self.weight)  # type: ignore[no-untyped-call]

    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(PIXELS, 8), torch.nn.ReLU(), Scale(8), torch.nn.Linear(8, 10))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    learner = TorchLearner(network, optimizer, standardise(DATA.images), (PIXELS,), torch.nn.CrossEntropyLoss())
    assert [check.layer for check in _checks(learner) if not check.right] == ["0"]


def test_a_missing_gradient_counts_as_zero() -> None:
    """A parameter that backward leaves out, by mistake, has no slope; its loss has one."""

    class Detached(torch.nn.Linear):
        def forward(self, input: Any) -> Any:
            return torch.nn.functional.linear(input, self.weight, self.bias.detach())

    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(PIXELS, 8), torch.nn.ReLU(), Detached(8, 10))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    learner = TorchLearner(network, optimizer, standardise(DATA.images), (PIXELS,), torch.nn.CrossEntropyLoss())
    assert [check.layer for check in _checks(learner) if not check.right] == ["2"]


@pytest.mark.parametrize("make", LEARNERS)
def test_training_does_not_notice(make: Callable[..., Any], tmp_path: Path) -> None:
    """Parameters, running statistics and dropout are, after a step, those of a run without checks."""
    checked, plain = make(5), make(5)
    verify = verification(checked, RunFolder(tmp_path / "run", {}, resume=False))
    for step in range(3):
        verify(*_batch(16, step), step)
        for learner in (checked, plain):
            learner.step(*_batch(16, step), step)
    for name, array in plain.state().items():
        np.testing.assert_array_equal(checked.state()[name], array, err_msg=name)


def test_dropout_is_checked_as_the_step_draws_it() -> None:
    """The copies' gradient is, to the bit, the one that the coming step computes, with its dropout."""
    images, labels = _batch(16, 0)
    ours = _torch(2, dropout=0.5)
    checked = copies(ours, images, labels, 7).gradient()
    ours.step(images, labels, 7)
    for name, parameter in ours.network.named_parameters():
        np.testing.assert_array_equal(checked[name], parameter.grad.double().numpy(), err_msg=name)
    numpy = _numpy(2, dropout=0.5)
    checked = copies(numpy, images, labels, 0).gradient()
    numpy.step(images, labels, 0)
    for name, own in numpy.network.named_parameters():
        np.testing.assert_array_equal(checked[name], own.grad, err_msg=name)


def test_a_run_says_logs_and_draws(tmp_path: Path) -> None:
    """Each check adds a row per layer to verification.csv, redraws the picture and says its cost; a repeat replaces."""
    learner = _numpy(0)
    verify = verification(learner, RunFolder(tmp_path / "run", {}, resume=False))
    for step in (0, 5, 5):
        said = verify(*_batch(16, step), step)
    assert said.startswith("gradients of 5 layers are right")
    assert "% of the run so far" in said
    with (tmp_path / "run" / "verification.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 10
    assert [check.step for check in read(tmp_path / "run")] == [0] * 5 + [5] * 5
    assert (tmp_path / "run" / "verification.png").read_bytes().startswith(b"\x89PNG")


def test_a_wrong_gradient_is_said_with_its_numbers(tmp_path: Path, planted: Callable[[str], None]) -> None:
    """The message names the layer, how far it is off, and how far it might be."""
    planted("scaled")
    verify = verification(_numpy(0), RunFolder(tmp_path / "run", {}, resume=False))
    said = verify(*_batch(16, 0), 0)
    assert said.startswith("WRONG GRADIENTS: layer 0: the slope of the loss is off by")
    assert "bound" in said
