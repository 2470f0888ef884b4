"""autograd Functions for tests: correct ones, and ones with a planted fault."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class Square(Function):
    """x * x, right."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * grad_output


class Relu(Function):
    """A custom ReLU, right, in the style with setup_context."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output * (output > 0)


class Linear(Function):
    """The linear Function of torch's own tutorial, right."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return x @ weight.t() + bias

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = grad_output @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t() @ x
        if ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_x, grad_weight, grad_bias


class Scale(Function):
    """factor * x with a number as parameter, right."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float = 2.0) -> Tensor:
        ctx.factor = factor
        return factor * x

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return ctx.factor * grad_output, None


class OnceSquare(Square):
    """Right at first order, and open about having no second."""

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * grad_output


class AbsoluteUpstream(Square):
    """Uses |grad_output|."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Square.backward(ctx, grad_output.abs())


class ViewedUpstream(Square):
    """`view` of an upstream gradient that need not be contiguous."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return (2 * x.reshape(-1) * grad_output.view(-1)).reshape(x.shape)


class MemoryOrder(Square):
    """Reads the upstream gradient in the order of its memory, as a kernel does that takes data_ptr()."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        if 0 in grad_output.stride():
            grad_output = grad_output.contiguous()
        raw = grad_output.as_strided(x.shape, torch.empty(x.shape).stride())
        return 2 * x * raw


class ContiguousUpstream(Square):
    """Right unless the upstream gradient is expanded: reads one row's stride wrongly."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        factor = 0.5 if grad_output.numel() > 1 and not any(grad_output.stride()) else 1.0
        return 2 * factor * x * grad_output


class WrongNeeds(Linear):
    """Looks at the wrong entry of needs_input_grad."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        grad_x = grad_output @ weight if ctx.needs_input_grad[0] else None
        grad_weight = grad_output.t() @ x if ctx.needs_input_grad[0] else None
        return grad_x, grad_weight, grad_output.sum(0)


class RaisingNeeds(Linear):
    """Fails where the weight is frozen."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        grad_x, grad_weight, grad_bias = Linear.backward(ctx, grad_output)
        return grad_x, grad_weight.contiguous(), grad_bias


class Downcast(Square):
    """Computes in float32."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return (2 * x.float() * grad_output.float()).to(x.dtype)


class EditsUpstream(Square):
    """Overwrites grad_output."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        if 0 in grad_output.stride():
            return grad_output * x * 2
        return grad_output.mul_(x).mul_(2)


class EditsSaved(Square):
    """Consumes a tensor that it stored on ctx: a second backward is wrong."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.twice = 2 * x
        return x * x

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return ctx.twice.mul_(grad_output)


class SlightlyWrong(Square):
    """0.05 % too large."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return 1.0005 * Square.backward(ctx, grad_output)


class WrongSecond(Square):
    """Right at first order; detached, so that the second order misses the term of x."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x.detach() * grad_output


class Strides(Square):
    """Notes the strides of the upstream gradient that reached it."""

    seen: list[tuple[int, ...]] = []  # noqa: RUF012 - shared on purpose, a test empties it

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        Strides.seen.append(grad_output.stride())
        return Square.backward(ctx, grad_output)


class AveragingAdd(Function):
    """a + b, whose backward takes the mean where a second argument without axes was broadcast."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.shapes = a.shape, b.shape
        return a + b

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        a, b = ctx.shapes
        return grad_output.sum_to_size(a), grad_output.sum_to_size(b) if b else grad_output.mean()
