"""One case run through the subject: placed arrays, forward, backward, and on demand what laws need to judge them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.calls import Caller, Forward, listed, numeric
from gradlab.verify.case import Case
from gradlab.verify.judge import Scales
from gradlab.verify.layouts import Placed, place
from gradlab.verify.oracles.differences import Differences
from gradlab.verify.references import Reference
from gradlab.verify.specification import Specification
from gradlab.verify.spread import gradient_spread, rescaled_spread
from gradlab.verify.tally import Tally


class Trial:
    """Everything that happened in one case.

    `returned` is what backward gave, untouched; `answers` holds each usable gradient in float64.
    """

    def __init__(
        self,
        case: Case,
        specification: Specification,
        caller: Caller,
        references: Sequence[Reference] = (),
        tally: Tally | None = None,
    ) -> None:
        self.case, self.specification, self.caller = case, specification, caller
        self.references = references
        self.wide: Caller | None = None  # where the caller itself knows one narrow dtype only
        self._referred: dict[Reference, list[Array | None] | None] = {}
        self.tally = tally if tally is not None else Tally()
        self.rng = np.random.default_rng((case.seed, 2))
        layouts = case.layouts[: len(case.inputs)]
        self.placed = [place(array, layout) for array, layout in zip(case.inputs, layouts, strict=True)]
        self.inputs = [placed.array for placed in self.placed]
        self.before = [placed.fingerprint() for placed in self.placed]
        self.forward: Forward = caller.forward(self.inputs, self.params)
        self.after_forward = [placed.fingerprint() for placed in self.placed]
        self.output = np.array(self.forward.output)
        self.upstream: Placed | None = None
        self.returned: Any = None
        self.error = ""
        self.gradients: list[Any] = []
        self.answers: list[Array | None] = [None] * len(self.inputs)
        self._scales: dict[int, Scales] = {}
        if not self.forward.error and self.output.dtype.kind == "f":
            self._run_backward()

    def _run_backward(self) -> None:
        self.upstream = place(self.grad_output, self.case.layouts[-1])
        self.saved = self.caller.subject.saved_arrays(self.forward.saved)
        self.saved_before = [array.tobytes() for array in self.saved]
        self.upstream_before = self.upstream.fingerprint()
        self.returned, self.error = self.caller.backward(
            self.upstream.array, self.inputs, self.forward.saved, self.params
        )
        if not self.error:
            self.gradients = listed(self.returned, len(self.inputs))
            self.answers = numeric(self.gradients, [array.shape for array in self.case.inputs])

    @property
    def params(self) -> dict[str, Any]:
        """Keyword parameters of this case."""
        return dict(self.case.params)

    @cached_property
    def grad_output(self) -> Array:
        """The upstream gradient in C order."""
        return self.case.upstream_gradient(self.output.shape, self.output.dtype)

    @cached_property
    def weights(self) -> Array:
        """The upstream gradient, flat, in float64."""
        return self.grad_output.astype(np.float64).reshape(-1)

    @property
    def ran(self) -> bool:
        """True where forward and backward both came back."""
        return self.upstream is not None and not self.error

    @cached_property
    def forward_finite(self) -> bool:
        """True where every output is a finite number."""
        return bool(np.isfinite(self.output).all())

    def name(self, argument: int) -> str:
        """The name of an argument."""
        return self.specification.arguments[argument].name

    def again(self, inputs: Sequence[Array], grad_output: Array) -> list[Array | None]:
        """The gradients for other arrays, in float64."""
        return self.caller.gradients(inputs, grad_output, self.params)

    def reference_gradients(self, reference: Reference) -> list[Array | None] | None:
        """The gradients of a reference for this case, asked for once."""
        if reference not in self._referred:
            self._referred[reference] = reference.gradients(self.case.inputs, self.grad_output, self.params)
        return self._referred[reference]

    def wide_again(self, inputs: Sequence[Array], grad_output: Array) -> list[Array | None]:
        """The gradients in a wider dtype than the case's own."""
        return (self.wide or self.caller).gradients(inputs, grad_output, self.params)

    @cached_property
    def spread(self) -> list[Array | None]:
        """Unavoidable rounding of each gradient element; see `spread.gradient_spread`."""
        return gradient_spread(self.caller.gradients, self.case.inputs, self.grad_output, self.params, self.rng)

    @cached_property
    def rescaled_spread(self) -> list[Array | None]:
        """Rounding that shows where the upstream has other digits; see `spread.rescaled_spread`."""
        return rescaled_spread(self.caller.gradients, self.case.inputs, self.grad_output, self.params, self.rng)

    @cached_property
    def differences(self) -> Differences:
        """Central differences of the forward under test at this case's inputs."""
        return self.differences_at(self.case.inputs)

    def differences_at(self, inputs: Sequence[Array]) -> Differences:
        """The same at other inputs."""

        def run(moved: Sequence[Array]) -> Array | None:
            forward = self.caller.forward(moved, self.params)
            return None if forward.error else forward.output

        bounds = [
            self._bounds(argument.domain.kind, argument.domain.minimum, argument.domain.maximum)
            if argument.differentiable
            else None
            for argument in self.specification.arguments
        ]
        return Differences(run, inputs, bounds, self.rng, extended=self.caller.subject.extended)

    @staticmethod
    def _bounds(kind: str, low: float, high: float) -> tuple[float, float]:
        # A forward on probabilities is differentiated off the simplex too: entries move one at a time, also above 1.
        return (low, np.inf) if kind == "simplex" else (low, high)

    @cached_property
    def forward_error(self) -> float:
        """Relative error of the forward in this dtype against its own run in the working precision."""
        truth = self.differences.output.astype(np.float64)
        found = self.output.astype(np.float64).reshape(-1)
        if truth.shape != found.shape or not truth.size:
            return 0.0
        # Relative to the largest output: one that happens to be near 0 says nothing about the others.
        finite = np.isfinite(found) & np.isfinite(truth)
        largest = float(np.abs(truth[finite]).max(initial=0.0))
        return float(np.abs(found - truth)[finite].max(initial=0.0)) / largest if largest else 0.0

    def natural(self, truth: Array) -> float:
        """The size of numbers that a forward with this true output works with.

        At least 1, unless all inputs are smaller: log(1 + x) at x = 1e-20 must not give 0, while a loss of 1e-16 after
        the softmax of logits near 10 may be lost among roundings of 1.
        """
        inputs = max((float(np.abs(x).max(initial=0.0)) for x in self.case.inputs if x.dtype.kind == "f"), default=1.0)
        return max(float(np.abs(truth).max(initial=0.0)), min(1.0, inputs))

    def scales(self, argument: int) -> Scales:
        """The sizes that rounding in this argument's gradient is proportional to."""
        if argument not in self._scales:
            answer = self.answers[argument]
            assert answer is not None
            output = _finite(self.output.astype(np.float64).reshape(-1))
            self._scales[argument] = Scales(
                self.case.dtype,
                _largest(self.weights),
                _largest(output),
                _largest(self.weights * output),
                _largest(_finite(answer)),
                self.forward_error,
            )
        return self._scales[argument]


def _finite(values: Array) -> Array:
    return np.asarray(np.where(np.isfinite(values), values, 0.0))


def _largest(values: Array) -> float:
    return float(np.abs(values).max(initial=0.0))
