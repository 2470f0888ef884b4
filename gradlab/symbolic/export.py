"""Results as SymPy expressions, over symbolic sizes; `expand` writes them out at fixed sizes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import sympy as sp

from gradlab.symbolic import special
from gradlab.symbolic.components import components
from gradlab.symbolic.definition import argmax
from gradlab.symbolic.derive import Result
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Affine, Gather, Index, Scale, Slot
from gradlab.symbolic.layout import letters
from gradlab.symbolic.program import Binding, Program
from gradlab.symbolic.steps import Factored
from gradlab.symbolic.terms import (
    Atom,
    Constant,
    Delta,
    Expr,
    Function,
    Indicator,
    Order,
    Position,
    Prod,
    Ref,
    Size,
    Term,
    operands,
)


def to_sympy(result: Result | Binding, program: Program) -> sp.Expr:
    """A gradient, tangent, Jacobian or binding over IndexedBase, Idx, Sum and KroneckerDelta.

    An index `n'` is called `n_`, so that the printed form is Python.

    >>> from gradlab.symbolic.derive import derive
    >>> from gradlab.symbolic.load import definition
    >>> from gradlab.symbolic.read import read
    >>> derivation = derive(read(definition("softmax")))
    >>> to_sympy(derivation.gradients["x"], derivation.program)
    (grad_output[n, d] - Sum(grad_output[n, k]*y[n, k], (k, 0, D - 1)))*y[n, d]
    """
    if isinstance(result, Binding):
        return _Exporter(program, result.tensor.indices).expression(result.value)
    return _Exporter(program, result.free).side(result.display)


def idx(index: Index, name: str) -> sp.Idx:
    """An index as SymPy has it, over the whole of its axis."""
    return sp.Idx(name.replace("'", "_"), size(index))


def size(index: Slot) -> sp.Symbol:
    """The size symbol of an index's axis, with the assumptions that a definition makes."""
    return sp.Symbol(index.axis.size, integer=True)


class _Exporter:
    """Writes expressions with the same free indices."""

    def __init__(self, program: Program, free: Sequence[Index]) -> None:
        self.program, self.free = program, tuple(free)
        self.axes = list(program.axes)

    def side(self, side: Factored) -> sp.Expr:
        return self.term(side.prefactor) * self.expression(side.inner)

    def expression(self, expression: Expr) -> sp.Expr:
        return sp.Add(*(self.term(term) for term in expression))

    def term(self, term: Term) -> sp.Expr:
        outer, parts = components(term)
        result = self.product(outer, letters(self.program, self.free, ()))
        for part in parts:
            bound = sorted(part.bound, key=lambda index: self.axes.index(index.axis))
            names = letters(self.program, self.free, bound)
            limits = [(idx(index, names[index]), 0, size(index) - 1) for index in bound]
            result *= sp.Sum(self.product(part, names), *limits)
        return result

    def product(self, term: Term, names: dict[Index, str]) -> sp.Expr:
        number = sp.Rational(term.coefficient.numerator, term.coefficient.denominator)
        powers = (
            sp.Pow(self.atom(atom, names), sp.Rational(exponent.numerator, exponent.denominator))
            for atom, exponent in term.factors
        )
        return sp.Mul(number, *powers)

    def atom(self, atom: Atom, names: dict[Index, str]) -> sp.Expr:
        match atom:
            case Ref(tensor, ()):
                return self.scalar(tensor)
            case Ref(tensor, slots):
                return self.entry(tensor, slots, names)
            case Delta(left, right):
                return sp.KroneckerDelta(self.slot(left, names), self.slot(right, names))
            case Size(axis):
                return sp.Symbol(axis.size, integer=True)
            case Constant(name):
                return sp.pi if name == "pi" else sp.Integer(name)
            case Function(name):
                return ELEMENTARY[name].to_sympy(*(self.product(operand, names) for operand in operands(atom)))
            case Indicator(argument, ()):
                return sp.Piecewise((1, self.product(argument, names) > 0), (0, True))
            case Indicator(_, _, closed):
                middle, low, high = (self.product(operand, names) for operand in operands(atom))
                inside = sp.And(low <= middle, middle <= high) if closed else sp.And(low < middle, middle < high)
                return sp.Piecewise((1, inside), (0, True))
            case Position(argument):
                own = letters(self.program, self.free, argument.bound)
                over = (idx(index, own[index]) for index in argument.bound)
                return argmax(self.product(Term(argument.coefficient, argument.factors), own), *over)
            case Order(left, right):
                return sp.Piecewise((1, sp.Le(self.slot(left, names), self.slot(right, names))), (0, True))
            case Prod(argument, without):
                return self.running_product(argument, without, names)

    def running_product(self, argument: Term, without: Sequence[Slot], names: dict[Index, str]) -> sp.Expr:
        """Entries that are left out have the exponent 0; the whole is 0 where two of these are one.

        Not with Piecewise, whose condition SymPy would move out of the product that binds its index.
        """
        (running,) = argument.bound
        own = letters(self.program, names, argument.bound, names)
        variable = idx(running, own[running])
        places = [self.slot(slot, names) for slot in without]
        inside = self.product(Term(argument.coefficient, argument.factors), own)
        inside = sp.Pow(inside, sp.Mul(*(1 - sp.KroneckerDelta(variable, place) for place in places)))
        apart = sp.Mul(*(1 - sp.KroneckerDelta(*pair) for pair in itertools.combinations(places, 2)))
        return apart * sp.Product(inside, (variable, 0, size(running) - 1))

    def entry(self, tensor: str, slots: tuple[Slot, ...], names: dict[Index, str]) -> sp.Expr:
        """An entry; where an index is computed, with the 0 that stands outside the axis."""
        shown = [self.slot(slot, names) for slot in slots]
        value = sp.IndexedBase(tensor)[tuple(shown)]
        computed = [(place, size(slot)) for place, slot in zip(shown, slots, strict=True) if isinstance(slot, Affine)]
        inside = sp.And(*(sp.And(place >= 0, place < count) for place, count in computed))
        return sp.Piecewise((value, inside), (0, True)) if computed else value

    def scalar(self, tensor: str) -> sp.Symbol:
        if tensor in self.program.integers:
            return sp.Symbol(tensor, integer=True)
        return sp.Symbol(tensor, positive=True) if tensor in self.program.parameters else sp.Symbol(tensor)

    def slot(self, slot: Slot, names: dict[Index, str]) -> sp.Expr:
        if isinstance(slot, Gather):
            return sp.IndexedBase(slot.tensor)[tuple(self.slot(index, names) for index in slot.slots)]
        if isinstance(slot, Affine):
            parts = (_scale(scale) * self.slot(index, names) for scale, index in slot.parts)
            return sp.Add(*parts, *map(_scale, slot.offset))
        return idx(slot, names.get(slot, slot.name))


