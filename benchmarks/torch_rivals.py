"""The torch side: autograd of an operation's independent reference, and the generated torch kernel. Imports torch."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch

from benchmarks.cases import Case
from benchmarks.timing import Rival


def torch_rivals(case: Case, kernel: ModuleType, grad_output: Any, *, forward: bool) -> dict[str, Rival]:
    """`{"autograd": …, "torch": …}`; autograd's graph is built beforehand and kept, so that only its backward runs.

    Forwards are the reference and the kernel without a graph.
    """
    torch.set_num_threads(1)
    # Copies: NumPy's arrays and torch's tensors must not share memory, nor alignment that only one of them chose.
    plain = [torch.tensor(value) for value in case.inputs]
    parameters = case.parameters
    if forward:
        return {
            "autograd": _without_graph(kernel.reference, plain, parameters),
            "torch": _without_graph(kernel.forward, plain, parameters),
        }
    wanted = [
        argument.differentiable and value.is_floating_point()
        for argument, value in zip(case.operation.arguments, plain, strict=True)
    ]
    leaves = [value.clone().requires_grad_(want) for value, want in zip(plain, wanted, strict=True)]
    sources = [leaf for leaf, want in zip(leaves, wanted, strict=True) if want]
    output = kernel.reference(*leaves, **parameters)
    upstream = torch.tensor(np.asarray(grad_output))
    _, saved = kernel.forward(*plain, **parameters)

    def autograd() -> tuple[Any, ...]:
        gradients = iter(torch.autograd.grad(output, sources, upstream, retain_graph=True))
        return tuple(next(gradients) if want else None for want in wanted)

    def generated() -> tuple[Any, ...]:
        result: tuple[Any, ...] = kernel.backward(upstream, saved)
        return result

    return {"autograd": autograd, "torch": generated}


def _without_graph(function: Any, inputs: list[torch.Tensor], parameters: dict[str, float]) -> Rival:
    def run() -> Any:
        with torch.no_grad():
            return function(*inputs, **parameters)

    return run
