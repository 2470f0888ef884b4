"""Any callable of jax arrays as a subject: its backward is what `jax.vjp` makes of it, under `jax.jit` as it is used.

Compiled, a check takes half the time that it takes operation by operation; law "jit" compares both ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import jax
import numpy as np

from gradlab.adapters.subject import Array, Inputs, Parameters, Subject

# What jax raises where code asks for the value of an array that is only being traced.
TRACING = (jax.errors.JAXTypeError, jax.errors.JAXIndexError)

# Each shape is compiled anew and then called some dozen times: optimising it takes longer than it saves.
_FAST = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}

Function = Callable[..., Any]


def precision(inputs: Sequence[Array]) -> AbstractContextManager[Any]:
    """float64 arrays are computed in float64, others as jax does by default; nothing outlives the context."""
    # Before jax 0.8 it was an experiment.
    home: Any = jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")
    enable: Callable[[bool], AbstractContextManager[Any]] = home.enable_x64
    return enable(any(array.dtype == np.float64 for array in inputs))


@dataclass(slots=True)
class Program:
    """A callable; `differentiable` are the positions of the inputs that have a gradient.

    `untraceable` is why `jax.jit` cannot trace forward, which then runs operation by operation.
    """

    call: Function
    differentiable: tuple[int, ...]
    untraceable: str = ""
    compiled: dict[tuple[str, str], Function] = field(default_factory=dict)

    def forward(self, params: Parameters) -> Function:
        """`f(*arrays)`, which returns one array."""

        def run(*arrays: Any) -> Any:
            output = self.call(*arrays, **params)
            if not isinstance(output, jax.Array):
                raise TypeError(
                    f"forward returns a {type(output).__name__}; one jax array is expected: "
                    "check lambda *inputs: function(*inputs)[0]"
                )
            return output

        return run

    def pullback(self, params: Parameters, arrays: Sequence[Any], *, batched: bool = False) -> tuple[Any, Function]:
        """The output, and `pull(grad_output)`, a tuple with one gradient for each differentiable input."""
        function = jax.vmap(self.forward(params)) if batched else self.forward(params)

        def of_chosen(*chosen: Any) -> Any:
            merged = list(arrays)
            for k, value in zip(self.differentiable, chosen, strict=True):
                merged[k] = value
            return function(*merged)

        output, pull = jax.vjp(of_chosen, *(arrays[k] for k in self.differentiable))
        return output, pull

    def output(self, inputs: Inputs, params: Parameters) -> Array:
        """The output, compiled where it can be."""
        with precision(inputs):
            if not self.untraceable:
                try:
                    return np.array(self._jit("forward", self.forward, params)(*inputs))
                except TRACING as error:
                    found = np.array(self.forward(params)(*map(jax.numpy.asarray, inputs)))
                    self.untraceable = f"{type(error).__name__}: {str(error).splitlines()[0]}"
                    return found
            return np.array(self.forward(params)(*map(jax.numpy.asarray, inputs)))

    def gradients(self, inputs: Inputs, grad_output: Array, params: Parameters) -> tuple[Array | None, ...]:
        """One gradient for each input, None for those without; compiled where forward can be."""
        if self.untraceable:
            return self.eager(inputs, grad_output, params)[1]
        with precision(inputs):
            try:
                found = self._jit("backward", self._backward, params)(grad_output, *inputs)
            except TRACING as error:
                text = str(error).splitlines()[0]
                raise TypeError(f"under jax.jit, backward asks for values of traced arrays: {text}") from error
            except (TypeError, ValueError) as error:
                raise type(error)(_plain(str(error))) from error
        return self._placed(found, len(inputs))

    def eager(self, inputs: Inputs, grad_output: Array, params: Parameters) -> tuple[Array, tuple[Array | None, ...]]:
        """Output and gradients, operation by operation."""
        with precision(inputs):
            try:
                output, pull = self.pullback(params, [jax.numpy.asarray(array) for array in inputs])
                found = pull(jax.numpy.asarray(grad_output))
            except (TypeError, ValueError) as error:
                if isinstance(error, TRACING):
                    raise
                raise type(error)(_plain(str(error))) from error
        return np.array(output), self._placed(found, len(inputs))

    def _backward(self, params: Parameters) -> Function:
        return lambda grad_output, *arrays: self.pullback(params, arrays)[1](grad_output)

    def _jit(self, half: str, make: Callable[[Parameters], Function], params: Parameters) -> Function:
        key = half, repr(sorted(params.items()))
        if key not in self.compiled:
            self.compiled[key] = compiled(make(params))
        return self.compiled[key]

    def _placed(self, found: Sequence[Any], count: int) -> tuple[Array | None, ...]:
        answers = dict(zip(self.differentiable, found, strict=True))
        return tuple(np.array(answers[k]) if k in answers else None for k in range(count))

    def subject(self, name: str, source: str) -> Subject:
        """For the checker; jax has no extended precision, so that differences run in float64."""

        def run_forward(inputs: Inputs, params: Parameters) -> tuple[Any, Any]:
            return self.output(inputs, params), None

        def run_backward(grad_output: Any, inputs: Inputs, saved: Any, params: Parameters) -> Any:
            return self.gradients(inputs, grad_output, params)

        return Subject(name, run_forward, run_backward, lambda saved: [], extended=False, source=source)


def compiled(function: Function) -> Function:
    """`jax.jit`, in a hurry where it can be told so."""
    try:
        return jax.jit(function, compiler_options=_FAST)
    except TypeError:  # before jax 0.5
        return jax.jit(function)


def _plain(text: str) -> str:
    """What jax says of a wrong bwd rule, in a line that fits a report."""
    found = re.search(r"bwd output structure (.+?) for primal input structure PyTreeDef\((.+?)\)\.?$", text, re.DOTALL)
    if found and text.startswith("Custom VJP bwd rule"):
        arguments = found[2].count("*")
        return (
            f"bwd returns {found[1]} for {arguments} argument{'s' * (arguments != 1)}; "
            "return a tuple with one gradient for each, None where there is none"
        )
    found = re.search(r"at output\[?(\d*)\]?.* of type (\S+) corresponding to an input of type (\S+?),", text)
    if found and text.startswith("Custom VJP bwd rule"):
        return f"bwd's gradient {found[1] or 0} is {found[2]} for an argument that is {found[3]}"
    return text