def _scale(scale: Scale) -> sp.Expr:
    return sp.Mul(scale.number, *(sp.Symbol(name, integer=True) for name in scale.parameters))


_IMPORTED = ("Abs", "KroneckerDelta", "Max", "Min", "Piecewise", "Product", "Sum")


class Declarations:
    """What a program must declare before it can build these expressions."""

    def __init__(self, expressions: Sequence[sp.Expr]) -> None:
        self.indices: dict[str, sp.Idx] = {}
        self.tensors: set[str] = set()
        symbols: set[sp.Symbol] = set()
        functions: set[str] = set()
        for expression in expressions:
            self.indices.update({str(index): index for index in expression.atoms(sp.Idx)})
            self.tensors |= {str(base) for base in expression.atoms(sp.IndexedBase)}
            symbols |= expression.free_symbols
            functions |= {type(part).__name__ for part in sp.preorder_traversal(expression)}
        self.special = functions & set(special.__all__)
        self.used = (functions - self.special) & (set(_IMPORTED) | {row.name for row in ELEMENTARY.values()})
        self.used |= {"pi"} if "Pi" in functions else set()
        self.used |= (
            {"sqrt"}
            if any(part.is_Pow and abs(part.exp) == sp.S.Half for e in expressions for part in sp.preorder_traversal(e))
            else set()
        )
        # Not one of SymPy's: the program stands for itself.
        self.places = "argmax" in functions
        plain = [s for s in symbols if type(s) is sp.Symbol and s.name not in {*self.tensors, *self.indices}]
        self.sizes = {str(index.upper + 1): index.upper + 1 for index in self.indices.values()}
        self.sizes.update({s.name: s for s in plain if s.is_integer})
        self.parameters = sorted(s.name for s in plain if s.is_positive and not s.is_integer)
        self.scalars = {s.name for s in plain if not s.is_positive and not s.is_integer}

    def lines(self, bound: Sequence[tuple[str, bool]] = ()) -> list[str]:
        """The import and the assignments; `bound` adds names, each with True where it has indices."""
        tensors = sorted(self.tensors | {name for name, indexed in bound if indexed})
        scalars = sorted(self.scalars | {name for name, indexed in bound if not indexed})
        names = self.used | {"Idx", "IndexedBase", "symbols"} | ({"Function"} if self.places else set())
        lines = [
            f"from sympy import {', '.join(sorted(names, key=str.lower))}",
            *([f"\nfrom gradlab.symbolic.special import {', '.join(sorted(self.special))}"] if self.special else []),
            "",
            *(['argmax = Function("argmax")'] if self.places else []),
        ]
        lines += [f'{name} = symbols("{name}", integer=True)' for name in sorted(self.sizes)]
        lines += [f'{name} = symbols("{name}", positive=True)' for name in self.parameters]
        lines += [f'{name} = symbols("{name}")' for name in scalars]
        lines += [f'{name} = Idx("{name}", {index.upper + 1})' for name, index in sorted(self.indices.items())]
        return lines + [f'{name} = IndexedBase("{name}")' for name in tensors]
