"""An independent reference in float64: torch autograd of it. The only file of `verify` that imports torch, and late."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.adapters.torch_kernels import load_torch
from gradlab.verify.oracles.estimate import Estimate, Settled

TORCH = "torch autograd"


class TorchReference:
    """`reference(*tensors, **params)`, differentiated by torch autograd in float64.

    Raises MissingDependencyError where torch is absent. `output` and `gradients` give None where the reference refuses
    a case (F.batch_norm with one value per channel): it then has no opinion.
    """

    name = TORCH
    independent = True
    differences = False
    exact = False

    def __init__(self, reference: Callable[..., Any], differentiable: Sequence[int]) -> None:
        self._torch = load_torch()
        self._reference, self._differentiable = reference, frozenset(differentiable)

    def _run(self, inputs: Sequence[Array], params: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        torch = self._torch
        tensors = []
        for k, array in enumerate(inputs):
            values = np.array(array, dtype=np.float64 if array.dtype.kind == "f" else array.dtype, order="C")
            tensors.append(torch.from_numpy(values).requires_grad_(k in self._differentiable))
        return self._reference(*tensors, **params), tensors

    def output(self, inputs: Sequence[Array], params: Mapping[str, Any]) -> Array | None:
        """The reference's output in float64."""
        try:
            output, _ = self._run(inputs, params)
        except Exception:
            return None
        return np.asarray(output.detach().numpy())

    def gradients(
        self, inputs: Sequence[Array], grad_output: Array, params: Mapping[str, Any]
    ) -> list[Array | None] | None:
        """One gradient per argument, zeros where the output does not depend on it."""
        torch = self._torch
        try:
            output, tensors = self._run(inputs, params)
            upstream = torch.from_numpy(np.array(grad_output, dtype=np.float64, order="C"))
            wanted = [tensor for tensor in tensors if tensor.requires_grad]
            found = torch.autograd.grad(output, wanted, upstream, allow_unused=True)
        except Exception:
            return None
        answers = iter(found)
        result: list[Array | None] = []
        for tensor in tensors:
            gradient = next(answers) if tensor.requires_grad else None
            if tensor.requires_grad and gradient is None:
                gradient = torch.zeros_like(tensor)
            result.append(None if gradient is None else np.asarray(gradient.detach().numpy()))
        return result


class GradientsOracle:
    """Whole gradients that somebody computed (torch autograd) behind the interface of `Oracle`."""

    def __init__(
        self,
        name: str,
        gradients: Sequence[Array | None],
        errors: Sequence[Array | None],
        spread: Callable[[], Sequence[Array | None]],
        *,
        independent: bool = True,
    ) -> None:
        self.name, self.independent = name, independent
        self._gradients, self._errors, self._spread = gradients, errors, spread

    def doubt(self, argument: int, element: int) -> float:
        """Rounding of the reference itself, measured; costly, for an element that it alone disputes."""
        spread = self._spread()[argument]
        return 0.0 if spread is None else float(spread.reshape(-1)[element])

    def coordinates(self, argument: int, elements: Array, weights: Array, settled: Settled) -> Estimate:
        """See `Oracle`; the magnitude is the gradient's own, for want of the Jacobian."""
        gradient, error = self._gradients[argument], self._errors[argument]
        if gradient is None or error is None:
            return Estimate.silent(elements.size)
        value = gradient.reshape(-1)[elements]
        return Estimate(value, error.reshape(-1)[elements], np.abs(value), np.zeros(elements.size))

    def direction(self, tangents: Sequence[Any], weights: Array, settled: Settled) -> Estimate:
        """See `Oracle`."""
        value = error = magnitude = 0.0
        for gradient, wrong, tangent in zip(self._gradients, self._errors, tangents, strict=True):
            if tangent is not None:
                if gradient is None or wrong is None:
                    return Estimate.silent(1)
                value += float((gradient * tangent).sum())
                error += float((wrong * np.abs(tangent)).sum())
                magnitude += float(np.abs(gradient * tangent).sum())
        return Estimate(np.array([value]), np.array([error]), np.array([magnitude]), np.zeros(1))
