"""A layer that is one generated kernel: all that remains to say is which, with which arrays and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from gradlab import registry
from gradlab.errors import OrderError
from gradlab.kernels.door import check_inputs, check_upstream
from gradlab.nn.module import Array, Module

Shape = tuple[int, ...]
DType = np.dtype[Any]


@dataclass(frozen=True, slots=True)
class Trace:
    """What a forward leaves for its backward: the kernel, what it saved, and shapes outside and inside of it."""

    kernel: ModuleType
    saved: tuple[Any, ...]
    inputs: tuple[Shape, ...]
    own: tuple[str, ...]
    inner: Shape
    output: Shape
    dtype: DType


class Layer(Module):
    """Runs one kernel on the inputs followed by the layer's own arrays.

    A layer whose inputs have other shapes than its kernel's overrides `enter` and `leave`; both only reshape, and one
    that does more overrides their ways back too, `restore` and `receive`.
    Raises ShapeError and DtypeError at the door, OrderError for a backward that no forward precedes.
    """

    operation: ClassVar[str]
    """The kernel's name; layers that differ in training and evaluation override `kernel_name`."""
    own: ClassVar[tuple[str, ...]] = ()
    """The layer's own arrays in the kernel's order; a layer that may lack one overrides `arrays`."""
    targets: ClassVar[int] = 0
    """How many inputs at the end are data, whose gradient nobody asks for."""
    _trace: Trace | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles hold: all but what the last forward left for its backward."""
        return {name: value for name, value in vars(self).items() if name != "_trace"}

    def kernel_name(self, *inputs: Array) -> str:
        """The kernel to run for these inputs."""
        return self.operation

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        """The layer's own arrays in the kernel's order, by name; those of `params` get gradients.

        `dtype` is the input's, for arrays that stand in for a parameter that the layer does not have.
        """
        return {name: self.params[name] for name in self.own}

    def settings(self, dtype: DType) -> dict[str, Any]:
        """The kernel's keyword parameters for an input of this dtype."""
        return {}

    def enter(self, *inputs: Array) -> Sequence[Array]:
        """The inputs in the kernel's shapes."""
        return inputs

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        """The kernel's output in the layer's shape; `shapes` are the inputs'."""
        return output

    def forward(self, *inputs: Any) -> Any:
        """The layer's output; a scalar for losses."""
        given = [np.asarray(value) for value in inputs]
        shapes = tuple(value.shape for value in given)
        entering = self.enter(*given)
        kernel, own = registry.kernel(self.kernel_name(*given)), self.arrays(given[0].dtype)
        arrays = [*entering, *own.values()]
        names = ["input", *(argument.name for argument in kernel.OPERATION.arguments[1 : len(given)]), *own]
        settings = self.settings(given[0].dtype)
        check_inputs(kernel.OPERATION, arrays, names, [*shapes, *(array.shape for array in own.values())], settings)
        inner, saved = kernel.forward(*arrays, **settings)
        output = self.leave(inner, shapes)
        self._trace = Trace(kernel, saved, shapes, tuple(own), np.shape(inner), np.shape(output), inner.dtype)
        return output

    def backward(self, grad_output: Any = None, *, retain: bool = False, input_gradient: bool = True) -> Any:
        """The gradient of the input, or of each input that has one; the parameters' are added to `grads`.

        `grad_output` may be left out where the output is a scalar, as a loss is: it is 1 then. A second backward needs
        `retain=True` at the first. `input_gradient=False` leaves out the inputs' and returns None.
        """
        trace = self._trace
        if trace is None:
            raise missing_forward(self)
        if grad_output is None and trace.output == ():
            grad_output = trace.dtype.type(1)
        upstream = np.asarray(grad_output)
        check_upstream(trace.kernel.OPERATION.name, upstream, trace.output, trace.dtype)
        gradients = self.pull(trace, self.receive(upstream, trace), input_gradient)
        if not retain:
            self._trace = None
        count = len(trace.inputs)
        for name, gradient in zip(trace.own, gradients[count:], strict=True):
            if gradient is not None and name in self.params:
                gradient = gradient.reshape(self.params[name].shape)
                self.grads[name] = self.grads[name] + gradient if name in self.grads else gradient
        pairs = list(zip(gradients[:count], trace.inputs, strict=True))[: count - self.targets]
        found = [self.restore(gradient, shape) for gradient, shape in pairs if gradient is not None]
        if not found or not input_gradient:
            return None
        return found[0] if len(found) == 1 else tuple(found)

    def receive(self, grad_output: Array, trace: Trace) -> Array:
        """The way back of `leave`: the upstream gradient in the kernel's shape."""
        array: Array = grad_output.reshape(trace.inner)[()]
        return array

    def restore(self, gradient: Array, shape: Shape) -> Array:
        """The way back of `enter`: the gradient of an input of this shape."""
        return gradient.reshape(shape)

    def pull(self, trace: Trace, grad_output: Any, input_gradient: bool) -> tuple[Array | None, ...]:
        """The kernel's backward, without the gradients that nobody wants where the kernel can leave them out."""
        count = len(trace.inputs)
        inputs = (input_gradient and k < count - self.targets for k in range(count))
        needs = (*inputs, *(name in self.params for name in trace.own))
        several = len(trace.kernel.OPERATION.differentiable) > 1
        arguments = (grad_output, trace.saved, needs) if several else (grad_output, trace.saved)
        gradients: tuple[Array | None, ...] = trace.kernel.backward(*arguments)
        return gradients


def missing_forward(module: Module) -> OrderError:
    """The error of a backward that nothing was remembered for."""
    return OrderError(
        f"{type(module).__name__}: backward without a forward before it; call forward first, or the earlier backward "
        "with retain=True"
    )
