"""What may be checked: a Function class, a module or a callable, each as one callable of tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.func import functional_call

from gradlab.adapters.subject import import_line
from gradlab.errors import SignatureError
from gradlab.operation import Signature


@dataclass(frozen=True, slots=True)
class Target:
    """`call(*tensors, **params)`, its signature and argument names (None where they cannot be known)."""

    name: str
    call: Callable[..., Any]
    signature: Signature
    names: tuple[str, ...] | None
    source: str


def target_of(
    function: Any, signature: str, names: Sequence[str] | None, parameters: bool = True, device: str = "cpu"
) -> Target:
    """Recognise what is to be checked; raises SignatureError for anything that cannot be called on tensors."""
    parsed = Signature.parse(signature)
    if isinstance(names, str):
        raise SignatureError(f"names={names!r} is a string; write a tuple: names=({names!r},)")
    if isinstance(function, torch.nn.Module):
        return _module(function, parsed, names, parameters, torch.device(device))
    owner = function if inspect.isclass(function) else getattr(function, "__self__", None)
    if inspect.isclass(owner) and issubclass(owner, torch.autograd.Function):
        return _function(owner, parsed, names)
    if inspect.isclass(function) or not callable(function):
        raise SignatureError(
            f"{function!r} cannot be checked; pass a torch.autograd.Function class, a module (built: Layer(3, 2), not "
            "Layer) or a function of tensors"
        )
    label = str(getattr(function, "__qualname__", type(function).__name__))
    chosen = tuple(names) if names is not None else _positional(function, len(parsed.inputs))
    return Target(label, function, parsed, chosen, _source(import_line(function, "call")))


def _positional(function: Any, count: int, skip: int = 0) -> tuple[str, ...] | None:
    try:
        parameters = list(inspect.signature(function).parameters.values())[skip:]
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = tuple(parameter.name for parameter in parameters if parameter.kind in kinds)
    return names[:count] if len(names) >= count else None


def _function(owner: Any, signature: Signature, names: Sequence[str] | None) -> Target:
    # The older style takes ctx first; the newer one has setup_context beside forward.
    separate = owner.setup_context is not torch.autograd.Function.setup_context
    every = list(inspect.signature(owner.forward).parameters)[0 if separate else 1 :]
    count = len(signature.inputs)

    def call(*tensors: Any, **params: Any) -> Any:
        # `apply` takes no keywords: parameters follow in the order of forward.
        rest = [params[name] for name in every[count:] if name in params]
        if len(rest) != len(params):
            unknown = ", ".join(sorted(set(params) - set(every[count:])))
            raise TypeError(f"{owner.__name__}.forward takes no {unknown} behind its {count} tensors")
        return owner.apply(*tensors, *rest)

    chosen = tuple(names) if names is not None else _positional(owner.forward, count, 0 if separate else 1)
    apply = "def call(*inputs, **params): return Function.apply(*inputs, *params.values())"
    return Target(owner.__name__, call, signature, chosen, _source(f"{import_line(owner, 'Function')}\n{apply}"))


def _module(
    module: torch.nn.Module,
    signature: Signature,
    names: Sequence[str] | None,
    parameters: bool,
    device: torch.device,
) -> Target:
    own = dict(module.named_parameters())
    inputs = len(signature.inputs)
    given = tuple(names) if names is not None else _positional(module.forward, inputs)
    if given is None:
        given = ("input",) if inputs == 1 else tuple(f"input{k}" for k in range(inputs))
    if len(given) != inputs:
        raise SignatureError(
            f"names={names!r} does not fit the signature '{signature}' of {inputs} argument{'s' * (inputs != 1)}; "
            "name the inputs of forward only, parameters keep their own names"
        )
    buffers = dict(module.named_buffers())

    def call(*tensors: Any, **params: Any) -> Any:
        like = next((tensor for tensor in tensors if tensor.is_floating_point()), None)
        # A module owns its parameters, and torch's own kernels rely on their being contiguous.
        values = (tensor.contiguous() for tensor in tensors[inputs:])
        state = dict(zip(own, values, strict=True)) if parameters else _cast(own, like, device)
        # Copies: a running mean that forward updates must not make the next call another one.
        return functional_call(module, {**state, **_cast(buffers, like, device)}, tensors[:inputs], params)

    names = given
    if parameters:
        shapes = tuple(tuple(str(size) for size in tensor.shape) for tensor in own.values())
        signature = Signature(signature.inputs + shapes, signature.output)
        names = (*given, *own)
    label = type(module).__name__
    paste = "\n".join(
        (
            f"# build your module here: module = {label}(...)",
            "def call(*inputs, **params):",
            f"    names = {tuple(own) if parameters else ()!r}",
            f"    own = dict(zip(names, inputs[{inputs}:]))",
            f"    return torch.func.functional_call(module, own, inputs[:{inputs}], params)",
        )
    )
    return Target(label, call, signature, names, _source(paste))


def _cast(state: dict[str, Any], like: Any, device: torch.device) -> dict[str, Any]:
    return {
        name: tensor.detach().to(
            device=device,
            dtype=like.dtype if like is not None and tensor.is_floating_point() else tensor.dtype,
            copy=True,
        )
        for name, tensor in state.items()
    }


def _source(call: str) -> str:
    return "\n".join(
        (
            "import torch",
            call,
            "def leaf(array):",
            "    tensor = torch.from_numpy(np.array(array))",
            "    return tensor.requires_grad_(tensor.is_floating_point())",
            "def forward(*inputs, **params): return call(*map(leaf, inputs), **params).detach().numpy()",
            "def backward(g, *inputs, **params):",
            "    leaves = [leaf(array) for array in inputs]",
            "    wanted = [leaf for leaf in leaves if leaf.requires_grad]",
            "    upstream = torch.from_numpy(g if min(g.strides, default=0) >= 0 else g.copy())",
            "    output = call(*leaves, **params)",
            "    options = dict(allow_unused=True, materialize_grads=True)",
            "    grads = iter(torch.autograd.grad(output, wanted, upstream, **options))",
            "    return tuple(next(grads) if leaf.requires_grad else None for leaf in leaves)",
        )
    )
