"""A reference in jax: differentiated by jax itself, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.jax.program import Program


class JaxReference:
    """`reference(*arrays, **params)` behind the interface of `gradlab.verify.references.Reference`."""

    name = "jax autodiff"
    independent = True
    differences = False
    exact = False

    def __init__(self, reference: Callable[..., Any], differentiable: Sequence[int]) -> None:
        self._program = Program(reference, tuple(differentiable))

    def output(self, inputs: Sequence[Array], params: Mapping[str, Any]) -> Array | None:
        """The reference's output in float64."""
        try:
            return self._program.output(_double(inputs), params)
        except Exception:
            return None

    def gradients(
        self, inputs: Sequence[Array], grad_output: Array, params: Mapping[str, Any]
    ) -> list[Array | None] | None:
        """One gradient per argument, None for those without."""
        try:
            return list(self._program.gradients(_double(inputs), np.asarray(grad_output, np.float64), params))
        except Exception:
            return None


def _double(inputs: Sequence[Array]) -> list[Array]:
    return [array.astype(np.float64) if array.dtype.kind == "f" else array for array in inputs]
