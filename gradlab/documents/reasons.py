"""Why each equation holds: the engine's reason with its names as mathematics and the equations that it rests on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gradlab.documents.model import Name, Number, Span, Spans, words
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation
from gradlab.symbolic.equations import Equation
from gradlab.symbolic.steps import Pullback, Pushforward
from gradlab.symbolic.terms import Expr, Ref


class Reasons:
    """The reasons of one derivation."""

    one_entry: Spans = (Name(GRAD_OUTPUT), " one entry at a time")

    def __init__(self, derivation: Derivation, equations: Sequence[Equation]) -> None:
        self.program = derivation.program
        self.definitions = {e.name: e.number for e in equations if e.kind == "definition"}
        self.results = {e.name: e.number for e in equations if e.kind != "definition" and e.name}
        self.lemmas = _lemmas(equations)
        known = sorted({*self.program.tensors, *self.program.parameters, GRAD_OUTPUT}, key=len, reverse=True)
        self._names = re.compile(rf"\b({'|'.join(map(re.escape, known))})\b")

    def result(self, name: str) -> int | None:
        """The equation that gives `grad_x`, `tangent_y`, …."""
        return self.results.get(name)

    def of(self, equation: Equation) -> Spans:
        """The reason of a numbered line."""
        if isinstance(equation.before, Pullback | Pushforward):
            return ("differentiate each use",)
        if equation.reason == "definition":
            return ("definition",)
        found = self.spans(equation.reason)
        name = equation.reason.rpartition(" ")[2]
        if equation.reason.startswith("by definition of ") and name in self.definitions:
            return words(found, " ", Number(self.definitions[name]))
        lemma = re.fullmatch(r"lemma: the sum of (\w+) is constant", equation.reason)
        if lemma and lemma[1] in self.lemmas:
            return words(found, " ", Number(self.lemmas[lemma[1]]))
        return found

    def chain_rule(self, equation: Equation) -> Spans:
        """The reason of the line before the first numbered one: what the chain rule adds up."""
        joint = " " if isinstance(equation.before, Pullback) else ": "
        return self.spans(f"{equation.rule}{joint}{equation.reason}")

    def spans(self, text: str) -> Spans:
        """A reason of the engine with the names in it set as mathematics."""
        pieces = self._names.split(text)
        found: list[Span] = [Name(piece) if k % 2 else piece for k, piece in enumerate(pieces)]
        return tuple(piece for piece in found if piece)


def _lemmas(equations: Sequence[Equation]) -> dict[str, int]:
    """The last line of the lemma about each tensor's sum."""
    found: dict[str, int] = {}
    current = ""
    for equation in equations:
        if equation.kind != "lemma":
            continue
        if equation.opens and isinstance(equation.before, Expr):
            atoms = [atom for term in equation.before for atom, _ in term.factors if isinstance(atom, Ref)]
            current = atoms[0].tensor if atoms else ""
        found[current] = equation.number
    return found
