"""Nodes -> Definition: what an author would have written in SymPy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any, NoReturn

import sympy as sp

from gradlab.errors import FormulaError
from gradlab.operation import Domain, Parameter, labels, positive, real
from gradlab.symbolic.definition import Definition, Input, Let, argmax, given, indicator, let
from gradlab.symbolic.formula import errors
from gradlab.symbolic.formula.names import Names, resolve
from gradlab.symbolic.formula.nodes import (
    Arithmetic,
    Call,
    Compare,
    Entry,
    Formula,
    Name,
    Node,
    Number,
    Place,
    Reduce,
    walk,
)
from gradlab.symbolic.formula.parse import parse
from gradlab.symbolic.formula.stable import stable
from gradlab.symbolic.functions import ELEMENTARY

_LARGEST_POWER = 64

# What a scalar that is no input is drawn from, and its default; eps is small wherever it is met.
_SCALAR = (1.0, 0.1, 2.0)
_EPS = (1e-5, 1e-8, 1e-1)

# Rows that a formula writes otherwise: as max(u, 0), min(u, 0) and u**a.
_WRITTEN = ("positive_part", "negative_part", "power")

FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    **{
        name: (row.to_sympy, len(set(re.findall(r"{\d}", row.number))))
        for name, row in ELEMENTARY.items()
        if name not in _WRITTEN
    },
    "sqrt": (sp.sqrt, 1),
    "relu": (lambda u: sp.Max(u, 0), 1),
    "max": (sp.Max, 2),
    "min": (sp.Min, 2),
}
"""Functions by the names that they have in a formula, with the number of their arguments."""


def formula(
    text: str,
    *,
    name: str = "formula",
    wrt: Collection[str] = (),
    parameters: Mapping[str, Parameter] | None = None,
    domains: Mapping[str, Domain] | None = None,
) -> Definition:
    """The definition of an operation typed as a formula.

    `wrt` names the inputs that have a gradient (all real ones where it is empty). Scalars without indices that are not
    in it become keyword parameters. `domains` says where an input lives; the direct argument of a logarithm or of a
    root is positive by itself. Raises FormulaError that points at the character.

    >>> definition = formula("y[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))")
    >>> [str(item.entry) for item in definition.inputs]
    ['x[n, d]']
    """
    return _Builder(parse(text), name, wrt, parameters or {}, domains or {}).definition()


class _Builder:
    def __init__(
        self,
        tree: Formula,
        name: str,
        wrt: Collection[str],
        parameters: Mapping[str, Parameter],
        domains: Mapping[str, Domain],
    ) -> None:
        self.tree, self.name, self.wrt = tree, name, tuple(wrt)
        self.names: Names = resolve(tree)
        self.given_parameters, self.domains = parameters, domains
        self.lets: list[Let] = []

    def fail(self, place: Place, problem: str, remedy: str) -> NoReturn:
        errors.fail(self.tree.text, place, problem, remedy)

    def definition(self) -> Definition:
        self.check_options()
        last = self.tree.statements[-1]
        for s in self.tree.statements:
            value = stable(self.value(s.value))
            self.lets.append(let(self.left(s.name, s.indices), value))  # after the places that the value needs
        return Definition(
            name=self.name,
            summary=" ".join("; ".join(self.tree.text.split("\n")).split()),
            inputs=self.inputs(),
            lets=self.lets,
            output=self.left(last.name, last.indices),
            reference=None,
            parameters=self.parameters(),
            formula=self.tree.text,
            source="formula",
        )

    def check_options(self) -> None:
        names = self.names
        real_inputs = [name for name in names.inputs if name not in names.labels]
        known = [*real_inputs, *names.scalars]
        for asked in self.wrt:
            if asked not in known:
                raise FormulaError(f"--wrt {asked}: the formula's real inputs are {', '.join(known) or 'none'}")
        for asked in self.domains:
            if asked not in known:
                raise FormulaError(f"domain of {asked}: the formula's real inputs are {', '.join(known) or 'none'}")
        if not real_inputs and not self.wrt:
            place = self.tree.statements[-1].place
            self.fail(
                place, "the formula has no tensor to differentiate by", "use one, such as x[n]; or name scalars in wrt"
            )

    # Inputs ------------------------------------------------------------------------------------------------------

    def inputs(self) -> list[Input]:
        positives = self.positives()
        found = []
        for name, rank in self.names.inputs.items():
            axes = [self.names.axis_of((name, position)) for position in range(rank)]
            entry = sp.IndexedBase(name)[tuple(self.fresh(axis, axes[:k]) for k, axis in enumerate(axes))]
            if name in self.names.labels:
                found.append(given(entry, labels(self.names.axis_of(self.names.labels[name]).lower())))
                continue
            domain = self.domains.get(name, positive() if name in positives else real())
            found.append(given(entry, domain, differentiable=not self.wrt or name in self.wrt))
        for name in self.names.scalars:
            if name in self.wrt:
                domain = self.domains.get(name, positive() if name in positives else real())
                found.append(given(sp.Symbol(name), domain))
        return found

    def fresh(self, axis: str, before: list[str]) -> sp.Idx:
        """An index of an axis; a tensor with two axes of one kind, as a square matrix has, needs two."""
        own = [index for index in self.names.indices if self.names.axes.get(index) == axis]
        letters = [*own, *(f"{axis.lower()}{k}" for k in range(1, 9))]
        return self.idx(letters[before.count(axis)], axis)

    def positives(self) -> set[str]:
        """Inputs that stand directly below a logarithm or a root."""
        found = set()
        for statement in self.tree.statements:
            for node in walk(statement.value):
                inner: Node | None = None
                if isinstance(node, Call) and node.function in ("log", "sqrt") and node.arguments:
                    inner = node.arguments[0]
                if isinstance(node, Arithmetic) and node.operator == "**" and _fraction(node.right):
                    inner = node.left
                if isinstance(inner, Entry | Name):
                    found.add(inner.name)
        return found

    def parameters(self) -> list[Parameter]:
        found = []
        for name in self.names.scalars:
            if name not in self.wrt:
                default = Parameter(name, *(_EPS if name == "eps" else _SCALAR))
                found.append(self.given_parameters.get(name, default))
        for name in self.given_parameters:
            if name not in self.names.scalars or name in self.wrt:
                known = ", ".join(scalar for scalar in self.names.scalars if scalar not in self.wrt) or "none"
                raise FormulaError(f"parameter {name}: the formula's parameters are {known}")
        return found

    # Expressions -------------------------------------------------------------------------------------------------

    def left(self, name: str, indices: tuple[str, ...]) -> sp.Expr:
        if not indices:
            return sp.Symbol(name)
        return sp.IndexedBase(name)[tuple(self.index(index) for index in indices)]

    def index(self, name: str) -> sp.Idx:
        return self.idx(name, self.names.axis_of(name))

    def idx(self, name: str, axis: str) -> sp.Idx:
        return sp.Idx(name, sp.Symbol(axis, integer=True))

    def value(self, node: Node) -> sp.Expr:
        match node:
            case Number(value):
                return sp.Rational(value.numerator, value.denominator)
            case Name(name):
                return self.bare(name)
            case Entry(name, slots):
                return sp.IndexedBase(name)[tuple(self.slot(slot) for slot in slots)]
            case Arithmetic():
                return self.arithmetic(node)
            case Compare():
                return self.compare(node)
            case Call():
                return self.call(node)
            case Reduce():
                return self.reduce(node)

    def bare(self, name: str) -> sp.Expr:
        if name == "pi":
            return sp.pi
        if name in self.names.scalars:
            # As definitions write them: parameters are positive, a scalar input is not.
            return sp.Symbol(name) if name in self.wrt else sp.Symbol(name, positive=True)
        if name in self.names.bound:
            return sp.Symbol(name)
        return sp.Symbol(self.names.axis_of(self.names.sizes[name]), integer=True)

    def slot(self, node: Node) -> sp.Expr:
        match node:
            case Name(name):
                return self.index(name) if name in self.names.indices else self.bare(name)
            case Entry(name, slots):
                return sp.IndexedBase(name)[tuple(self.slot(slot) for slot in slots)]
            case Number(value) if value.denominator == 1:
                return sp.Integer(value.numerator)
            case Arithmetic(operator, left, right) if operator in ("+", "-", "*"):
                first, second = self.slot(left), self.slot(right)
                return {"+": first + second, "-": first - second, "*": first * second}[operator]
        self.fail(node.place, "an index is a sum of indices times whole numbers", "such as 2*o + a - 1")

    def arithmetic(self, node: Arithmetic) -> sp.Expr:
        left = self.value(node.left)
        if node.operator == "**":
            return self.power(left, node)
        right = self.value(node.right)
        match node.operator:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
        if right == 0:
            self.fail(node.right.place, "a division by zero", "correct the divisor")
        return left / right

    def power(self, base: sp.Expr, node: Arithmetic) -> sp.Expr:
        exponent = self.value(node.right)
        if not isinstance(exponent, sp.Rational):
            self.fail(node.right.place, "the exponent is no number", "write exp(a*log(u)) for u**a with positive u")
        if abs(exponent) > _LARGEST_POWER or exponent.q > 2:
            self.fail(node.right.place, f"the exponent {exponent}", f"whole numbers and halves up to {_LARGEST_POWER}")
        if base == 0 and exponent < 0:
            self.fail(node.place, "a division by zero", "correct the base")
        return base**exponent

    def compare(self, node: Compare) -> sp.Expr:
        left, right = self.value(node.left), self.value(node.right)
        match node.operator:
            case ">":
                return indicator(left - right)
            case "<":
                return indicator(right - left)
            case ">=":
                return 1 - indicator(right - left)
            case "<=":
                return 1 - indicator(left - right)

    def call(self, node: Call) -> sp.Expr:
        name, count = node.function, len(node.arguments)
        if name == "delta":
            left, right = (self.slot(argument) for argument in node.arguments)
            return sp.KroneckerDelta(left, right)
        if name not in FUNCTIONS:
            close = difflib.get_close_matches(name, [*FUNCTIONS, "sum", "mean", "delta"], n=2, cutoff=0.5)
            known = ", ".join(sorted([*FUNCTIONS, "delta"]))
            hint = f"did you mean {' or '.join(close)}?" if close else f"known: {known}"
            self.fail(node.place, f"unknown function {name}", hint)
        function, wanted = FUNCTIONS[name]
        if count != wanted:
            self.fail(node.place, f"{name} has {count} arguments and takes {wanted}", "add or drop some")
        values = [self.value(argument) for argument in node.arguments]
        if name in ("max", "min") and 0 not in values:
            other = "v + max(u - v, 0)" if name == "max" else "v + min(u - v, 0)"
            self.fail(node.place, f"neither argument of {name} is 0", f"write {other}, or clamp(u, low, high)")
        try:
            return function(*values)
        except ValueError:  # Max and Min of constants that SymPy has no digits of
            self.fail(node.place, f"{name} of a constant", "write its value as a number")

    def reduce(self, node: Reduce) -> sp.Expr:
        if node.kind in ("max", "min"):
            return self.extreme(node)
        inside = self.value(node.inside)
        indices = [self.index(name) for name in node.indices]
        total = sp.Sum(inside, *indices)
        if node.kind == "mean":
            total = total / sp.Mul(*(index.upper + 1 for index in indices))
        return total

    def extreme(self, node: Reduce) -> sp.Expr:
        """The entry at the place of the maximum, which gets a name of its own."""
        entry = node.inside
        if not isinstance(entry, Entry) or not all(isinstance(slot, Name) for slot in entry.slots):
            remedy = f"bind the rest to a name first: z[n, k] = ..., then {node.kind}[k](z[n, k])"
            self.fail(entry.place, f"{node.kind} takes one entry with plain indices", remedy)
        searched = [self.index(name) for name in node.indices]
        slots = [self.slot(slot) for slot in entry.slots]
        missing = next((index for index in searched if index not in slots), None)
        if missing is not None:
            self.fail(entry.place, f"the entry does not have the index {missing}", "take the maximum over its own")
        if set(slots) == set(searched):
            self.fail(node.place, f"{node.kind} over all indices", "keep one index, if need be over an axis of size 1")
        tensor, kept = sp.IndexedBase(entry.name), [slot for slot in slots if slot not in searched]
        taken = {
            *self.names.bound,
            *self.names.inputs,
            *self.names.scalars,
            *self.names.indices,
            *map(_name, self.lets),
        }
        name = next(name for name in ("at", *(f"at{k}" for k in range(2, 99))) if name not in taken)
        place = sp.IndexedBase(name)[tuple(kept)]
        value = tensor[tuple(slots)]
        self.lets.append(let(place, argmax(value if node.kind == "max" else -value, *searched)))
        return tensor[tuple(place if slot in searched else slot for slot in slots)]


def _name(item: Let) -> str:
    return str(getattr(item.entry, "base", item.entry))


def _fraction(node: Node) -> bool:
    """An exponent that is no whole number."""
    match node:
        case Number(value):
            return value.denominator != 1
        case Arithmetic("/", Number(left), Number(right)) if right:
            return Fraction(left / right).denominator != 1
        case Arithmetic("*", left, right):
            return _fraction(left) or _fraction(right)
    return False
