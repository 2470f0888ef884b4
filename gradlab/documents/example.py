"""The worked example of an operation as a section."""

from __future__ import annotations

from collections.abc import Iterator

from gradlab.documents.model import (
    Block,
    Chain,
    Entry,
    Line,
    Name,
    Number,
    Paragraph,
    Section,
    Size,
    Spans,
    Values,
    words,
)
from gradlab.documents.numbers import DIGITS, rounded
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation
from gradlab.symbolic.equations import number_of
from gradlab.symbolic.worked import Worked, worked

_MOST = 60  # numbers of one array that a page bears
_FEW = 18  # and of an intermediate one


def example(derivation: Derivation) -> Section | None:
    """Inputs, what is computed from them, the gradients, and a difference quotient of each."""
    found = worked(derivation)
    program = derivation.program
    if any(found.tensors[given.tensor.name].size > _MOST for given in program.inputs):
        return None
    return Section("example", ("Worked example",), tuple(_blocks(derivation, found)))


def _blocks(derivation: Derivation, found: Worked) -> Iterator[Block]:
    program = derivation.program
    sizes = [w for axis, count in found.sizes.items() for w in (", ", Size(axis), f" = {count}")][1:]
    defaults = [w for p in program.definition.parameters for w in (", ", Name(p.name), f" = {p.default:g}")]
    yield Paragraph(words("Let ", *sizes, *defaults, f", numbers rounded to {DIGITS} digits. Given"))
    for given in program.inputs:
        yield _array(given.tensor.name, found.tensors[given.tensor.name], ())
    yield _array(GRAD_OUTPUT, found.tensors[GRAD_OUTPUT], ("chosen freely",))
    yield Paragraph(("the definition gives",))
    for binding in program.bindings:
        most = _MOST if binding.name == program.output.name else _FEW
        if found.tensors[binding.name].size <= most:
            yield _array(binding.name, found.tensors[binding.name], _cited(derivation, binding.name))
    yield Paragraph(("and the gradients are",))
    for name, gradient in found.gradients.items():
        yield _array(f"grad_{name}", gradient, _cited(derivation, f"grad_{name}"))
    yield Paragraph(_quotients(derivation, found))


def _array(name: str, array: object, reason: Spans) -> Chain:
    return Chain(Entry(name), (Line(Values(array), reason),))


def _cited(derivation: Derivation, name: str) -> Spans:
    return words("by ", Number(number_of(derivation, name)))


def _quotients(derivation: Derivation, found: Worked) -> Spans:
    output = derivation.program.output.name
    result: Spans = words("For comparison, central differences of the sum of ", Name(GRAD_OUTPUT), " times ")
    result = words(result, Name(output), ", by the definition alone: ")
    for position, (name, (place, value)) in enumerate(found.quotients.items()):
        entry = f"[{', '.join(map(str, place))}]" if place else ""
        what = words("; " if position else "", Name(name), entry, f" gives {rounded(value)}")
        result = words(result, what)
    return words(result, " (positions counted from 0).")
