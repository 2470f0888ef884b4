"""Cache-style pairs on torch tensors: NumPy arrays go in and come out, strides are kept where torch can hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array, Inputs, Parameters, Subject, import_line
from gradlab.errors import MissingDependencyError

MISSING = "torch is not installed (pip install 'gradlab[torch]')"


def load_torch() -> Any:
    """The torch module, or MissingDependencyError with the command that installs it."""
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError(MISSING) from error
    return torch


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on one thread, where torch is installed: tiny tensors gain nothing from more.

    On a busy machine waiting threads made a check ten times slower.
    """
    try:
        torch = load_torch()
    except MissingDependencyError:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def from_torch(forward: Callable[..., Any], backward: Callable[..., Any], *, name: str | None = None) -> Subject:
    """A pair on tensors, `forward(*tensors) -> (output, saved)` and `backward(grad_output, saved)`, as a subject.

    Raises MissingDependencyError where torch is absent. torch has no extended precision: differences run in float64.
    """
    torch = load_torch()

    def run_forward(inputs: Inputs, params: Parameters) -> tuple[Any, Any]:
        with torch.no_grad():
            output, saved = forward(*(to_tensor(torch, array) for array in inputs), **params)
        return to_array(torch, output), saved

    def run_backward(grad_output: Any, inputs: Inputs, saved: Any, params: Parameters) -> Any:
        with torch.no_grad():
            gradients = backward(to_tensor(torch, grad_output), saved)
        if isinstance(gradients, tuple | list):
            return type(gradients)(to_array(torch, gradient) for gradient in gradients)
        return to_array(torch, gradients)

    def saved_arrays(saved: Any) -> list[Array]:
        items = saved if isinstance(saved, tuple | list) else (saved,)
        return [to_array(torch, item) for item in items if isinstance(item, torch.Tensor)]

    source = "\n".join(
        (
            "import torch",
            import_line(forward, "torch_forward"),
            import_line(backward, "torch_backward"),
            "t = lambda array: torch.from_numpy(np.array(array))",
            "def forward(*inputs, **params): return torch_forward(*map(t, inputs), **params)[0].numpy()",
            "def backward(g, *inputs, **params):",
            "    grads = torch_backward(t(g), torch_forward(*map(t, inputs), **params)[1])",
            "    return tuple(None if grad is None else grad.numpy() for grad in grads)",
        )
    )
    label = name or str(getattr(forward, "__qualname__", type(forward).__name__))
    return Subject(label, run_forward, run_backward, saved_arrays, extended=False, source=source)


def torch_jvp(forward: Callable[..., Any], jvp: Callable[..., Any]) -> Callable[..., Any]:
    """`jvp(saved, *tangents)` of a pair on tensors as `jvp(tangents, *arrays, **params)` on arrays."""
    load_torch()
    return partial(_pushed, forward, jvp)


def _pushed(forward: Callable[..., Any], jvp: Callable[..., Any], tangents: Any, *inputs: Any, **params: Any) -> Any:
    torch = load_torch()
    with torch.no_grad():
        _, saved = forward(*(to_tensor(torch, array) for array in inputs), **params)
        return to_array(torch, jvp(saved, *(to_tensor(torch, v) for v in tangents if v is not None)))


def to_tensor(torch: Any, array: Any) -> Any:
    """The array as a tensor on the same memory; copied where torch cannot hold its strides or may not write to it.

    Negative strides become contiguous; a read-only or misaligned array keeps its order of axes.
    """
    array = np.asarray(array)
    if any(stride < 0 for stride in array.strides):
        array = np.array(array, order="C")
    elif not array.flags.aligned or (not array.flags.writeable and 0 not in array.strides):
        array = np.array(array, order="K")
    elif not array.flags.writeable:
        # A stride-0 (expanded) array: torch can expand as well, so only the memory behind it is copied.
        core = array[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)]
        return torch.from_numpy(np.array(core, order="K")).expand(array.shape)
    return torch.from_numpy(array)


def to_array(torch: Any, value: Any) -> Any:
    """The tensor as an array on the same memory; anything else comes back as it is."""
    return value.detach().numpy() if isinstance(value, torch.Tensor) else value
