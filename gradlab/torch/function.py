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
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad

from gradlab import registry
from gradlab.operation import Operation


def differentiable(name: str) -> Callable[..., Tensor]:
    """A registered operation as `call(*tensors, **parameters) -> Tensor`, differentiable in reverse and forward mode.

    First and second derivatives are those of the torch kernel, under `torch.func`, `torch.autograd.forward_ad` and
    `torch.compile` too (compiled: first derivatives). Arguments are those of the operation, in its order; parameters
    are keywords. What is kept for the backward is what the derivation found to be smallest. Made once for each name;
    look it up outside of what torch.compile compiles.

    Raises UnknownOperationError for a name without kernel; third derivatives raise NotImplementedError.

    >>> import torch
    >>> softmax = differentiable("softmax")
    >>> torch.autograd.gradgradcheck(softmax, torch.randn(2, 3, dtype=torch.float64, requires_grad=True))
    True
    """
    return _made(name, ())


def with_saved(name: str, *tensors: str) -> Callable[..., tuple[Tensor, ...]]:
    """As `differentiable`, but the call returns `(output, *tensors)`.

    The names are among those of what the kernel saves (and neither argument nor output). Such tensors are constants to
    autograd, as the statistics that batch normalisation tracks.

    >>> import torch
    >>> output, inv_std = with_saved("batch_norm", "inv_std")(torch.randn(8, 3), torch.ones(3), torch.zeros(3))
    >>> inv_std.shape
    torch.Size([3])
    """
    return _made(name, tensors)


@functools.cache
def _made(name: str, also: tuple[str, ...]) -> Callable[..., Any]:
    plan = _Plan.of(registry.operation(name), registry.kernel(name, "torch"))
    second = _second(plan)
    shown = tuple(plan.operation.saved.index(tensor) for tensor in also)
    first, eager, compiled = _first(plan, second), _eager(plan, second, shown), _compiled(plan, shown)
    elsewhere = _first(_Plan.of(plan.operation, plan.kernel, moved=True), second) if plan.operation.along else first
    own = plan.own
    # A saved tensor's place among the outputs: the first kind gives all that are its own.
    everywhere, chosen = tuple(1 + own.index(k) for k in shown), tuple(range(1, 1 + len(shown)))
    defaults, count = plan.defaults, plan.count

    def call(*tensors: Tensor, **parameters: Any) -> Any:
        if len(tensors) != count or not parameters.keys() <= defaults.keys():
            raise TypeError(f"{name} takes {plan.call}")
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


@dataclass(frozen=True)
class _Plan:
    """Positions, found once for each operation: nothing is looked up while it runs."""

    operation: Operation
    kernel: ModuleType
    defaults: dict[str, float]
    wrt: tuple[int, ...]
    """Differentiable arguments."""
    handles: tuple[int, ...]
    """Arguments along which a gradient moves."""
    tokens: tuple[int, ...]
    """Handles that are not saved: a token, which has their shape and no memory, stands for each in the graph."""
    sources: tuple[int | None, ...]
    """For each saved tensor the argument that it is, in that shape, or None."""
    output: int | None
    """The position of the output among the saved tensors."""

    @staticmethod
    def of(operation: Operation, kernel: ModuleType, *, moved: bool = False) -> _Plan:
        """The plan of a kernel; `moved` where its axis is not the last one."""
        names = [argument.name for argument in operation.arguments]
        handles = tuple(names.index(name) for name in operation.curved)
        axis: dict[str, float] = {"axis": -1} if operation.along is not None else {}
        axis |= {"keepdims": False} if operation.reduces else {}
        # Kernels save packed arguments by groups and others with the axis at the end, in another shape than they came.
        same = {*names, operation.output} if operation.packed is None and not moved else set()
        return _Plan(
            operation,
            kernel,
            {parameter.name: parameter.default for parameter in operation.parameters} | axis,
            tuple(names.index(name) for name in operation.differentiable),
            handles,
            tuple(k for k in handles if names[k] not in operation.saved),
            tuple(names.index(name) if name in same and name in names else None for name in operation.saved),
            operation.saved.index(operation.output) if operation.output in same & {*operation.saved} else None,
        )

    @property
    def count(self) -> int:
        """How many tensors it takes."""
        return len(self.operation.arguments)

    @property
    def own(self) -> tuple[int, ...]:
        """The saved tensors that are neither an argument nor the output."""
        return tuple(k for k, source in enumerate(self.sources) if source is None and k != self.output)

    def backward(self, grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...]) -> Any:
        """The kernel's backward; where there is more than one gradient, only those that are needed."""
        if len(self.wrt) > 1:
            return self.kernel.backward(grad_output, saved, needs)
        return self.kernel.backward(grad_output, saved)

    @property
    def call(self) -> str:
        """Its arguments, for messages."""
        tensors = ", ".join(argument.name for argument in self.operation.arguments)
        return ", ".join([tensors, *(f"{name}={default!r}" for name, default in self.defaults.items())])


