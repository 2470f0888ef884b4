"""One random point at which both sides of a step are compared."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from gradlab.symbolic.draw import numbers
from gradlab.symbolic.evaluate import Known, Point, evaluate, evaluate_term
from gradlab.symbolic.indices import Index
from gradlab.symbolic.program import Program
from gradlab.symbolic.rings import Digits, Dual
from gradlab.symbolic.steps import Factored, Pullback, Pushforward, Side, Step
from gradlab.symbolic.tangents import TANGENT
from gradlab.symbolic.terms import Expr, Ref

_AGREE = mpmath.mpf(10) ** -45  # relative; 60 digits are carried and the sums are short


class Witness:
    """A point, its name in messages, and one random direction for each tensor.

    A pullback is a sum over a whole tensor; it is compared through its product with a random direction u, computed
    by dual numbers: <adjoint, u> = sum over uses of <adjoint of the use, D use [u]>. `moved` are the bindings whose
    tangents occur in steps by name.
    """

    def __init__(
        self, program: Program, point: Point, name: str, rng: random.Random, moved: Iterable[str] = ()
    ) -> None:
        self.program, self.point, self.name, self.rng, self.moved = program, point, name, rng, tuple(moved)
        self._directions: dict[str, Any] = {}
        # A step's left side is the right side of the one before, and a mutant differs from it in one term.
        self._known: Known = {}
        for binding in program.bindings:
            if binding.name not in point.tensors:  # a named adjoint
                point.tensors[binding.name] = self.tensor(binding.name, binding.value)
        self._move()

    def turned(self) -> Witness:
        """The same point with this witness's directions for the tangents of the inputs."""
        tensors = {
            **self.point.tensors,
            **{TANGENT + given.tensor.name: self.direction(given.tensor.ref) for given in self.program.wrt},
        }
        point = replace(self.point, tensors=tensors)
        return Witness(self.program, point, f"{self.name}, other tangents", self.rng, self.moved)

    def _move(self) -> None:
        """The tangents of the moved bindings, by dual numbers: what the names `tangent_y` mean in a step."""
        program, tensors = self.program, self.point.tensors
        needed = program.leading_to(self.moved) if self.moved else frozenset()
        for binding in program.bindings:
            if binding.name in needed & program.varying:
                names = binding.value.tensors & program.varying
                slopes = {name: tensors[TANGENT + name] for name in names}
                slope = self.slope(binding.value, binding.tensor.indices, slopes)
                tensors[TANGENT + binding.name] = np.broadcast_to(slope, self.point.shape(binding.tensor.indices))

    def value(self, expression: Side, free: tuple[Index, ...]) -> Any:
        """The value of one side of a step."""
        point = self.point
        match expression:
            case Expr():
                return evaluate(expression, free, point, self._known)
            case Factored(prefactor, inner):
                inside = evaluate(inner, free, point, self._known)
                return point.ring.multiply(evaluate_term(prefactor, free, point), inside)
            case Pullback(target, uses):
                slopes = {target.tensor: self.direction(target)}
                return self._total(
                    self.dot(self.tensor(name, adjoint), self._slope_of(name, slopes)) for name, adjoint in uses
                )
            case Pushforward(_, moving, tangents):
                return self.slope(moving, free, {name: self.tensor(name, tangent) for name, tangent in tangents})

    def compare(self, step: Step, value: Any) -> Any:
        """What the right side of a step is compared as: itself, or paired like the pullback on the left."""
        if isinstance(step.before, Pullback):
            return self.dot(value, self.direction(step.before.target))
        return value

    def agrees(self, left: Any, right: Any) -> bool:
        """Equal in the field; equal to 45 digits in floating point."""
        if not isinstance(self.point.ring, Digits):
            return bool(np.all(np.asarray(left == right)))
        pairs = zip(np.ravel(left), np.ravel(right), strict=True)
        return all(abs(a - b) <= _AGREE * max(1, abs(a), abs(b)) for a, b in pairs)

    def direction(self, target: Ref) -> Any:
        """A random direction for a tensor, the same each time it is asked for."""
        if target.tensor not in self._directions:
            shape = self.point.shape(self.program.tensors[target.tensor].indices)
            self._directions[target.tensor] = numbers(shape, self.point.ring, self.rng)
        return self._directions[target.tensor]

    def tensor(self, name: str, value: Expr) -> Any:
        """An expression with the indices of a named tensor, as an array of that tensor's shape."""
        return np.asarray(evaluate(value, self.program.tensors[name].indices, self.point), dtype=object)

    def slope(self, value: Expr, free: tuple[Index, ...], slopes: dict[str, Any]) -> Any:
        """The derivative of an expression when the tensors in it move, by dual numbers."""
        moved = evaluate(value, free, self.point.moving(slopes))
        assert isinstance(moved, Dual)
        return moved.slope

    def _slope_of(self, name: str, slopes: dict[str, Any]) -> Any:
        binding = next(binding for binding in self.program.bindings if binding.name == name)
        return self.slope(binding.value, binding.tensor.indices, slopes)

    def dot(self, left: Any, right: Any) -> Any:
        """The inner product of two arrays of one shape."""
        product = np.asarray(self.point.ring.multiply(left, right), dtype=object)
        return self.point.ring.sum(product.reshape(-1), (0,))[()]

    def _total(self, values: Any) -> Any:
        total = self.point.ring.constant(Fraction(0))
        for value in values:
            total = self.point.ring.add(total, value)
        return total
