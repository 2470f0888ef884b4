"""torch.autograd.gradcheck on an autograd.Function around NumPy, as "Extending PyTorch" shows it, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks.checkers.outcome import Outcome
from benchmarks.checkers.pair import Pair
from benchmarks.zoo.subject import Subject


def check(subject: Subject, correct: Subject, seed: int, *, fast: bool = False) -> Outcome:
    """Default eps, atol and rtol."""
    pair = Pair(subject, correct, seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    inputs = [torch.tensor(array, requires_grad=k in pair.differentiable) for k, array in enumerate(pair.inputs)]
    function = wrap(pair)

    def call() -> None:
        torch.autograd.gradcheck(function, inputs, fast_mode=fast)

    return pair.judge(call)


def wrap(pair: Pair) -> Any:
    """The pair as a function of tensors."""

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(*tensors)
            return torch.from_numpy(pair.forward([tensor.detach().numpy() for tensor in tensors]))

        @staticmethod
        def backward(ctx: Any, grad_output: torch.Tensor) -> Any:
            arrays = [tensor.detach().numpy() for tensor in ctx.saved_tensors]
            gradients = pair.backward(grad_output.numpy(), arrays)
            return tuple(map(tensor_of, gradients)) if isinstance(gradients, tuple | list) else tensor_of(gradients)

    return Wrapped.apply


def tensor_of(gradient: Any) -> Any:
    """A tensor of an array; whatever else it is stays as it is, for torch to judge."""
    # A copy: torch takes no negative strides.
    return torch.from_numpy(np.array(gradient)) if isinstance(gradient, np.ndarray | np.generic) else gradient
