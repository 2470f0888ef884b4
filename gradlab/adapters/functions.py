"""Two plain functions: `forward(*inputs)` and `backward(grad_output, *inputs)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradlab.adapters.subject import Array, Inputs, Parameters, Subject, import_line


def from_functions(forward: Callable[..., Any], backward: Callable[..., Any]) -> Subject:
    """The subject of a stateless pair; forward is still run before each backward, as a framework would."""

    def run_forward(inputs: Inputs, params: Parameters) -> tuple[Any, Any]:
        return forward(*inputs, **params), None

    def run_backward(grad_output: Any, inputs: Inputs, saved: Any, params: Parameters) -> Any:
        return backward(grad_output, *inputs, **params)

    def saved_arrays(saved: Any) -> list[Array]:
        return []

    name = getattr(forward, "__qualname__", type(forward).__name__)
    source = f"{import_line(forward, 'forward')}\n{import_line(backward, 'backward')}"
    return Subject(name, run_forward, run_backward, saved_arrays, source=source)
