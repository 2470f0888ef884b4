"""A derivation as plain text for the terminal: `gradlab derive OP --to text`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from gradlab.documents.dialect import TextDialect
from gradlab.documents.jacobian import jacobian_form
from gradlab.documents.matrix import MatrixForm, matrix_form
from gradlab.documents.parts import (
    DIFFERENTIATE,
    axes_line,
    kinks,
    outline,
    reason_of,
    savings,
    shape,
    shift_line,
    stands_alone,
    starts_alike,
)
from gradlab.documents.wrap import wrapped
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation, Result
from gradlab.symbolic.equations import Equation, Kind, numbered
from gradlab.symbolic.prove import Proof
from gradlab.symbolic.show import entry, text
from gradlab.symbolic.steps import Pullback, Pushforward

WIDTH = 88

_SECTIONS: dict[Kind, str] = {
    "definition": "Definition",
    "lemma": "Lemmas",
    "adjoint": "Reverse mode: grad_v is the gradient of sum({g} * {output}) with respect to v",
    "tangent": "Forward mode: tangent_v is the change of v along the tangents of the inputs",
    "jacobian": "Jacobian: the VJP with one entry of {g} set to 1",
    "product": "Second derivatives: hvp_v is the change of grad_v along the tangents, {g} standing still",
}


def plain(derivation: Derivation, proof: Proof | None = None, *, width: int = WIDTH) -> str:
    """The whole document; `proof` adds the record of its proof. Lines are broken to `width` where they can be.

    Equations have the numbers that the comments of the generated code cite. `g` stands for grad_output.
    """
    return "\n".join(line.rstrip() for line in _Document(derivation, proof, width).lines()) + "\n"


class _Document:
    def __init__(self, derivation: Derivation, proof: Proof | None, width: int) -> None:
        self.derivation, self.proof, self.width = derivation, proof, width
        self.program = derivation.program
        short = "g" not in self.program.tensors and "g" not in self.program.parameters
        self.aliases = {GRAD_OUTPUT: "g"} if short else {}
        self.g = self.aliases.get(GRAD_OUTPUT, GRAD_OUTPUT)
        self.equations = numbered(derivation)
        self.margin = max(6, len(f"({len(self.equations)})") + 2)

    def lines(self) -> Iterator[str]:
        name = self.program.name
        yield from (name, "=" * len(name), *textwrap.wrap(self.program.definition.summary, self.width), "")
        yield from self.shapes()
        for kind, title in _SECTIONS.items():
            found = [equation for equation in self.equations if equation.kind == kind]
            if found:
                yield from self.title(title.format(g=self.g, output=self.program.output.name))
                for equation in found:
                    yield from self.equation(equation)
                yield ""
        yield from self.results()
        yield from self.saved()
        yield from self.special()
        yield from self.record()

    def title(self, title: str) -> Iterator[str]:
        yield from (title, "-" * len(title))

    def shapes(self) -> Iterator[str]:
        yield from self.title("Shapes")
        rows = [(given.tensor.name, shape(given.tensor, self.program), outline(given)) for given in self.program.inputs]
        output = self.program.output
        rows.append((output.name, shape(output, self.program), "the output"))
        columns = [max(len(row[k]) for row in rows) for k in (0, 1)]
        for name, form, remark in rows:
            yield f"  {name:{columns[0]}}  {form:{columns[1]}}  {remark}"
        for parameter in self.program.definition.parameters:
            low, high = parameter.minimum, parameter.maximum
            yield f"  {parameter.name} = {parameter.default:g} by default, from {low:g} to {high:g}"
        yield from self.sentences(axes_line(self.program))
        if self.aliases:
            yield f"  {self.g} stands for grad_output, the gradient of a scalar with respect to {output.name}."
        yield ""

    # Equations -----------------------------------------------------------------------------------------------------

    def equation(self, equation: Equation) -> Iterator[str]:
        indent = " " * self.margin
        alone = stands_alone(equation, self.program)
        if equation.opens and not alone:
            yield from self.opening(equation)
        label = f"({equation.number})".rjust(self.margin - 1) + " "
        left = entry(equation.name, equation.free) + " " if alone else "  "
        chained = isinstance(equation.before, Pullback | Pushforward) and not alone
        reason = DIFFERENTIATE if chained else reason_of(equation)
        if equation.kind == "jacobian" and starts_alike(equation, self.program):
            reason = f"{self.g} := delta"
        shown = text(equation.right, self.program, equation.free, self.aliases)
        yield from self.aligned(f"{label}{left}= ", shown, reason, indent)

    def opening(self, equation: Equation) -> Iterator[str]:
        """The left side of a chain, and the line that it starts from."""
        before = equation.before
        assert before is not None  # only definitions have none
        start = text(before, self.program, equation.free, self.aliases)
        indent = " " * self.margin
        if not equation.name:
            yield f"{indent}{start}"
            return
        yield f"{indent}{entry(equation.name, equation.free)}"
        if isinstance(before, Pullback | Pushforward):
            yield from self.aligned(f"{indent}  = ", start, reason_of(equation), indent)
        elif equation.kind == "jacobian" and not starts_alike(equation, self.program):
            yield from self.aligned(f"{indent}  = ", start, f"{self.g} := delta", indent)

    def aligned(self, left: str, shown: str, reason: str, indent: str) -> Iterator[str]:
        """An equation with its reason at the right edge, on the last line that has room."""
        first, *rest = wrapped(shown, self.width - len(left))
        lines = [f"{left}{first}", *(" " * len(left) + line for line in rest)]
        note = f"[{reason}]" if reason else ""
        if note and len(lines[-1]) + 2 + len(note) > self.width:
            lines.append(note.rjust(self.width))
        elif note:
            lines[-1] += note.rjust(self.width - len(lines[-1]))
        yield from lines

    # Results ---------------------------------------------------------------------------------------------------------

    def results(self) -> Iterator[str]:
        dialect = TextDialect(self.aliases)
        yield from self.title("Results")
        output = self.program.output
        for name, result in self.derivation.jacobians.items():
            count = len(output.indices)
            above, below = entry(output.name, result.free[:count]), entry(name, result.free[count:])
            label = f"J_{name}" if len(self.program.wrt) > 1 else "J"
            yield from self.result(label, f"d {above} / d {below}", result)
            yield from self.form(label, jacobian_form(result, self.program, dialect))
        for result in self.derivation.gradients.values():
            yield from self.result("VJP", entry(result.name, result.free), result)
            yield from self.form(result.name, matrix_form(result, self.program, dialect))
        tangent = self.derivation.tangent
        yield from self.result("JVP", entry(tangent.name, tangent.free), tangent)
        yield from self.form(tangent.name, matrix_form(tangent, self.program, dialect))
        for result in self.derivation.products.values():
            yield from self.result("HVP", entry(result.name, result.free), result)
            yield from self.form(result.name, matrix_form(result, self.program, dialect))
        for result in self.derivation.moved.values():
            if result != tangent:
                yield from self.result("with", entry(result.name, result.free), result)
        legend = "In matrix forms * and / act entry by entry, a space is the matrix product, 1 is a vector of ones."
        yield from self.sentences([legend])
        yield ""

    def result(self, label: str, left: str, result: Result) -> Iterator[str]:
        shown = text(result.display, self.program, result.free, self.aliases)
        yield from self.aligned(f"  {label}: {left} = ", shown, "", "")

    def form(self, name: str, form: MatrixForm | None) -> Iterator[str]:
        if form is None:
            return
        per = f"for each {', '.join(axis.name for axis in form.per)}: " if form.per else ""
        yield from self.aligned(f"       {per}{name} = ", form.form, "", "")

    # What is saved, special points, proof --------------------------------------------------------------------------

    def saved(self) -> Iterator[str]:
        yield from self.title("Saved for the backward")
        rows = savings(self.derivation)
        columns = [max(len(row.names) for row in rows), max(len(row.bytes) for row in rows)]
        for row in rows:
            line = f"  {row.names:{columns[0]}}  {row.bytes:{columns[1]}}  {row.verdict}"
            narrow = [f"  {row.names}", f"      {row.bytes}  {row.verdict}"]
            yield from [line] if sum(columns) + 22 < self.width else narrow
        note = "Fewest bytes first, then least to recompute; bytes in float64, a mask takes one per element."
        yield from self.sentences([note])
        yield ""

    def special(self) -> Iterator[str]:
        lines = [*kinks(self.program), *shift_line(self.program)]
        if lines:
            yield from self.title("Special points and stability")
            yield from self.sentences(lines)
            yield ""

    def record(self) -> Iterator[str]:
        if self.proof is None:
            return
        yield from self.title("Proof")
        ends = (f"Checked end to end: {end}." for end in self.proof.ends)
        sampled = "Sizes are sampled: overwhelming evidence, not a theorem for all sizes."
        yield from self.sentences([f"{self.proof}.", *ends, sampled])

    def sentences(self, sentences: Iterable[str]) -> Iterator[str]:
        """Each sentence on lines of its own."""
        for sentence in sentences:
            yield from (f"  {line}" for line in textwrap.wrap(sentence, self.width - 2))
