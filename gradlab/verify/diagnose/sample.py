"""One case of a diagnosis: what backward answers, what is true, and both Jacobians, each computed when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.calls import Caller
from gradlab.verify.case import Case
from gradlab.verify.diagnose.jacobian import true_jacobian
from gradlab.verify.specification import Specification
from gradlab.verify.trial import Trial

# Larger Jacobians cost more than a diagnosis may take.
MOST_OUTPUTS, MOST_ELEMENTS = 200, 300

# Two arrays this close, relative to the largest entry, are the same formula.
CLOSE = 1e-7

# An answer farther than this from the truth is wrong: differences are good to 1e-11 in extended precision.
_WRONG = {True: 1e-9, False: 1e-7}


class Sample:
    """A case in C order and float64, run once.

    `answers` are backward's gradients; `truth(k)` is the true one, NaN where differences do not converge, None where
    the case is too large to differentiate in full.
    """

    def __init__(self, case: Case, specification: Specification, caller: Caller) -> None:
        self.case, self.specification, self.caller = case, specification, caller
        self.trial = Trial(case, specification, caller)
        self.answers = self.trial.answers
        self.inputs: Sequence[Array] = case.inputs
        self.output: Array = self.trial.output
        self._true: dict[int, Array | None] = {}

    @property
    def usable(self) -> bool:
        """True where forward gave finite numbers."""
        return not self.trial.forward.error and self.output.dtype.kind == "f" and self.trial.forward_finite

    @property
    def sizes(self) -> Mapping[str, int]:
        """Size of every named dimension."""
        return self.case.sizes

    @property
    def params(self) -> Mapping[str, Any]:
        """Keyword parameters."""
        return self.case.params

    @property
    def grad_output(self) -> Array:
        """The upstream gradient."""
        return self.trial.grad_output

    def true_jacobian(self, k: int) -> Array | None:
        """Slope of every output (columns) along every element of argument `k` (rows); None where that is unknown."""
        if k not in self._true:
            differences = self.trial.differences
            small = self.inputs[k].size <= MOST_ELEMENTS and self.output.size <= MOST_OUTPUTS
            # An argument without a gradient, such as one that `wrt` leaves out, has no differences either.
            usable = small and self.usable and differences.usable and differences.scales[k] is not None
            self._true[k] = true_jacobian(differences, k) if usable else None
        return self._true[k]

    @cached_property
    def _claimed(self) -> list[Array | None]:
        count = len(self.inputs)
        if self.output.size > MOST_OUTPUTS:
            return [None] * count
        columns: list[list[Array | None]] = []
        for o in range(self.output.size):
            unit = np.zeros(self.output.shape, dtype=self.output.dtype)
            unit.reshape(-1)[o] = 1
            columns.append(self.trial.again(self.inputs, unit))
        found: list[Array | None] = []
        for k in range(count):
            parts = [column[k] for column in columns]
            known = [part.reshape(-1) for part in parts if part is not None]
            found.append(np.stack(known, axis=1) if known and len(known) == len(parts) else None)
        return found

    def claimed_jacobian(self, k: int) -> Array | None:
        """The same as backward has it, one upstream element at a time; None where it is not linear in grad_output."""
        claimed, answer = self._claimed[k], self.answers[k]
        if claimed is None or answer is None:
            return None
        weighed = claimed @ self.grad_output.reshape(-1)
        return claimed if close(weighed, answer.reshape(-1)) else None

    def truth(self, k: int, grad_output: Array | None = None) -> Array | None:
        """The true gradient of argument `k` in its shape, for this upstream gradient or another one."""
        jacobian = self.true_jacobian(k)
        if jacobian is None:
            return None
        g = self.grad_output if grad_output is None else grad_output
        return np.asarray((jacobian @ g.reshape(-1)).reshape(self.inputs[k].shape))

    def wrong(self, k: int) -> Array | None:
        """Mask of the elements whose answer is not the truth; None where that is unknown."""
        answer, truth = self.answers[k], self.truth(k)
        if answer is None or truth is None:
            return None
        size = largest(truth)
        bar = _WRONG[self.trial.differences.extended] * size
        return np.asarray(~(np.abs(answer - truth) <= bar) & ~np.isnan(truth))


def largest(values: Array) -> float:
    """Largest finite magnitude, 0 where there is none."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def close(found: Array, expected: Array, tolerance: float = CLOSE) -> bool:
    """True where two arrays are the same numbers up to `tolerance` of the largest; NaN in `expected` is unknown."""
    if found.shape != expected.shape or not expected.size:
        return False
    known = ~np.isnan(expected)
    return bool(known.any()) and bool((np.abs(found - expected)[known] <= tolerance * largest(expected)).all())
