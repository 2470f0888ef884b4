"""Expressions written out at fixed sizes over plain SymPy symbols, for exact comparison with SymPy's own `diff`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.extents import completed
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.program import Given
from gradlab.symbolic.rings import Array, elementwise, objects
from gradlab.symbolic.sample import complete, complete_named
from gradlab.symbolic.tangents import TANGENT

_ASSUMPTIONS: dict[str, dict[str, bool]] = {
    "positive": {"positive": True},
    "simplex": {"positive": True},
    "non_negative": {"nonnegative": True},
}


class SymPyRing:
    """Arithmetic of SymPy expressions; nothing is simplified beyond what SymPy does by itself."""

    def constant(self, value: Fraction) -> Any:
        return sp.Rational(value.numerator, value.denominator)

    def add(self, left: Any, right: Any) -> Any:
        return left + right

    def multiply(self, left: Any, right: Any) -> Any:
        return left * right

    def power(self, value: Any, exponent: Fraction) -> Array:
        power = sp.Rational(exponent.numerator, exponent.denominator)
        return elementwise(lambda item: sp.Pow(item, power), value)

    def named(self, name: str) -> Any:
        return sp.pi if name == "pi" else sp.Integer(name)

    def function(self, name: str, value: Any, *others: Any) -> Array:
        return elementwise(ELEMENTARY[name].to_sympy, value, *others)

    def indicator(self, value: Any) -> Array:
        return elementwise(lambda item: sp.Piecewise((1, item > 0), (0, True)), value)

    def argmax(self, value: Array, axes: int, inside: Any) -> Any:
        # Symbols have no order: places in turn, as labels have; each may hold the maximum as well as any other.
        shape = value.shape[: value.ndim - axes]
        rows = inside.reshape((math.prod(shape), -1))
        chosen = [np.flatnonzero(row)[number % row.sum()] for number, row in enumerate(rows)]
        return np.array(chosen, dtype=np.intp).reshape(shape)

    def sum(self, value: Array, axes: tuple[int, ...]) -> Any:
        return np.asarray(value.sum(axis=axes), dtype=object)


@dataclass(frozen=True)
class Expansion:
    """A derivation at fixed sizes, everything in the symbols of the inputs, of grad_output and of the tangents.

    `inputs` maps each input to its array of symbols, `output` is what the definition computes. `jacobians[name]` has
    the shape of the output followed by that of the input. `tensors` holds everything by name, bindings included.
    """

    inputs: dict[str, Array]
    grad_output: Array
    tangents: dict[str, Array]
    output: Array
    gradients: dict[str, Array]
    tangent: Array
    jacobians: dict[str, Array]
    products: dict[str, Array]
    tensors: dict[str, Array]


def expand(derivation: Derivation, sizes: Mapping[str, int], given: Mapping[str, Array] | None = None) -> Expansion:
    """Write a derivation out; `sizes` maps the names of axes to numbers, `given` replaces the symbols of inputs.

    Integer parameters are named in `sizes` too; the sizes that follow from others may be left out. Labels, and the
    places of maxima, are the numbers 0, 1, 2, … in turn; the last entries of a simplex are 1 minus the others.
    """
    program = derivation.program
    integers = {name: sizes[name] for name in program.integers}
    base = {axis: sizes[axis.name] for axis in program.axes if axis not in program.windows and not axis.parameter}
    size = completed(program, base, integers)
    tensors: dict[str, Array] = {}
    point = Point(SymPyRing(), size, tensors, integers)
    for item in program.inputs:
        name = item.tensor.name
        tensors[name] = given[name] if given and name in given else _input(item, point)
    for parameter in program.parameters:
        number = sp.Integer(integers[parameter]) if parameter in integers else sp.Symbol(parameter, positive=True)
        tensors[parameter] = np.asarray(number, dtype=object)
    complete(program, point, tensors)
    tensors[GRAD_OUTPUT] = symbols("g", point.shape(program.output.indices))
    for item in program.wrt:
        name = item.tensor.name
        tensors[TANGENT + name] = symbols(f"{TANGENT}{name}", point.shape(item.tensor.indices))

    complete_named(derivation, point)

    def value(result: Any) -> Array:
        return np.asarray(evaluate(result.value, result.free, point), dtype=object)

    for name, result in derivation.moved.items():
        tensors[TANGENT + name] = value(result)
    return Expansion(
        inputs={item.tensor.name: tensors[item.tensor.name] for item in program.inputs},
        grad_output=tensors[GRAD_OUTPUT],
        tangents={item.tensor.name: tensors[TANGENT + item.tensor.name] for item in program.wrt},
        output=tensors[program.output.name],
        gradients={name: value(result) for name, result in derivation.gradients.items()},
        tangent=value(derivation.tangent),
        jacobians={name: value(result) for name, result in derivation.jacobians.items()},
        products={name: value(result) for name, result in derivation.products.items()},
        tensors=tensors,
    )


def symbols(name: str, shape: tuple[int, ...], **assumptions: bool) -> Array:
    """An array of symbols `name_0_1`, real unless the assumptions say otherwise."""
    known = assumptions or {"real": True}
    every = [sp.Symbol("_".join([name, *map(str, position)]), **known) for position in np.ndindex(shape)]
    return objects(every, shape)


def _input(given: Given, point: Point) -> Array:
    name, kind = given.tensor.name, given.domain.kind
    shape = point.shape(given.tensor.indices)
    if kind == "labels":
        below = next(count for axis, count in point.sizes.items() if axis.name == given.domain.below)
        # Positions, so machine integers in place of symbols.
        return np.asarray(np.arange(int(np.prod(shape, dtype=int))) % below).reshape(shape)  # type: ignore[return-value]
    result = symbols(name, shape, **_ASSUMPTIONS.get(kind, {}))
    if kind == "simplex":
        result[..., -1] = 1 - result[..., :-1].sum(axis=-1)
    return result
