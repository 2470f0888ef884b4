"""The derived gradient as an oracle: the definition and its VJP, evaluated at 50 digits.

It has the form of `gradlab.verify.references.Reference` without importing it: the halves of gradlab meet in the
command line. It is blind to a wrong definition, which torch's own implementation is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation, derive
from gradlab.symbolic.entrance import Entrance
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.extents import completed
from gradlab.symbolic.indices import Axis
from gradlab.symbolic.load import definition
from gradlab.symbolic.program import Given, Tensor
from gradlab.symbolic.read import read
from gradlab.symbolic.rings import Digits, UndefinedError, objects
from gradlab.symbolic.sample import complete, complete_named

# Arithmetic at 50 digits takes microseconds per product: a few small cases are enough to tell a right formula.
_CASES = 4
_ELEMENTS = 80

Array = np.ndarray[Any, Any]


class SymbolicReference:
    """`output` and `gradients` of one operation; None, "no opinion", for large cases and after the first few."""

    name = "symbolic (50 digits)"
    differences = False
    exact = True

    def __init__(self, derivation: Derivation) -> None:
        self._derivation, self._left = derivation, _CASES
        self._key: bytes = b""
        self._point: Point | None = None

    def output(self, inputs: Sequence[Array], params: Mapping[str, Any]) -> Array | None:
        """The definition's own output, rounded to float64."""
        point = self._at(inputs, params)
        if point is None:
            return None
        program = self._derivation.program
        entrance = Entrance.of(program, inputs, params)
        inside = self._inside(entrance, inputs)
        return entrance.leave(
            program.output, _rounded(point.tensors[program.output.name], self._shape(program.output, inside, point))
        )

    def gradients(
        self, inputs: Sequence[Array], grad_output: Array, params: Mapping[str, Any]
    ) -> list[Array | None] | None:
        """One gradient per input in float64, None for an input that has none."""
        point = self._at(inputs, params)
        if point is None:
            return None
        program = self._derivation.program
        result: list[Array | None] = []
        entrance = Entrance.of(program, inputs, params)
        with mpmath.workdps(Digits.digits):
            shape = point.shape(program.output.indices)
            point.tensors[GRAD_OUTPUT] = _digits(entrance.enter(program.output, grad_output), shape)
            complete_named(self._derivation, point)
            for given, array in zip(program.inputs, self._inside(entrance, inputs), strict=True):
                gradient = self._derivation.gradients.get(given.tensor.name)
                if gradient is None:
                    result.append(None)
                    continue
                try:
                    found = evaluate(gradient.value, gradient.free, point)
                except UndefinedError:
                    return None
                result.append(entrance.leave(given.tensor, _rounded(found, array.shape)))
        return result

    def _at(self, inputs: Sequence[Array], params: Mapping[str, Any]) -> Point | None:
        """Inputs and bindings of this case; evaluated once for output and gradients."""
        values = [np.asarray(array, dtype=np.float64 if array.dtype.kind == "f" else None) for array in inputs]
        key = repr(([(a.shape, str(a.dtype), a.tobytes()) for a in values], sorted(params.items()))).encode()
        if key == self._key:
            return self._point
        small = 0 < sum(array.size for array in values) <= _ELEMENTS
        if not small or self._left <= 0 or not all(np.isfinite(array).all() for array in values):
            return None
        self._left -= 1
        inside = self._inside(Entrance.of(self._derivation.program, values, params), values)
        self._key, self._point = key, self._evaluated(inside, params)
        return self._point

    def _inside(self, entrance: Entrance, inputs: Sequence[Array]) -> list[Array]:
        pairs = zip(self._derivation.program.inputs, inputs, strict=True)
        return [entrance.enter(given.tensor, array) for given, array in pairs]

    def _evaluated(self, inputs: Sequence[Array], params: Mapping[str, Any]) -> Point | None:
        program, ring = self._derivation.program, Digits()
        sizes: dict[Axis, int] = {}
        for given, array in zip(program.inputs, inputs, strict=True):
            sizes.update(_sizes(given, array))
        with mpmath.workdps(Digits.digits):
            tensors: dict[str, Any] = {}
            integers = {name: int(params[name]) for name in program.integers}
            sizes = completed(program, sizes, integers)
            point = Point(ring, sizes, tensors, integers)
            for name in program.parameters:
                tensors[name] = np.asarray(ring.constant(Fraction(float(params[name]))), dtype=object)
            for given, array in zip(program.inputs, inputs, strict=True):
                shape = point.shape(given.tensor.indices)
                labels = given.domain.kind == "labels"
                tensors[given.tensor.name] = array.reshape(shape) if labels else _digits(array, shape)
            return point if complete(program, point, tensors) is None else None

    def _shape(self, tensor: Tensor, inputs: Sequence[Array], point: Point) -> tuple[int, ...]:
        """The shape of a tensor in this case, leading dimensions spread out again."""
        shapes: dict[Axis, tuple[int, ...]] = {}
        for given, array in zip(self._derivation.program.inputs, inputs, strict=True):
            indices = given.tensor.indices
            rest = sum(not index.axis.ellipsis for index in indices)
            own = iter(array.shape[array.ndim - rest :] if rest else ())
            for index in indices:
                shapes[index.axis] = array.shape[: array.ndim - rest] if index.axis.ellipsis else (next(own),)
        computed = {axis: (size,) for axis, size in point.sizes.items()}
        return tuple(size for index in tensor.indices for size in {**computed, **shapes}[index.axis])


def symbolic_reference(name: str, digest: str) -> SymbolicReference | None:
    """The oracle of a registered operation, or None where its definition is not the one its kernel comes from."""
    program = read(definition(name))
    return SymbolicReference(derive(program)) if program.digest == digest else None


def _sizes(given: Given, array: Array) -> dict[Axis, int]:
    indices = given.tensor.indices
    rest = sum(not index.axis.ellipsis for index in indices)
    leading, own = array.shape[: array.ndim - rest], iter(array.shape[array.ndim - rest :] if rest else ())
    return {index.axis: int(np.prod(leading)) if index.axis.ellipsis else next(own) for index in indices}


def _digits(array: Array, shape: tuple[int, ...]) -> Any:
    return objects([mpmath.mpf(float(value)) for value in array.reshape(-1)], shape)


def _rounded(values: Any, shape: tuple[int, ...]) -> Array:
    flat = [float(value) for value in np.asarray(values, dtype=object).reshape(-1)]
    return np.array(flat, dtype=np.float64).reshape(shape)
