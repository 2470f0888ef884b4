"""Are the gradients right, on this network, this batch, now? Checked while it trains, layer by layer.

In each layer the parameters are moved along one direction v, half along the gradient and half at random, and the slope
of the whole loss of a float64 copy of the network, by differences, is compared with the product of v and the gradient
that training uses. The two may differ by

- the error of the differences, which they estimate themselves (`demos.slopes`), and
- the rounding of the gradient. It is measured without looking at what the gradient is compared with: the gradient is
  computed again with inputs and parameters changed in their last digits. By Cauchy and Schwarz the product with a v of
  length 1 moves by no more than the change's length, and the bound is four of the longest found.

A backward that is wrong in the same way each time does not change by such little, so it is found.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demos import verified_curve
from demos.copies import Arrays, Copies, copies
from demos.learners import Learner
from demos.run_folder import RunFolder
from demos.slopes import slope
from demos.training import Verify

_GOOD = 1e-6
"""An error of the differences, beside the gradient's length, that is small enough to stop at."""

_REPEATS, _IN_DOUBT = 2, 24
"""How often the gradient is computed anew, and how often before it is called wrong: a unit at a kink is rare."""

_SAFETY = 4.0


@dataclass(frozen=True, slots=True)
class Check:
    """One layer at one step.

    Slopes of the loss along a direction of length 1: what the gradient says, how far the differences are from it, and
    how far they may be; `rounding` is the gradient's part of that bound.
    """

    step: int
    layer: str
    slope: float
    discrepancy: float
    bound: float
    rounding: float
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the discrepancy is within its bound."""
        return self.discrepancy <= self.bound


class _Gradients:
    """The gradient of training, and how far others are from it that differ by rounding."""

    def __init__(self, network: Copies, rng: np.random.Generator) -> None:
        self._network, self._rng = network, rng
        self.trained = network.gradient()
        self._others: list[Arrays] = []

    def rounding(self, v: Arrays, repeats: int) -> float:
        while len(self._others) < repeats:
            self._others.append(self._network.gradient(self._rng))
        return _SAFETY * max(
            sum(_norm(other[name] - self.trained[name]) * _norm(v[name]) for name in v) for other in self._others
        )


def checks(network: Copies, step: int, seed: int) -> Iterator[Check]:
    """One check for each layer that has parameters."""
    rng = np.random.default_rng([seed, step])
    gradients, start = _Gradients(network, rng), network.parameters()
    here, noise = _here(network, start, rng)
    for layer in dict.fromkeys(name.split(".")[0] for name in start):
        begin = time.perf_counter()
        own = {name: array for name, array in start.items() if name.split(".")[0] == layer}
        gradient = {name: gradients.trained[name] for name in own}
        v = _direction(gradient, rng)
        said = sum(float((gradient[name] * v[name]).sum()) for name in v)

        def loss(t: float, layer: str = layer, own: Arrays = own, v: Arrays = v) -> float:
            return network.loss(int(layer), {name: array + t * v[name] for name, array in own.items()})

        found = slope(loss, here, _length(own), noise, _GOOD * _length(gradient))
        discrepancy, rounding = abs(said - found.value), gradients.rounding(v, _REPEATS)
        if discrepancy > found.error + rounding:
            rounding = gradients.rounding(v, _IN_DOUBT)
        seconds = time.perf_counter() - begin
        yield Check(step, layer, said, discrepancy, found.error + rounding, rounding, seconds)


def _here(network: Copies, start: Arrays, rng: np.random.Generator) -> tuple[float, float]:
    """The float64 loss and its rounding: how far it moves with the last digits of the first layer's parameters."""
    first = next(iter(start)).split(".")[0]
    own = {name: array for name, array in start.items() if name.split(".")[0] == first}
    eps = float(np.finfo(np.float64).eps)
    here, *others = (
        network.loss(int(first), {k: a * (1 + 2 * size * eps * rng.uniform(-1, 1, a.shape)) for k, a in own.items()})
        for size in (0, 1, 1, 1)
    )
    return here, 2 * max(abs(other - here) for other in others) + 2 * eps * abs(here)


def _direction(gradient: Arrays, rng: np.random.Generator) -> Arrays:
    """Half along the gradient, where the slope is largest, and half at random, which no error is orthogonal to.

    Each parameter has its own share of the length: the few numbers of a bias count as much as a large weight.
    """
    both = {}
    for name, array in gradient.items():
        random = rng.standard_normal(array.shape)
        both[name] = random / _norm(random) + array / (_norm(array) or 1.0)
    length = _length(both)
    return {name: array / length for name, array in both.items()}


def _norm(array: NDArray[Any]) -> float:
    return float(np.linalg.norm(array.reshape(-1)))


def _length(arrays: Arrays) -> float:
    return float(np.linalg.norm([_norm(array) for array in arrays.values()]))


def verification(
    learner: Learner, folder: RunFolder, seed: int = 0, seen: Callable[[Copies], Copies] = lambda own: own
) -> Verify:
    """Check a learner's gradients on a batch, add the result to verification.csv, and draw verification.png.

    `seen` makes of the copies here those that are checked, where the network is on other processes as well.
    """
    started, spent = time.perf_counter(), 0.0

    def verify(images: NDArray[Any], labels: NDArray[Any], step: int) -> str:
        nonlocal spent
        begin = time.perf_counter()
        found = list(checks(seen(copies(learner, images, labels, step)), step, seed))  # type: ignore[arg-type]
        rows = [check for check in read(folder.path) if check.step < step] + found
        _write(folder, rows)
        now = time.perf_counter()
        spent += now - begin
        return _said(found, now - begin, spent / (now - started))

    return verify


def _said(found: list[Check], seconds: float, share: float) -> str:
    wrong = [check for check in found if not check.right]
    if not wrong:
        worst = max(check.discrepancy / abs(check.slope or 1) for check in found)
        bound = max(check.bound / abs(check.slope or 1) for check in found)
        return (
            f"gradients of {len(found)} layers are right, to {worst:.1g} of the slope (largest bound {bound:.1g}); "
            f"{seconds:.1f} s, checks are {share:.0%} of the run so far"
        )
    lines = [
        f"layer {check.layer}: the slope of the loss is off by {check.discrepancy:.3g}, bound {check.bound:.3g}; the "
        f"gradient says {check.slope:.6g}"
        for check in wrong
    ]
    return "WRONG GRADIENTS: " + "; ".join(lines)


def read(folder: Path) -> list[Check]:
    """The checks of a run so far."""
    path = folder / "verification.csv"
    if not path.is_file():
        return []
    numbers = [field.name for field in fields(Check)][2:]
    with path.open(newline="") as file:
        return [
            Check(int(row["step"]), row["layer"], *(float(row[name]) for name in numbers))
            for row in csv.DictReader(file)
        ]


def _write(folder: RunFolder, rows: list[Check]) -> None:
    names = [field.name for field in fields(Check)]
    lines = [",".join(names), *(",".join(str(value) for value in asdict(row).values()) for row in rows)]
    folder.keep("verification.csv", ("\n".join(lines) + "\n").encode())
    folder.keep("verification.png", verified_curve.draw(rows))
