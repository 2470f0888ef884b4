"""Facts about an operation as short pieces of text, shared by all documents: shapes, domains, saved tensors, kinks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gradlab.operation import Domain, Kink
from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.equations import Equation
from gradlab.symbolic.program import Given, Program, Tensor
from gradlab.symbolic.show import text
from gradlab.symbolic.steps import Pullback, Pushforward
from gradlab.symbolic.terms import Axis, Indicator

_MOST_SAVINGS = 6
DIFFERENTIATE = "differentiate each use"
"""The reason of the line that follows a chain-rule line."""


def reason_of(equation: Equation) -> str:
    """Why an equation holds, in a few words; nothing for a definition that the author made."""
    if equation.reason == "definition":
        return ""
    if isinstance(equation.before, Pullback):
        return f"{equation.rule} {equation.reason}"
    if isinstance(equation.before, Pushforward):
        return f"{equation.rule}: {equation.reason}"
    return equation.reason


def stands_alone(equation: Equation, program: Program) -> bool:
    """True for a line with its own left side: a definition, or a gradient that does not move at all."""
    return equation.kind == "definition" or (equation.kind == "product" and starts_alike(equation, program))


def starts_alike(equation: Equation, program: Program) -> bool:
    """True where the first line of a chain already shows what the chain starts from."""
    before = equation.before
    return (
        equation.opens
        and before is not None
        and text(before, program, equation.free) == text(equation.right, program, equation.free)
    )


def shape(tensor: Tensor, program: Program) -> str:
    """`(N, D)`; the axis that stands for any number of leading dimensions is `...`."""
    sizes = ["..." if index.axis.ellipsis else index.axis.size for index in tensor.indices]
    return f"({', '.join(sizes)})" if sizes else "a number"


def outline(given: Given) -> str:
    """The domain of an input in words."""
    return domain(given.domain) + ("" if given.differentiable else ", no gradient")


def domain(domain: Domain) -> str:
    """A domain in words."""
    match domain.kind:
        case "simplex":
            return f"probabilities along the last axis{', zeros allowed' if domain.zeros else ''}"
        case "labels":
            return f"integers below {(domain.below or '').upper()}"
        case "one_hot":
            return "one 1 along the last axis, else 0"
        case "non_negative":
            return "real, at least 0"
        case "positive":
            return "real, above 0"
        case kind:
            return kind


def axes_line(program: Program) -> list[str]:
    """What each index runs over, and what leading dimensions mean here."""
    ranges = [f"{', '.join(program.letters.get(axis, (axis.name,)))} over {axis.size}" for axis in program.axes]
    lines = [f"Indices: {'; '.join(ranges)}; primes mark further ones of the same axis."]
    lines += [f"{axis.size} stands for any number of leading dimensions." for axis in program.axes if axis.ellipsis]
    return lines


@dataclass(frozen=True)
class Saving:
    """One set of tensors that suffices for the backward."""

    names: str
    bytes: str
    verdict: str


def savings(derivation: Derivation) -> list[Saving]:
    """The chosen set first, then the best others and why each was not chosen."""
    chosen, *others = derivation.candidates[:_MOST_SAVINGS]
    rows = [(chosen, "chosen")]
    rows += [(other, "more bytes" if other.bytes > chosen.bytes else "more to recompute") for other in others]
    return [
        Saving(", ".join(row.saved) or "nothing", bytes_formula(row.saved, derivation.program), verdict)
        for row, verdict in rows
    ]


def bytes_formula(names: Iterable[str], program: Program) -> str:
    """Bytes as a formula in the sizes, in float64: `8*N*C + 16*C`."""
    masks = {b.name for b in program.bindings for t in b.value for a, _ in t.factors if isinstance(a, Indicator)}
    count: Counter[tuple[Axis, ...]] = Counter()
    for name in names:
        axes = tuple(sorted((index.axis for index in program.tensors[name].indices), key=program.axes.index))
        count[axes] += 1 if name in masks else 8
    ordered = sorted(count.items(), key=lambda item: (-len(item[0]), [program.axes.index(axis) for axis in item[0]]))
    terms = ["*".join([str(number), *(axis.size for axis in axes)]) for axes, number in ordered]
    return " + ".join(terms).replace("1*", "") or "0"


def kinks(program: Program) -> list[str]:
    """Where the derivative jumps, and the value declared there."""
    return [
        f"At {kink.where} the derivative with respect to {kink.argument} is {_slope(kink)} by convention."
        for kink in program.definition.kinks
    ]


def _slope(kink: Kink) -> str:
    return kink.derivative if isinstance(kink.derivative, str) else f"{kink.derivative:g}"


def shift_line(program: Program) -> list[str]:
    """The shift of the forward, where there is one."""
    if program.shift is None:
        return []
    shift = program.shift
    counted = f" where {shift.where.tensor} holds" if shift.where is not None else ""
    back = f"; {' and '.join(shift.restored)} gets it back" if shift.restored else ""
    return [
        f"The forward subtracts the maximum of {shift.tensor.name}{counted} over {shift.axis.name} first{back}: no "
        "exponential overflows, and neither the output nor what is saved changes (proved)."
    ]
