"""Are the gradients right, on this network, this batch, now? Checked while it trains, layer by layer.

In each layer the parameters are moved along one direction v, half along the gradient and half at random, and the slope
of the whole loss, by central differences of a float64 copy of the network, is compared with the product of v and the
gradient that training uses. The two may differ by the error of the differences, estimated from two steps, and by the
rounding of the float32 gradient, which is measured: it is what the same backward gives in float64, less what it gave.
"""

from __future__ import annotations

import copy
import csv
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import gradlab.nn
from demos.learners import Learner, NumpyLearner, TorchLearner
from demos.run_folder import RunFolder, replace
from demos.training import Verify

Arrays = Mapping[str, NDArray[Any]]

_STEPS = (1e-6, 1e-7, 1e-8, 1e-5)
"""Lengths of the steps beside that of the parameters, tried until one is good enough: short ones cross few kinks."""

_GOOD = 1e-6
"""An error of the differences, beside the slope, that is small enough to stop at."""

_ROUNDINGS = 32.0
"""Roundings of the loss, in units of eps, that the sum of these differences may hold."""


@dataclass(frozen=True, slots=True)
class Check:
    """One layer at one step; all but `step` and `layer` are slopes of the loss along a direction of length 1."""

    step: int
    layer: str
    slope: float
    discrepancy: float
    bound: float
    rounding: float

    @property
    def right(self) -> bool:
        """Whether the discrepancy is within its bound."""
        return self.discrepancy <= self.bound


class Copies(Protocol):
    """A network at one moment: its gradients as trained and in float64, and its loss beside that point in float64."""

    def gradients(self) -> tuple[Arrays, Arrays]: ...

    def parameters(self) -> Arrays: ...

    def loss(self, shifted: Arrays) -> float: ...


class _NumpyCopies:
    def __init__(self, learner: NumpyLearner, images: NDArray[Any], labels: NDArray[Any]) -> None:
        self._single, self._double = copy.deepcopy(learner.network), copy.deepcopy(learner.network)
        self._inputs, self._labels = learner.inputs(images), labels
        for network in (self._single, self._double):
            network.train()
            for _, module in network.modules():
                if isinstance(module, gradlab.nn.Dropout):
                    module.eval()
        for _, module in self._double.modules():
            for store in (module.params, module.buffers):
                for name, array in store.items():
                    store[name] = array.astype(np.float64) if array.dtype.kind == "f" else array
        self._loss = copy.deepcopy(learner.loss)

    def gradients(self) -> tuple[Arrays, Arrays]:
        single, double = (
            self._gradient(network, inputs)
            for network, inputs in ((self._single, self._inputs), (self._double, self._inputs.astype(np.float64)))
        )
        return single, double

    def _gradient(self, network: gradlab.nn.Sequential, inputs: NDArray[Any]) -> Arrays:
        network.zero_grad()
        self._loss(network(inputs), self._labels)
        network.backward(self._loss.backward(), input_gradient=False)
        return {name: np.asarray(p.grad, np.float64) for name, p in network.named_parameters()}

    def parameters(self) -> Arrays:
        return {name: p.data.copy() for name, p in self._double.named_parameters()}

    def loss(self, shifted: Arrays) -> float:
        for name, parameter in self._double.named_parameters():
            if name in shifted:
                parameter.data[...] = shifted[name]
        return float(self._loss(self._double(self._inputs.astype(np.float64)), self._labels))


class _TorchCopies:
    def __init__(self, learner: TorchLearner, images: NDArray[Any], labels: NDArray[Any]) -> None:
        import torch

        self._single, self._double = copy.deepcopy(learner.network), copy.deepcopy(learner.network).double()
        self._inputs = learner.inputs(torch.from_numpy(np.array(images)).to(learner.device))
        self._labels = torch.from_numpy(np.array(labels)).to(learner.device)
        for network in (self._single, self._double):
            network.train()
            for module in network.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.eval()
        self._loss = learner.loss

    def gradients(self) -> tuple[Arrays, Arrays]:
        return self._gradient(self._single, self._inputs), self._gradient(self._double, self._inputs.double())

    def _gradient(self, network: Any, inputs: Any) -> Arrays:
        network.zero_grad(set_to_none=True)
        self._loss(network(inputs), self._labels).backward()
        return {name: p.grad.detach().double().cpu().numpy() for name, p in network.named_parameters()}

    def parameters(self) -> Arrays:
        return {name: np.array(p.detach().cpu().numpy()) for name, p in self._double.named_parameters()}

    def loss(self, shifted: Arrays) -> float:
        import torch

        with torch.no_grad():
            for name, parameter in self._double.named_parameters():
                if name in shifted:
                    parameter.copy_(torch.from_numpy(np.asarray(shifted[name])))
            return float(self._loss(self._double(self._inputs.double()), self._labels))


def checks(copies: Copies, step: int, seed: int) -> Iterator[Check]:
    """One check for each layer that has parameters."""
    trained, exact = copies.gradients()
    start = copies.parameters()
    rng = np.random.default_rng([seed, step])
    layers = dict.fromkeys(name.rpartition(".")[0] for name in start)
    for layer in layers:
        names = [name for name in start if name.rpartition(".")[0] == layer]
        v = _direction({name: trained[name] for name in names}, rng)
        slope = _dot(trained, v)
        difference, error = _difference(copies, {name: start[name] for name in names}, v, _length(trained, names))
        rounding = abs(slope - _dot(exact, v))
        yield Check(step, layer, slope, abs(slope - difference), error + rounding, rounding)


