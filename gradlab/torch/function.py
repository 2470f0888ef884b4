"""Registered operations as differentiable torch functions: every derivative that runs is a derived one.

The intermediate results that a kernel saves (x_hat, y, p, …) depend on the inputs, and yet no derivative flows through
them here: the JVP and the Hessian-vector product are already the whole derivatives along the inputs. So each of the
three functions below takes the inputs that matter, as `handles`, beside the saved tensors, which count as constants:

    output   = forward(inputs)                derivatives: jvp, backward
    gradient = backward(grad_output, saved)   derivatives: jvp along grad_output, hvp along the inputs
    tangent  = jvp(saved, tangents)           derivatives: backward to the tangents, hvp to the inputs

Third derivatives are not derived; whoever asks for one is told so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad

from gradlab import registry
from gradlab.kernels.door import check_inputs
from gradlab.torch.context import Whole, filled, keep, kept, only_tensors, opened, token_of
from gradlab.torch.plan import Plan


def differentiable(name: str) -> Callable[..., Tensor]:
    """A registered operation as `call(*tensors, **parameters) -> Tensor`, differentiable in reverse and forward mode.

    First and second derivatives are those of the torch kernel, under `torch.func`, `torch.autograd.forward_ad` and
    `torch.compile` too (compiled: first derivatives). Arguments are those of the operation, in its order; parameters
    are keywords. What is kept for the backward is what the derivation found to be smallest. Made once for each name;
    look it up outside of what torch.compile compiles.

    Raises UnknownOperationError for a name without kernel; third derivatives raise NotImplementedError. The call raises
    TypeError for what is no tensor and for unknown parameters, ShapeError or DtypeError for tensors that do not fit.

    >>> import torch
    >>> softmax = differentiable("softmax")
    >>> torch.autograd.gradgradcheck(softmax, torch.randn(2, 3, dtype=torch.float64, requires_grad=True))
    True
    """
    return _made(name, (), door=True)


def unchecked(name: str, *saved: str) -> Callable[..., Any]:
    """The same for callers that check shapes and dtypes themselves, as the layers do under names of their own.

    With `saved` the call returns `(output, *saved)`. These names are among those of what the kernel saves (and neither
    argument nor output). Such tensors are constants to autograd, as the statistics that batch normalisation tracks.

    >>> import torch
    >>> output, mu, var = unchecked("batch_norm", "mu", "var")(torch.randn(8, 3), torch.ones(3), torch.zeros(3))
    >>> var.shape
    torch.Size([3])
    """
    return _made(name, saved, door=False)


@functools.cache
def _made(name: str, also: tuple[str, ...], *, door: bool) -> Callable[..., Any]:
    plan = Plan.of(registry.operation(name), registry.kernel(name, "torch"))
    second = _second(plan)
    shown = tuple(plan.operation.saved.index(tensor) for tensor in also)
    first, eager, compiled = _first(plan, second), _eager(plan, second, shown), _compiled(plan, shown)
    elsewhere = _first(Plan.of(plan.operation, plan.kernel, moved=True), second) if plan.operation.along else first
    own = plan.own
    # A saved tensor's place among the outputs: the first kind gives all that are its own.
    everywhere, chosen = tuple(1 + own.index(k) for k in shown), tuple(range(1, 1 + len(shown)))
    defaults, count = plan.defaults, plan.count

    def call(*tensors: Tensor, **parameters: Any) -> Any:
        if len(tensors) != count or not parameters.keys() <= defaults.keys():
            raise TypeError(f"{name} takes {plan.call}")
        if door:
            _check(plan, tensors, parameters)
        if torch.compiler.is_compiling():
            outputs, places = compiled.apply(*tensors, *(defaults | parameters).values()), chosen
        elif forward_ad._current_level >= 0 or torch._C._are_functorch_transforms_active():
            kind = first if parameters.get("axis", -1) == -1 else elsewhere
            outputs, places = kind.apply(*tensors, *(defaults | parameters).values()), everywhere
        else:
            outputs, places = eager.apply(parameters, *tensors), chosen
        return (outputs[0], *(outputs[k] for k in places)) if places else outputs[0]

    call.__name__ = call.__qualname__ = name
    # torch.compile counts recompilations by code object: no two operations share one.
    call.__code__ = call.__code__.replace(co_name=name)
    call.__doc__ = plan.operation.summary
    return call


def _check(plan: Plan, tensors: tuple[Any, ...], parameters: dict[str, Any]) -> None:
    for name, value in zip(plan.names, tensors, strict=True):
        if not isinstance(value, Tensor):
            raise TypeError(f"{plan.operation.name}: {name} is {value!r:.40}; give a torch.Tensor")
    check_inputs(plan.operation, tensors, plan.names, None, parameters, anew=torch.compiler.is_compiling())


def _first(plan: Plan, second: type[Function]) -> type[Function]:
    """The operation itself: `apply(*tensors, *parameters)` gives the output, then what only this module looks at."""
    kernel, count, names = plan.kernel, plan.count, tuple(plan.defaults)
    own = plan.own
    total, tokens, handles = count + len(names), plan.tokens, plan.handles
    # Positions in (*inputs, *outputs) of all that is saved, in the kernel's order.
    positions = [
        total if k == plan.output else total + 1 + own.index(k) if source is None else source
        for k, source in enumerate(plan.sources)
    ]
    standing = [k - len(tokens) for k in range(len(tokens))]
    in_reverse = [standing[tokens.index(k)] if k in tokens else k for k in handles]
    pushed = _pushed(plan)

    def forward(*arguments: Any) -> tuple[Any, ...]:
        output, saved = kernel.forward(*arguments[:count], **dict(zip(names, arguments[count:], strict=True)))
        marks = (token_of(arguments[k]) for k in tokens)
        return output, *(saved[k] for k in own), *saved[len(plan.sources) :], *marks

    def setup_context(ctx: Any, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        pool = (*inputs, *outputs)
        last = len(outputs) - len(tokens)
        moving = forward_ad._current_level >= 0
        ctx.mark_non_differentiable(*only_tensors(outputs[1 : 1 + len(own)]), *(outputs[last:] if moving else ()))
        saved = [*(pool[k] for k in (handles if moving else in_reverse)), *(pool[k] for k in positions)]
        keep(ctx, (*saved, *outputs[1 + len(own) : last]), forward=moving)
        if moving:  # a token cannot carry a tangent, and memory is no concern here
            ctx.shapes = tuple(inputs[k].shape for k in plan.wrt)

    def backward(ctx: Any, grad_output: Tensor | None, *others: Tensor | None) -> tuple[Tensor | None, ...]:
        gradients: list[Tensor | None] = [None] * total
        if grad_output is not None:
            saved = kept(ctx)
            if torch.is_grad_enabled() or forward_ad._current_level >= 0:
                gradients[:count] = second.apply(grad_output, *saved)
            else:
                gradients[:count] = plan.backward(grad_output, saved[len(handles) :], ctx.needs_input_grad[:count])
        for token, position in zip(tokens, standing, strict=True):
            through = others[position]
            if through is not None:
                known = gradients[token]
                gradients[token] = through if known is None else known + through
        return tuple(gradients)

    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor | None, ...]:
        moved = filled([tangents[k] for k in plan.wrt], ctx.shapes)
        saved = [Whole(item) if isinstance(item, tuple) else item for item in kept(ctx)]
        rest = len(own) + len(saved) - len(handles) - len(plan.sources) + len(tokens)
        return pushed.apply(*moved, *saved), *[None] * rest

    return _function(plan, "", forward, setup_context, backward, jvp)


def _eager(plan: Plan, second: type[Function], shown: tuple[int, ...]) -> type[Function]:
    """The same without forward mode and vmap, which ordinary training does not need: a sixth of the cost of a call.

    `apply(parameters, *tensors)` gives the output and the saved tensors `shown`, then what only this module looks at.
    """
    kernel, count, tokens = plan.kernel, plan.count, plan.tokens
    # Handles that are saved anyhow need not be kept twice.
    apart = [k for k in plan.handles if k not in plan.sources]
    first = len(apart)
    places = [first + plan.sources.index(k) if k in plan.sources else apart.index(k) for k in plan.handles]

    def forward(ctx: Any, parameters: dict[str, float], *tensors: Tensor) -> tuple[Tensor, ...]:
        output, saved = kernel.forward(*tensors, **parameters)
        marks = {k: token_of(tensors[k]) for k in tokens}
        keep(ctx, (*[marks.get(k, tensors[k]) for k in apart], *saved) if apart else saved)
        if not shown:
            return output, *marks.values()
        constants = [saved[k] for k in shown]
        ctx.mark_non_differentiable(*constants)
        return output, *constants, *marks.values()

    def backward(ctx: Any, grad_output: Tensor | None, *others: Tensor | None) -> tuple[Tensor | None, ...]:
        gradients: list[Tensor | None] = [None] * count
        if grad_output is not None:
            saved = kept(ctx)
            if torch.is_grad_enabled():
                gradients = list(second.apply(grad_output, *[saved[k] for k in places], *saved[first:]))
            else:
                gradients = list(plan.backward(grad_output, saved[first:], ctx.needs_input_grad[1:]))
        for token, through in zip(tokens, others[len(shown) :], strict=True):
            if through is not None:
                known = gradients[token]
                gradients[token] = through if known is None else known + through
        return None, *gradients

    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    made: type[Function] = type(plan.title, (Function,), members)
    return made


def _second(plan: Plan) -> type[Function]:
    """The gradients: `apply(grad_output, *handles, *saved)`."""
    kernel, wrt, handles = plan.kernel, plan.wrt, plan.handles
    first = 1 + len(handles)

    def forward(grad_output: Tensor, *given: Any) -> Any:
        return kernel.backward(grad_output, given[len(handles) :])

    def setup_context(ctx: Any, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        keep(ctx, inputs, forward=True)
        ctx.shapes = tuple(outputs[k].shape for k in wrt)

    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        given = kept(ctx)
        if all(cotangent is None for cotangent in cotangents):
            return (None,) * len(given)
        moved = filled([cotangents[k] for k in wrt], ctx.shapes)

        def compute(*every: Any) -> tuple[Tensor, ...]:
            saved = every[first : len(given)]
            curved = kernel.hvp(saved, every[0], *every[len(given) :]) if handles else ()
            return kernel.jvp(saved, *every[len(given) :]), *(curved[k] for k in handles)

        found = _Last.apply(plan.operation.name, compute, *given, *moved)
        return *found, *[None] * (len(given) - len(found))

    def jvp(ctx: Any, tangent: Tensor | None, *tangents: Tensor | None) -> tuple[Tensor | None, ...]:
        given = kept(ctx)
        along = dict(zip(handles, tangents, strict=False))
        moved = filled([along.get(k) for k in wrt], ctx.shapes, tangent)
        straight = [] if tangent is None else [tangent]

        def compute(*every: Any) -> tuple[Tensor, ...]:
            saved, rest = every[first : len(given)], every[len(given) :]
            curved = kernel.hvp(saved, every[0], *rest[: len(wrt)])
            steady = kernel.backward(rest[-1], saved) if straight else ()
            return tuple(curved[k] + steady[k] if straight else curved[k] for k in wrt)

        found = _Last.apply(plan.operation.name, compute, *given, *moved, *straight)
        by_argument = dict(zip(wrt, found, strict=True))
        return tuple(by_argument.get(k) for k in range(plan.count))

    return _function(plan, "Gradient", forward, setup_context, backward, jvp)


def _pushed(plan: Plan) -> type[Function]:
    """The tangent of the output: `apply(*tangents, *handles, *saved)`."""
    kernel, wrt, handles = plan.kernel, plan.wrt, plan.handles
    first = len(wrt) + len(handles)

    def forward(*given: Any) -> Any:
        return kernel.jvp(opened(given[first:]), *given[: len(wrt)])

    def setup_context(ctx: Any, inputs: tuple[Any, ...], outputs: Any) -> None:
        keep(ctx, inputs, forward=True)

    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        given = kept(ctx)

        def compute(*every: Any) -> tuple[Tensor, ...]:
            saved = opened(every[first : len(given)])
            steady = kernel.backward(every[-1], saved)
            curved = kernel.hvp(saved, every[-1], *every[: len(wrt)])
            return *(steady[k] for k in wrt), *(curved[k] for k in handles)

        found = _Last.apply(plan.operation.name, compute, *given, grad_output)
        return *found, *[None] * (len(given) - len(found))

    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
        raise NotImplementedError(
            f"{plan.operation.name}: forward mode over forward mode is not derived; use torch.func.jacfwd over jacrev"
        )

    return _function(plan, "Tangent", forward, setup_context, backward, jvp)


def _compiled(plan: Plan, shown: tuple[int, ...]) -> type[Function]:
    """The operation for torch.compile, which takes neither forward mode nor second derivatives of a Function."""
    kernel, count, names = plan.kernel, plan.count, tuple(plan.defaults)

    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, ...]:
        output, saved = kernel.forward(*arguments[:count], **dict(zip(names, arguments[count:], strict=True)))
        keep(ctx, saved)
        constants = tuple(saved[k] for k in shown)
        ctx.mark_non_differentiable(*constants)
        return output, *constants

    def backward(ctx: Any, grad_output: Tensor, *others: Tensor | None) -> tuple[Tensor | None, ...]:
        gradients = plan.backward(grad_output, kept(ctx), ctx.needs_input_grad[:count])
        return *gradients, *[None] * len(names)

    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    made: type[Function] = type(f"{plan.title}Compiled", (Function,), members)
    return made


class _Last(Function):
    """Derivatives that end here: `apply(name, compute, *given)` gives what `compute` does; one more is an error."""

    generate_vmap_rule = True

    @staticmethod
    def forward(name: str, compute: Callable[..., Any], *given: Any) -> Any:
        return compute(*given)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.name = inputs[0]

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        raise NotImplementedError(f"{ctx.name}: third derivatives are not derived")

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        raise NotImplementedError(f"{ctx.name}: third derivatives are not derived")


def _function(plan: Plan, suffix: str, *members: Callable[..., Any]) -> type[Function]:
    """A Function class from its four static methods, with a name that `grad_fn` shows."""
    named = dict(zip(("forward", "setup_context", "backward", "jvp"), map(staticmethod, members), strict=True))
    made: type[Function] = type(f"{plan.title}{suffix}", (Function,), {**named, "generate_vmap_rule": True})
    return made
