"""Registered operations as differentiable torch functions: the derivative that runs is the derived one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gradlab import registry


@functools.cache
def differentiable(name: str) -> Callable[..., Tensor]:
    """A registered operation as `call(*tensors, **parameters) -> Tensor`, differentiable once in reverse mode."""
    operation, kernel = registry.operation(name), registry.kernel(name, "torch")
    defaults = {parameter.name: parameter.default for parameter in operation.parameters}
    several, count = len(operation.differentiable) > 1, len(operation.arguments)

    class Derived(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *arguments: Any) -> Tensor:
            output, saved = kernel.forward(*arguments[:count], **dict(zip(defaults, arguments[count:], strict=True)))
            ctx.tensors = len(operation.saved)
            ctx.save_for_backward(*saved[: len(operation.saved)])
            ctx.constants = saved[len(operation.saved) :]
            return output

        @staticmethod
        def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
            saved = (*ctx.saved_tensors, *ctx.constants)
            needs = (ctx.needs_input_grad[:count],) if several else ()
            return *kernel.backward(grad_output, saved, *needs), *(None for _ in defaults)

    def call(*tensors: Tensor, **parameters: Any) -> Tensor:
        output: Tensor = Derived.apply(*tensors, *(defaults | parameters).values())
        return output

    return call
