"""A subject as a rival's wrapper calls it: at one ordinary case, in float64, with the default parameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.checkers.outcome import Outcome, Verdict, one_line, timed
from benchmarks.zoo.sampling import defaults, sample
from benchmarks.zoo.subject import Array, Subject


class Pair:
    """`inputs` is what a user would try; `differentiable` are the positions of arguments that have a gradient."""

    def __init__(self, subject: Subject, correct: Subject, seed: int) -> None:
        self.subject, self.params = subject, defaults(subject)
        # Drawn with the correct twin, so that a subject that keeps state meets its checker untouched.
        case = sample(correct, seed=seed)
        self.inputs = case.inputs
        self.output_shape, self.output_dtype = case.grad_output.shape, case.grad_output.dtype
        self.differentiable = tuple(
            k
            for k, (name, array) in enumerate(zip(subject.names, case.inputs, strict=True))
            if array.dtype.kind == "f"
            and (subject.wrt is None or name in subject.wrt)
            and (name not in subject.domains or subject.domains[name].continuous)
        )

    def forward(self, inputs: Sequence[Array]) -> Array:
        """The output in memory of its own: a view of the input would change while differences are taken."""
        return np.array(self.subject.forward(*inputs, **self.params))

    def backward(self, grad_output: Array, inputs: Sequence[Array]) -> Any:
        """What backward returns, unrepaired."""
        return self.subject.backward(grad_output, *inputs, **self.params)

    def judge(self, call: Callable[[], None]) -> Outcome:
        """The verdict of a check that raises when it finds something.

        An exception of the subject's own counts as found: the user of that checker sees it too.
        """
        if not self.differentiable:
            return Outcome("not applicable", "no argument has a gradient")

        def guarded() -> tuple[Verdict, str]:
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    call()
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a subject may call sys.exit()
                return "fail", one_line(error)
            return "pass", ""

        return timed(guarded)
