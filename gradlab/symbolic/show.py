"""Index expressions as plain text, for terminals, error messages and the comments of generated code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Gather, Index, Slot, show_slot
from gradlab.symbolic.layout import Entry, Link, Names, Piece, Power, Product, Summation, arrange, letters, links
from gradlab.symbolic.program import Program
from gradlab.symbolic.steps import Pullback, Pushforward, Side
from gradlab.symbolic.terms import Atom, Constant, Delta, Function, Indicator, Order, Position, Prod, Ref, Size

__all__ = ["entry", "letters", "text"]


def text(side: Side, program: Program, free: Sequence[Index], aliases: Mapping[str, str] | None = None) -> str:
    """One side of a step, or any expression, in the notation `y[n,d] * (g[n,d] - sum[k](g[n,k] * y[n,k]))`.

    `aliases` renames tensors, as in `{"grad_output": "g"}`.
    """
    notation = _Text(aliases or {})
    if isinstance(side, Pullback | Pushforward):
        pulled = isinstance(side, Pullback)
        return " + ".join(notation.link(link, weight_first=pulled) for link in links(side, program, free)) or "0"
    return notation.addition(arrange(side, program, free))


def entry(name: str, indices: Iterable[Index]) -> str:
    """A left side: `grad_x[n,d]`."""
    shown = ",".join(index.name for index in indices)
    return f"{name}[{shown}]" if shown else name


class _Text:
    """The notation of plain text."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self.aliases = aliases

    def name(self, tensor: str) -> str:
        return self.aliases.get(tensor, tensor)

    def addition(self, products: Sequence[Product]) -> str:
        if not products:
            return "0"
        first, *rest = products
        shown = f"-{self.product(first)}" if first.negative else self.product(first)
        return shown + "".join(f" {'-' if p.negative else '+'} {self.product(p)}" for p in rest)

    def product(self, product: Product) -> str:
        """Without its sign. A short bracket comes before the denominator, a long one after the whole fraction."""
        if not product.bracket:
            return self.fraction([self.piece(piece) for piece in product.above], product.below)
        bracket = f"({self.addition(product.bracket)})"
        long = any(isinstance(piece, Summation) for inner in product.bracket for piece in inner.above)
        above = [self.piece(piece) for piece in product.above]
        if long and above:
            return f"{self.fraction(above, product.below)} * {bracket}"
        return self.fraction([*above, bracket], product.below)

    def fraction(self, above: Sequence[str], below: Sequence[Piece]) -> str:
        shown = " * ".join(above) or "1"
        if not below:
            return shown
        under = " * ".join(self.piece(piece) for piece in below)
        return f"{shown} / {under}" if len(below) == 1 else f"{shown} / ({under})"

    def piece(self, piece: Piece) -> str:
        match piece:
            case int() | float():
                return str(piece)
            case Power(atom, exponent, names, arguments):
                return self.power(self.atom(atom, names, arguments), exponent)
            case Summation(indices, inside, names):
                return f"sum[{','.join(names[index] for index in indices)}]({self.product(inside)})"

    def power(self, base: str, exponent: Fraction) -> str:
        if exponent == 1:
            return base
        if exponent == Fraction(1, 2):
            return f"sqrt({base})"
        return f"{base}**{exponent}" if exponent.denominator == 1 else f"{base}**({exponent})"

    def link(self, link: Link, *, weight_first: bool) -> str:
        weight, value, variable = map(self.entry, (link.weight, link.value, link.variable))
        product = f"{weight} * d {value} / d {variable}" if weight_first else f"d {value} / d {variable} * {weight}"
        return f"sum[{','.join(link.summed)}]({product})" if link.summed else product

    def entry(self, entry: Entry) -> str:
        tensor, indices = entry
        return f"{self.name(tensor)}[{','.join(indices)}]" if indices else self.name(tensor)

    def slot(self, slot: Slot, names: Names) -> str:
        if isinstance(slot, Gather):
            slot = replace(slot, tensor=self.name(slot.tensor))
        return show_slot(slot, lambda index: names.get(index, index.name))

    def atom(self, atom: Atom, names: Names, arguments: Sequence[Product]) -> str:
        inside = [self.addition([argument]) for argument in arguments]
        match atom:
            case Ref(tensor, slots):
                return self.entry((tensor, tuple(self.slot(slot, names) for slot in slots)))
            case Delta(left, right):
                return f"delta[{self.slot(left, names)},{self.slot(right, names)}]"
            case Size(axis):
                return axis.size
            case Constant(constant):
                return constant
            case Function(function):
                template = ELEMENTARY[function].text
                return template.format(*inside) if template else f"{function}({', '.join(inside)})"
            case Indicator(_, ()):
                return f"[{inside[0]} > 0]"
            case Indicator(_, _, closed):
                sign = " <= " if closed else " < "
                return f"[{sign.join((inside[1], inside[0], inside[2]))}]"
            case Position(searched):
                return f"argmax[{','.join(names[index] for index in searched.bound)}]({inside[0]})"
            case Order(left, right):
                return f"[{self.slot(left, names)} <= {self.slot(right, names)}]"
            case Prod(term, without):
                (running,) = (names[index] for index in term.bound)
                places = f" != {', '.join(self.slot(slot, names) for slot in without)}" if without else ""
                return f"prod[{running}{places}]({inside[0]})"