def _direction(gradient: Arrays, rng: np.random.Generator) -> Arrays:
    """Half along the gradient, where the slope is largest, and half at random, which no error is orthogonal to."""
    random = {name: rng.standard_normal(array.shape) for name, array in gradient.items()}
    parts = [(part, _length(part, part)) for part in (gradient, random)]
    both = {name: sum(part[name] / length for part, length in parts if length) for name in gradient}
    length = _length(both, both)
    return {name: np.asarray(array / length) for name, array in both.items()}


def _length(arrays: Arrays, names: Any) -> float:
    return float(np.sqrt(sum(float((arrays[name] ** 2).sum()) for name in names)))


def _dot(arrays: Arrays, v: Arrays) -> float:
    return float(sum(float((arrays[name] * v[name]).sum()) for name in v))


def _difference(copies: Copies, start: Arrays, v: Arrays, typical: float) -> tuple[float, float]:
    """The slope of the loss along v by central differences, and a bound of its error.

    A smooth loss has a central difference with an error of second order in h, and one-sided ones that are apart by a
    term of first order. What does not shrink so from h to h/2 is a kink inside the steps, of which the central
    difference takes the middle: wrong by at most half of what the one-sided ones are apart.
    """
    best, error = 0.0, np.inf
    size = 1.0 + _length(start, start)
    here = copies.loss(start)

    def ahead(h: float) -> float:
        return copies.loss({name: start[name] + h * v[name] for name in v})

    for relative in _STEPS:
        h = relative * size
        (central, apart), (wide, wide_apart) = (_slopes(ahead(x), here, ahead(-x), x) for x in (h / 2, h))
        noise = _ROUNDINGS * np.finfo(np.float64).eps * abs(here) / h
        found = 2 * abs(wide - central) + abs(2 * apart - wide_apart) + noise
        if found < error:
            best, error = central, found
        if error <= _GOOD * typical:
            break
    copies.loss(start)
    return best, error


def _slopes(ahead: float, here: float, behind: float, h: float) -> tuple[float, float]:
    """The central difference, and how far the one-sided ones are apart."""
    return (ahead - behind) / (2 * h), (ahead - 2 * here + behind) / h


def verification(learner: Learner, folder: RunFolder, seed: int = 0) -> Verify:
    """Check a learner's gradients on a batch, add the result to verification.csv, and draw verification.png."""
    kind = _NumpyCopies if isinstance(learner, NumpyLearner) else _TorchCopies

    def verify(images: NDArray[Any], labels: NDArray[Any], step: int) -> str:
        begin = time.perf_counter()
        with _unseen(learner):
            found = list(checks(kind(learner, images, labels), step, seed))  # type: ignore[arg-type]
        seconds = time.perf_counter() - begin
        rows = [check for check in read(folder.path) if check.step < step] + found
        _write(folder.path, rows)
        return _said(found, seconds)

    return verify


@contextmanager
def _unseen(learner: Learner) -> Iterator[None]:
    """Training draws the same random numbers as without a check."""
    if isinstance(learner, TorchLearner):
        import torch

        with torch.random.fork_rng():
            yield
    else:
        yield


def _said(found: list[Check], seconds: float) -> str:
    wrong = [check for check in found if not check.right]
    if not wrong:
        worst = max(check.discrepancy / abs(check.slope or 1) for check in found)
        return f"gradients of {len(found)} layers are right, to {worst:.1g} of the slope; {seconds:.1f} s"
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
            Check(int(row["step"]), row["layer"], *(float(row[name]) for name in numbers)) for row in csv.DictReader(file)
        ]


def _write(folder: Path, rows: list[Check]) -> None:
    names = [field.name for field in fields(Check)]
    lines = [",".join(names), *(",".join(str(value) for value in asdict(row).values()) for row in rows)]
    replace(folder / "verification.csv", ("\n".join(lines) + "\n").encode())
    replace(folder / "verification.png", picture(rows))


def picture(rows: list[Check]) -> bytes:
    """Discrepancy beside the slope, for each layer over the steps, and its bound, as a PNG."""
    import io

    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    for position, layer in enumerate(dict.fromkeys(row.layer for row in rows)):
        own = [row for row in rows if row.layer == layer]
        steps, slopes = [row.step for row in own], [abs(row.slope) or 1.0 for row in own]
        colour = f"C{position}"
        ratios = [max(row.discrepancy / slope, 1e-16) for row, slope in zip(own, slopes, strict=True)]
        bounds = [row.bound / slope for row, slope in zip(own, slopes, strict=True)]
        axes.plot(steps, ratios, "o", color=colour, markersize=4, label=f"layer {layer}")
        axes.plot(steps, bounds, "--", color=colour, linewidth=0.8)
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("discrepancy / slope (bound dashed)")
    axes.set_title("Gradients against differences of the loss, while training")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="x-small", ncols=2)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110)
    return written.getvalue()
