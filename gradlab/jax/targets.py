"""What may be checked: a `jax.custom_vjp` function or any callable of arrays, and the gradient of one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from gradlab.adapters.subject import import_line
from gradlab.errors import SignatureError
from gradlab.operation import Signature

FIRST_UPSTREAM = "grad_output_1"
"""The argument that the first backward knew as grad_output; the name itself now means the second one's."""

JIT = "jax.jit"
"""How a reproduction compiles; left out again for what jax.jit cannot trace."""


@dataclass(frozen=True, slots=True)
class Target:
    """`call(*arrays, **params)`, its signature and argument names (None where they cannot be known)."""

    name: str
    call: Callable[..., Any]
    signature: Signature
    names: tuple[str, ...] | None
    source: str


def target_of(function: Any, signature: str, names: Sequence[str] | None) -> Target:
    """Recognise what is to be checked; raises SignatureError for anything that cannot be called on arrays."""
    parsed = Signature.parse(signature)
    if isinstance(names, str):
        raise SignatureError(f"names={names!r} is a string; write a tuple: names=({names!r},)")
    if inspect.isclass(function) or not callable(function):
        raise SignatureError(
            f"{function!r} cannot be checked; pass a jax.custom_vjp function or another function of jax arrays"
        )
    label = str(getattr(function, "__qualname__", type(function).__name__))
    if isinstance(function, jax.custom_vjp) and getattr(function, "bwd", None) is None:
        raise SignatureError(f"{label}: a custom_vjp without rules; call {label}.defvjp(fwd, bwd)")
    chosen = tuple(names) if names is not None else _positional(function, len(parsed.inputs))
    return Target(label, function, parsed, chosen, _source(import_line(function, "call")))


def gradient_of(target: Target, names: tuple[str, ...], argument: int) -> Target:
    """`vjp(*inputs, grad_output) -> grad_input` of one argument, itself differentiable.

    Raises SignatureError where the output's shape is not in the signature.
    """
    if target.signature.output is None:
        raise SignatureError(
            f"order=2 needs the shape of the output: write '{target.signature}->(...)' with its dimensions"
        )

    def vjp(*arrays: Any, **params: Any) -> Any:
        *inputs, grad_output = arrays

        def of_one(value: Any) -> Any:
            return target.call(*inputs[:argument], value, *inputs[argument + 1 :], **params)

        output, pull = jax.vjp(of_one, inputs[argument])
        return pull(jax.numpy.broadcast_to(grad_output, output.shape))[0]

    inputs = target.signature.inputs
    signature = Signature((*inputs, target.signature.output), inputs[argument])
    lines = (
        "first_order = call",
        "def call(*arrays, **params):",
        "    *inputs, g = arrays",
        f"    of_one = lambda v: first_order(*inputs[:{argument}], v, *inputs[{argument + 1}:], **params)",
        f"    return jax.vjp(of_one, inputs[{argument}])[1](g)[0]",
    )
    head, forward, tail = target.source.partition("def forward(")
    label = f"{target.name}, second order: the gradient of {names[argument]}"
    return Target(label, vjp, signature, (*names, FIRST_UPSTREAM), f"{head}{chr(10).join(lines)}\n{forward}{tail}")


def _positional(function: Any, count: int) -> tuple[str, ...] | None:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = tuple(parameter.name for parameter in parameters if parameter.kind in kinds)
    return names[:count] if len(names) >= count else None


def _source(call: str) -> str:
    return "\n".join(
        (
            "import jax",
            'jax.config.update("jax_enable_x64", True)',
            call,
            f"def made(params): return {JIT}(lambda *arrays: call(*arrays, **params))",
            "def forward(*inputs, **params): return np.asarray(made(params)(*inputs))",
            "def backward(g, *inputs, **params):",
            "    output, pull = jax.vjp(made(params), *map(jax.numpy.asarray, inputs))",
            "    grads = pull(jax.numpy.asarray(g, output.dtype))",
            "    return tuple(None if grad.dtype == jax.dtypes.float0 else np.asarray(grad) for grad in grads)",
        )
    )
