"""Facts about an operation as short pieces of text, shared by all documents: shapes, domains, saved tensors, kinks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gradlab.documents.model import Code, Name, Spans, words
from gradlab.operation import Domain, Kink, Parameter
from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.equations import Equation
from gradlab.symbolic.indices import Axis
from gradlab.symbolic.program import Given, Program, Tensor
from gradlab.symbolic.show import text
from gradlab.symbolic.terms import Indicator, Ref

_MOST_SAVINGS = 6


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


def kinks(program: Program) -> list[Spans]:
    """Where the derivative jumps, and the value declared there."""
    return [
        words(
            "At ",
            Code(kink.where),
            " the derivative with respect to ",
            Name(kink.argument),
            f" is {_slope(kink)} by convention.",
        )
        for kink in program.definition.kinks
    ]


def _slope(kink: Kink) -> str:
    return kink.derivative if isinstance(kink.derivative, str) else f"{kink.derivative:g}"


def edges(derivation: Derivation) -> list[Spans]:
    """What the gradients divide by, and the inputs that have none."""
    program = derivation.program
    below = dict.fromkeys(
        atom.tensor
        for result in derivation.gradients.values()
        for term in result.value
        for atom, exponent in term.factors
        if isinstance(atom, Ref) and exponent < 0
    )
    positive = {given.tensor.name for given in program.inputs if given.domain.kind == "positive"}
    inputs = {given.tensor.name for given in program.inputs}
    found: list[Spans] = []
    for name in below:
        end = ": they do not exist where it is 0." if name in inputs - positive else "."
        end = ", which is above 0 in the whole domain." if name in positive else end
        found.append(words("The gradients divide by ", Name(name), end))
    for given in program.inputs:
        if not given.differentiable:
            found.append(words("There is no gradient with respect to ", Name(given.tensor.name), "."))
        elif given.domain.kind == "simplex":
            rest = " are differentiated as if they were independent; no constraint is projected out."
            found.append(words("The entries of ", Name(given.tensor.name), rest))
    return found


def shift_line(program: Program) -> list[Spans]:
    """The shift of the forward, where there is one."""
    if program.shift is None:
        return []
    shift = program.shift
    counted = (" where ", Name(shift.where.tensor), " holds") if shift.where is not None else ()
    back = [word for name in shift.restored for word in (" and ", Name(name))][1:]
    return [
        words(
            "The forward subtracts the maximum of ",
            Name(shift.tensor.name),
            *counted,
            " over ",
            Name(shift.axis.name),
            " first",
            *(("; ", *back, " gets it back") if back else ()),
            ": no exponential overflows, and neither the output nor what is saved changes (proved).",
        )
    ]


def zero_sums(derivation: Derivation) -> list[Spans]:
    """Sums that are exactly 0, which the forward uses against rounding where it subtracts."""
    terms = {binding.name: len(binding.value.terms) for binding in derivation.program.bindings}
    return [
        words(
            "The sum of ",
            Name(name),
            " over ",
            *[word for axis in axes for word in (", ", Name(axis.name))][1:],
            " is exactly 0 (a lemma); the forward takes what rounding leaves of it out again.",
        )
        for name, axes in derivation.zero_sums.items()
        if terms[name] > 1
    ]


def parameter(item: Parameter) -> str:
    """The default and the range of a parameter."""
    return f"{item.default:g} by default, from {item.minimum:g} to {item.maximum:g}"
