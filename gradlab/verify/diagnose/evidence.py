"""What hypotheses are tested on: all samples, seen from one argument, with the words to speak of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.operation import ELLIPSIS
from gradlab.verify.along import DEFAULT, KEYWORD
from gradlab.verify.diagnose.laboratory import Laboratory
from gradlab.verify.diagnose.sample import CLOSE, Sample, close, largest

# Fewer than four elements fit anything.
INFORMATIVE = 4


@dataclass
class Evidence:
    """Samples in which the gradient of argument `k` is wrong (or right), for hypotheses to fit against all of them."""

    laboratory: Laboratory
    k: int
    samples: Sequence[Sample]

    @property
    def name(self) -> str:
        """The argument's name."""
        return self.laboratory.names[self.k]

    @property
    def grad(self) -> str:
        """How sentences call the gradient."""
        return f"grad {self.name}"

    @cached_property
    def pairs(self) -> list[tuple[Sample, Array, Array]]:
        """(sample, answer, truth) where both are known and the truth is not zero everywhere."""
        found = []
        for sample in self.samples:
            answer, truth = sample.answers[self.k], sample.truth(self.k)
            if answer is not None and truth is not None and np.isfinite(answer).all():
                found.append((sample, answer, truth))
        return found

    @cached_property
    def jacobians(self) -> list[tuple[Sample, Array, Array]]:
        """(sample, claimed Jacobian, true Jacobian) of all samples, or [] where backward is not linear in one."""
        found = []
        for sample, _, _ in self.pairs:
            claimed, true = sample.claimed_jacobian(self.k), sample.true_jacobian(self.k)
            if claimed is None or true is None or not np.isfinite(true).all():
                return []
            found.append((sample, claimed, true))
        return found

    @property
    def enough(self) -> bool:
        """True where there are at least two cases and four informative elements in all."""
        return len(self.pairs) >= 2 and sum(int((t != 0).sum()) for _, _, t in self.pairs) >= INFORMATIVE

    def quantities(self, sample: Sample) -> dict[str, float]:
        """Sizes and parameters of a sample by the names that formulas use."""
        completed = self.laboratory.specification.completed(sample.sizes, sample.params)
        found: dict[str, float] = {dim: float(size) for dim, size in completed.items()}
        for name, value in sample.params.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found[name] = float(value)
        counts = {"output.size": sample.output.size}
        counts |= {f"{name}.size": array.size for name, array in zip(self.laboratory.names, sample.inputs, strict=True)}
        for axis in range(sample.inputs[self.k].ndim):
            if self.axis_name(axis) is None:
                counts[f"{self.name}.shape[{axis}]"] = sample.inputs[self.k].shape[axis]
        return found | {name: float(count) for name, count in counts.items() if count not in found.values()}

    def axis_name(self, axis: int, argument: int | None = None) -> str | None:
        """The signature's name for an axis of an argument (None: the output is meant by -1)."""
        specification = self.laboratory.specification
        if specification.along is not None and self.samples[0].params[KEYWORD] != DEFAULT:
            return None  # it names no position then
        signature = specification.signature
        k = self.k if argument is None else argument
        shape = signature.output if k < 0 else signature.inputs[k]
        ndim = self.samples[0].output.ndim if k < 0 else self.samples[0].inputs[k].ndim
        if shape is None:
            return None
        if ELLIPSIS in shape:
            axis -= ndim - (len(shape) - 1)
            shape = shape[1:]
        return shape[axis] if 0 <= axis < len(shape) else None

    def axis(self, axis: int, argument: int | None = None) -> str:
        """`axis 0 (n)`."""
        name = self.axis_name(axis, argument)
        return f"axis {axis} ({name})" if name else f"axis {axis}"

    def fit(self) -> str:
        """`in 3 of 3 draws`."""
        return f"in {len(self.pairs)} of {len(self.pairs)} draws"

    def facts(self, **more: object) -> dict[str, object]:
        """Evidence for a diagnosis whose hypothesis fits every pair."""
        elements = sum(int(truth.size) for _, _, truth in self.pairs)
        return {"draws": len(self.pairs), "elements": elements, **more}

    def others(self) -> Iterator[tuple[int, str]]:
        """The other continuous arguments, with their names."""
        for j, name in enumerate(self.laboratory.names):
            if j != self.k and self.laboratory.specification.arguments[j].domain.continuous:
                yield j, name

    @cached_property
    def tolerance(self) -> float:
        """A hypothesis must be a hundred times closer to the answers than the truth is, and never off by 1e-7."""
        misses = [float(np.nanmax(np.abs(a - t), initial=0.0)) / (largest(t) or 1.0) for _, a, t in self.pairs]
        return min(CLOSE, 0.01 * max(misses, default=1.0))

    def all_close(self, found: Sequence[Array | None]) -> bool:
        """True where every answer equals the array found for it."""
        return len(found) == len(self.pairs) and all(
            other is not None and close(other, answer, self.tolerance)
            for other, (_, answer, _) in zip(found, self.pairs, strict=True)
        )


def r_squared(found: Array, expected: Array) -> float:
    """1 for a perfect fit."""
    known = ~np.isnan(expected)
    total = float((expected[known] ** 2).sum())
    return 1.0 - float(((found - expected)[known] ** 2).sum()) / total if total else 0.0
