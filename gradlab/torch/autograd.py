"""Any callable of tensors as a subject: its backward is what `torch.autograd.grad` makes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import BackwardCFunction

from gradlab.adapters.subject import Array, Inputs, Parameters, Subject
from gradlab.torch.tensors import as_array, on_device, written_back

Call = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One forward: its output with the graph behind it, and the tensors that it was given."""

    output: torch.Tensor
    leaves: tuple[torch.Tensor, ...]


@dataclass(frozen=True, slots=True)
class Autograd:
    """A callable on one device; `differentiable` are the positions of the inputs that have a gradient.

    `constant` accepts an output that depends on no input: its gradient is then zero.
    """

    call: Call
    differentiable: tuple[int, ...]
    device: torch.device
    constant: bool = False

    def record(self, inputs: Inputs, params: Parameters, wanted: Collection[int] | None = None) -> Recorded:
        """Run forward with `requires_grad` on the inputs `wanted`, by default on all differentiable ones."""
        chosen = self.differentiable if wanted is None else wanted
        leaves = tuple(on_device(array, self.device).requires_grad_(k in chosen) for k, array in enumerate(inputs))
        with torch.set_grad_enabled(bool(chosen)):
            output = self.call(*leaves, **params)
        if not isinstance(output, torch.Tensor):
            raise TypeError(
                f"forward returns a {type(output).__name__}; one tensor is expected: "
                "check lambda *inputs: function(*inputs)[0]"
            )
        for array, leaf in zip(inputs, leaves, strict=True):
            written_back(array, leaf)
        return Recorded(output, leaves)

    def gradients(
        self, recorded: Recorded, grad_output: torch.Tensor, wanted: Collection[int] | None = None
    ) -> tuple[torch.Tensor | None, ...]:
        """The gradient of each input in `wanted`, zeros where autograd has none; None for the others.

        The graph is kept: the same output may be asked again.
        """
        chosen = [k for k in self.differentiable if wanted is None or k in wanted]
        output, leaves = recorded.output, recorded.leaves
        if not output.requires_grad:
            if not self.constant:
                raise RuntimeError(
                    "the output does not require grad: forward leaves autograd (.detach(), .data, .item(), NumPy)"
                )
            return tuple(torch.zeros_like(leaf) if k in chosen else None for k, leaf in enumerate(leaves))
        found = torch.autograd.grad(
            output, [leaves[k] for k in chosen], grad_output, retain_graph=True, allow_unused=True
        )
        if any(gradient is None for gradient in found) and any(
            type(node).__name__ == "Error" for node in _nodes(output)
        ):
            # torch raises in `backward()`, but `grad` finds no way to the inputs and stays silent.
            raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
        answers = dict(zip(chosen, found, strict=True))
        # An undefined gradient means zero to autograd.
        return tuple(
            (torch.zeros_like(leaf) if answers[k] is None else answers[k]) if k in answers else None
            for k, leaf in enumerate(leaves)
        )

    def subject(self, name: str, source: str) -> Subject:
        """For the checker; torch has no extended precision, so that differences run in float64."""

        def run_forward(inputs: Inputs, params: Parameters) -> tuple[Any, Any]:
            recorded = self.record(inputs, params)
            return as_array(recorded.output), recorded

        def run_backward(grad_output: Any, inputs: Inputs, saved: Recorded, params: Parameters) -> Any:
            upstream = on_device(grad_output, self.device)
            gradients = self.gradients(saved, upstream)
            written_back(grad_output, upstream)
            for array, leaf in zip(inputs, saved.leaves, strict=True):
                written_back(array, leaf)
            return tuple(None if gradient is None else as_array(gradient) for gradient in gradients)

        return Subject(name, run_forward, run_backward, _saved_arrays, extended=False, source=source)


def _saved_arrays(saved: Any) -> list[Array]:
    """What custom Functions passed to `save_for_backward`; torch's own nodes may be trusted not to edit it."""
    if not isinstance(saved, Recorded) or saved.output.device.type != "cpu":
        return []
    found: list[Array] = []
    for node in _nodes(saved.output):
        if isinstance(node, BackwardCFunction):
            with suppress(RuntimeError):  # edited since it was saved; backward will raise the same
                saved_tensors: tuple[Any, ...] = node.saved_tensors
                found.extend(as_array(tensor) for tensor in saved_tensors if tensor is not None)
    return found


def _nodes(output: torch.Tensor) -> Iterator[Any]:
    """Every node of the graph behind a tensor, once."""
    seen, waiting = set(), [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting.extend(after for after, _ in node.next_functions)
            yield node
