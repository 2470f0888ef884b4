"""One random point at which both sides of a step are compared."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from gradlab.symbolic.draw import numbers
from gradlab.symbolic.evaluate import Point, evaluate, evaluate_term
from gradlab.symbolic.program import Program
from gradlab.symbolic.rings import Digits, Dual
from gradlab.symbolic.steps import Factored, Pullback, Pushforward, Side, Step
from gradlab.symbolic.terms import Expr, Index, Ref

_AGREE = mpmath.mpf(10) ** -45  # relative; 60 digits are carried and the sums are short


class Witness:
    """A point, its name in messages, and one random direction for each tensor.

    A pullback is a sum over a whole tensor; it is compared through its product with a random direction u, computed
    by dual numbers: <adjoint, u> = sum over uses of <adjoint of the use, D use [u]>.
    """

    def __init__(self, program: Program, point: Point, name: str, rng: random.Random) -> None:
        self.program, self.point, self.name, self.rng = program, point, name, rng
        self._directions: dict[str, Any] = {}

    def value(self, expression: Side, free: tuple[Index, ...]) -> Any:
        """The value of one side of a step."""
        point = self.point
        match expression:
            case Expr():
                return evaluate(expression, free, point)
            case Factored(prefactor, inner):
                return point.ring.multiply(evaluate_term(prefactor, free, point), evaluate(inner, free, point))
            case Pullback(target, uses):
                slopes = {target.tensor: self.direction(target)}
                return self._total(
                    self.dot(self.tensor(name, adjoint), self.slope(name, slopes)) for name, adjoint in uses
                )
            case Pushforward(target, tangents):
                return self.slope(target.tensor, {name: self.tensor(name, tangent) for name, tangent in tangents})

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

    def slope(self, name: str, slopes: dict[str, Any]) -> Any:
        """The derivative of one binding when the tensors on its right side move, by dual numbers."""
        binding = next(binding for binding in self.program.bindings if binding.name == name)
        moved = evaluate(binding.value, binding.tensor.indices, self.point.moving(slopes))
        assert isinstance(moved, Dual)
        return moved.slope

    def dot(self, left: Any, right: Any) -> Any:
        """The inner product of two arrays of one shape."""
        product = np.asarray(self.point.ring.multiply(left, right), dtype=object)
        return self.point.ring.sum(product.reshape(-1), (0,))[()]

    def _total(self, values: Any) -> Any:
        total = self.point.ring.constant(Fraction(0))
        for value in values:
            total = self.point.ring.add(total, value)
        return total
