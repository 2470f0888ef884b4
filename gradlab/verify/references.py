"""A reference in the hands of the checker: what it answers for one case, and with what error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.errors import MissingDependencyError
from gradlab.verify.calls import describe
from gradlab.verify.oracles.reference import TorchReference


class Reference(Protocol):
    """An independent implementation: its output, and its gradients where it has a way to them."""

    name: str
    differences: bool
    """True where its gradient is to be taken by differences of `output`."""
    exact: bool
    """True where its numbers carry no rounding but that to float64; it answers in a few small cases only."""

    def output(self, inputs: Sequence[Array], params: Mapping[str, Any]) -> Array | None:
        """The output in float64, None where it has no opinion."""

    def gradients(
        self, inputs: Sequence[Array], grad_output: Array, params: Mapping[str, Any]
    ) -> list[Array | None] | None:
        """Gradients in float64; None where it has no opinion or no way to compute them."""


class NumpyReference:
    """A user's own NumPy implementation of forward; its gradient is taken by differences where it is needed."""

    name = "reference"
    differences = True
    exact = False

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def output(self, inputs: Sequence[Array], params: Mapping[str, Any]) -> Array | None:
        """See `Reference`; runs in the dtype of the inputs, so that it can be differentiated in extended precision."""
        try:
            return np.asarray(self._function(*inputs, **params))
        except Exception:
            return None

    def gradients(
        self, inputs: Sequence[Array], grad_output: Array, params: Mapping[str, Any]
    ) -> list[Array | None] | None:
        """None: see `laws.value`, which differentiates `output` instead."""
        return None


def as_reference(
    function: Callable[..., Any], differentiable: Sequence[int], inputs: Sequence[Array], params: Mapping[str, Any]
) -> Reference:
    """Tell a NumPy reference from a torch one by calling it: torch functions refuse arrays with a TypeError."""
    try:
        function(*inputs, **params)
    except (TypeError, AttributeError) as error:
        try:
            return TorchReference(function, differentiable)
        except MissingDependencyError as missing:
            raise MissingDependencyError(f"reference refused NumPy arrays ({describe(error)}); {missing}") from error
    except Exception:
        return NumpyReference(function)
    return NumpyReference(function)