def _first(plan: _Plan, second: type[Function]) -> type[Function]:
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
        marks = (_token(arguments[k]) for k in tokens)
        return output, *(saved[k] for k in own), *saved[len(plan.sources) :], *marks

    def setup_context(ctx: Any, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        pool = (*inputs, *outputs)
        last = len(outputs) - len(tokens)
        moving = forward_ad._current_level >= 0
        ctx.mark_non_differentiable(*_tensors(outputs[1 : 1 + len(own)]), *(outputs[last:] if moving else ()))
        saved = [*(pool[k] for k in (handles if moving else in_reverse)), *(pool[k] for k in positions)]
        _keep(ctx, (*saved, *outputs[1 + len(own) : last]), forward=moving)
        if moving:  # a token cannot carry a tangent, and memory is no concern here
            ctx.shapes = tuple(inputs[k].shape for k in plan.wrt)

    def backward(ctx: Any, grad_output: Tensor | None, *others: Tensor | None) -> tuple[Tensor | None, ...]:
        gradients: list[Tensor | None] = [None] * total
        if grad_output is not None:
            saved = _kept(ctx)
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
        moved = _filled([tangents[k] for k in plan.wrt], ctx.shapes)
        saved = [_Whole(item) if isinstance(item, tuple) else item for item in _kept(ctx)]
        rest = len(own) + len(saved) - len(handles) - len(plan.sources) + len(tokens)
        return pushed.apply(*moved, *saved), *[None] * rest

    return _function(plan, "", forward, setup_context, backward, jvp)


def _eager(plan: _Plan, second: type[Function], shown: tuple[int, ...]) -> type[Function]:
    """The same without forward mode and vmap, which ordinary training does not need: a sixth of the cost of a call.

    `apply(parameters, *tensors)` gives the output and the saved tensors `shown`, then what only this module looks at.
    """
    kernel, count, tokens, handles = plan.kernel, plan.count, plan.tokens, plan.handles
    first = len(handles)

    def forward(ctx: Any, parameters: dict[str, float], *tensors: Tensor) -> tuple[Tensor, ...]:
        output, saved = kernel.forward(*tensors, **parameters)
        marks = {k: _token(tensors[k]) for k in tokens}
        _keep(ctx, (*[marks.get(k, tensors[k]) for k in handles], *saved))
        if not shown:
            return output, *marks.values()
        constants = [saved[k] for k in shown]
        ctx.mark_non_differentiable(*constants)
        return output, *constants, *marks.values()

    def backward(ctx: Any, grad_output: Tensor | None, *others: Tensor | None) -> tuple[Tensor | None, ...]:
        gradients: list[Tensor | None] = [None] * count
        if grad_output is not None:
            saved = _kept(ctx)
            if torch.is_grad_enabled():
                gradients = list(second.apply(grad_output, *saved))
            else:
                gradients = list(plan.backward(grad_output, saved[first:], ctx.needs_input_grad[1:]))
        for token, through in zip(tokens, others[len(shown) :], strict=True):
            if through is not None:
                known = gradients[token]
                gradients[token] = through if known is None else known + through
        return None, *gradients

    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    made: type[Function] = type(_title(plan), (Function,), members)
    return made


def _second(plan: _Plan) -> type[Function]:
    """The gradients: `apply(grad_output, *handles, *saved)`."""
    kernel, wrt, handles = plan.kernel, plan.wrt, plan.handles
    first = 1 + len(handles)

    def forward(grad_output: Tensor, *given: Any) -> Any:
        return kernel.backward(grad_output, given[len(handles) :])

    def setup_context(ctx: Any, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        _keep(ctx, inputs, forward=True)
        ctx.shapes = tuple(outputs[k].shape for k in wrt)

    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        given = _kept(ctx)
        if all(cotangent is None for cotangent in cotangents):
            return (None,) * len(given)
        moved = _filled([cotangents[k] for k in wrt], ctx.shapes)

        def compute(*every: Any) -> tuple[Tensor, ...]:
            saved = every[first : len(given)]
            curved = kernel.hvp(saved, every[0], *every[len(given) :]) if handles else ()
            return kernel.jvp(saved, *every[len(given) :]), *(curved[k] for k in handles)

        found = _Last.apply(plan.operation.name, compute, *given, *moved)
        return *found, *[None] * (len(given) - len(found))

    def jvp(ctx: Any, tangent: Tensor | None, *tangents: Tensor | None) -> tuple[Tensor | None, ...]:
        given = _kept(ctx)
        along = dict(zip(handles, tangents, strict=False))
        moved = _filled([along.get(k) for k in wrt], ctx.shapes, tangent)
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


def _pushed(plan: _Plan) -> type[Function]:
    """The tangent of the output: `apply(*tangents, *handles, *saved)`."""
    kernel, wrt, handles = plan.kernel, plan.wrt, plan.handles
    first = len(wrt) + len(handles)

    def forward(*given: Any) -> Any:
        return kernel.jvp(_opened(given[first:]), *given[: len(wrt)])

    def setup_context(ctx: Any, inputs: tuple[Any, ...], outputs: Any) -> None:
        _keep(ctx, inputs, forward=True)

    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        given = _kept(ctx)

        def compute(*every: Any) -> tuple[Tensor, ...]:
            saved = _opened(every[first : len(given)])
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


def _compiled(plan: _Plan, shown: tuple[int, ...]) -> type[Function]:
    """The operation for torch.compile, which takes neither forward mode nor second derivatives of a Function."""
    kernel, count, names = plan.kernel, plan.count, tuple(plan.defaults)

    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, ...]:
        output, saved = kernel.forward(*arguments[:count], **dict(zip(names, arguments[count:], strict=True)))
        _keep(ctx, saved)
        constants = tuple(saved[k] for k in shown)
        ctx.mark_non_differentiable(*constants)
        return output, *constants

    def backward(ctx: Any, grad_output: Tensor, *others: Tensor | None) -> tuple[Tensor | None, ...]:
        gradients = plan.backward(grad_output, _kept(ctx), ctx.needs_input_grad[:count])
        return *gradients, *[None] * len(names)

    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    made: type[Function] = type(f"{_title(plan)}Compiled", (Function,), members)
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


def _function(plan: _Plan, suffix: str, *members: Callable[..., Any]) -> type[Function]:
    """A Function class from its four static methods, with a name that `grad_fn` shows."""
    named = dict(zip(("forward", "setup_context", "backward", "jvp"), map(staticmethod, members), strict=True))
    made: type[Function] = type(f"{_title(plan)}{suffix}", (Function,), {**named, "generate_vmap_rule": True})
    return made


def _title(plan: _Plan) -> str:
    return plan.operation.name.title().replace("_", "")


def _token(tensor: Tensor) -> Tensor:
    """A tensor of the same shape that takes the memory of one element."""
    return tensor.new_empty_strided(tensor.shape, (0,) * tensor.ndim)


@dataclass(frozen=True)
class _Whole:
    """A shape among what was saved: torch.func takes a bare tuple apart, and then miscounts the arguments."""

    value: tuple[int, ...]


def _opened(saved: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(item.value if isinstance(item, _Whole) else item for item in saved)


def _keep(ctx: Any, items: tuple[Any, ...], forward: bool = False) -> None:
    """Save tensors and numbers in their order, for forward mode too where it is asked for."""
    ctx.set_materialize_grads(False)  # intermediate results have no gradient here
    tensors = _tensors(items)
    ctx.save_for_backward(*tensors)
    if forward:
        ctx.save_for_forward(*tensors)
    ctx.numbers = [(k, item) for k, item in enumerate(items) if not isinstance(item, Tensor)]


def _kept(ctx: Any) -> tuple[Any, ...]:
    items = list(ctx.saved_tensors)
    for position, number in ctx.numbers:
        items.insert(position, number)
    return tuple(items)


def _tensors(items: tuple[Any, ...]) -> list[Tensor]:
    return [item for item in items if isinstance(item, Tensor)]


def _filled(tangents: list[Tensor | None], shapes: tuple[torch.Size, ...], like: Tensor | None = None) -> list[Tensor]:
    """Zeros in place of the tangents that are missing; one of them, or `like`, is there."""
    known = next(tangent for tangent in (*tangents, like) if tangent is not None)
    return [known.new_zeros(s) if tangent is None else tangent for tangent, s in zip(tangents, shapes, strict=True)]
