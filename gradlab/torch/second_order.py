"""Double backward: the first-order gradient is a function too, and its own backward is checked like any other."""

from __future__ import annotations

from typing import Any

import torch

from gradlab.errors import SignatureError
from gradlab.operation import Signature
from gradlab.torch.targets import Target

FIRST_UPSTREAM = "grad_output_1"
"""The argument that the first backward knew as grad_output; the name itself now means the second one's."""


def gradient_of(target: Target, names: tuple[str, ...], argument: int) -> Target:
    """`vjp(*inputs, grad_output) -> grad_input` of one argument, itself differentiable.

    Finite differences of it are products of the Hessian and grad_output, so that a double backward that agrees with
    them is symmetric as well. Raises SignatureError where the output's shape is not in the signature.
    """
    if target.signature.output is None:
        raise SignatureError(
            f"order=2 needs the shape of the output: write '{target.signature}->(...)' with its dimensions"
        )

    def vjp(*tensors: Any, **params: Any) -> Any:
        *inputs, grad_output = tensors
        with torch.enable_grad():
            leaves = [
                leaf if leaf.requires_grad or k != argument else leaf.detach().requires_grad_()
                for k, leaf in enumerate(inputs)
            ]
            output = target.call(*leaves, **params)
            if not output.requires_grad:
                return torch.zeros_like(leaves[argument])
            (gradient,) = torch.autograd.grad(
                output, leaves[argument], grad_output, create_graph=torch.is_grad_enabled(), allow_unused=True
            )
        return torch.zeros_like(leaves[argument]) if gradient is None else gradient

    inputs = target.signature.inputs
    signature = Signature((*inputs, target.signature.output), inputs[argument])
    lines = (
        "first_order = call",
        "def call(*tensors, **params):",
        "    *inputs, g = tensors",
        f"    return torch.autograd.grad(first_order(*inputs, **params), inputs[{argument}], g, create_graph=True)[0]",
    )
    head, leaf, tail = target.source.partition("def leaf(")
    source = head + "\n".join(lines) + f"\n{leaf}{tail}"
    label = f"{target.name}, second order: the gradient of {names[argument]}"
    return Target(label, vjp, signature, (*names, FIRST_UPSTREAM), source)
