"""A derivation as a LaTeX document that compiles by itself: `gradlab derive OP --to latex`."""

from __future__ import annotations

from collections.abc import Iterator

from gradlab.documents import boxes
from gradlab.documents.boxes import Box
from gradlab.documents.jacobian import jacobian_form
from gradlab.documents.latex_dialect import LatexDialect
from gradlab.documents.latex_notation import entry, escaped, name, reason, terms
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
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation, Result
from gradlab.symbolic.equations import Equation, Kind, numbered
from gradlab.symbolic.prove import Proof
from gradlab.symbolic.steps import Pullback, Pushforward
from gradlab.symbolic.terms import Index

_WIDTH = 395.0  # points that a formula may take: the text is 470 wide, less indent, number and some room for error

_PREAMBLE = r"""\documentclass[10pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
\usepackage{amsmath,amssymb}
\usepackage[margin=22mm]{geometry}
\usepackage{booktabs}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt plus 1pt}
\lineskiplimit=3pt
\lineskip=5pt
\newsavebox{\formula}
\newsavebox{\why}
% \step{number}{formula}{reason}: the reason stands at the right edge, on a line of its own where there is no room.
\newcommand{\step}[3]{%
  \sbox{\formula}{\makebox[9mm][r]{\footnotesize#1}\hspace{3mm}$\displaystyle #2$}%
  \sbox{\why}{\footnotesize\itshape #3}%
  \par
  \ifdim\dimexpr\wd\formula+\wd\why+4mm\relax>\linewidth
    \usebox{\formula}\par\nopagebreak\hbox to\linewidth{\hfil\usebox{\why}}%
  \else
    \hbox to\linewidth{\usebox{\formula}\hfil\usebox{\why}}%
  \fi\par}
\begin{document}
"""

_ONE_ENTRY = r"$g$ one entry at a time"

_SECTIONS: dict[Kind, str] = {
    "definition": "Definition",
    "lemma": "Lemmas",
    "adjoint": r"Reverse mode: $\overline{v}$ is the gradient with respect to $v$",
    "tangent": r"Forward mode: $\dot{v}$ is the change of $v$ along the tangents of the inputs",
    "jacobian": "Jacobian: the VJP with one entry of $g$ set to 1",
    "product": r"Second derivatives: $\dot{\overline{v}}$ is the change of $\overline{v}$ while $g$ stands still",
}


def latex(derivation: Derivation, proof: Proof | None = None) -> str:
    """The whole document; `proof` adds the record of its proof. Generated code cites the numbers of its equations."""
    document = _Document(derivation, proof)
    return _PREAMBLE + "\n".join(document.lines()) + "\n\\end{document}\n"


class _Document:
    def __init__(self, derivation: Derivation, proof: Proof | None) -> None:
        self.derivation, self.proof, self.program = derivation, proof, derivation.program

    def lines(self) -> Iterator[str]:
        yield rf"\section*{{{escaped(self.program.name)}}}"
        yield escaped(self.program.definition.summary)
        yield from self.shapes()
        equations = numbered(self.derivation)
        for kind, title in _SECTIONS.items():
            found = [equation for equation in equations if equation.kind == kind]
            if found:
                yield rf"\subsection*{{{title}}}"
                for equation in found:
                    yield from self.equation(equation)
        yield from self.results()
        yield from self.saved()
        yield from self.special()
        yield from self.record()

    def shapes(self) -> Iterator[str]:
        yield r"\subsection*{Shapes and notation}"
        yield r"\begin{tabular}{@{}llll@{}}\toprule"
        yield r"symbol & in code & shape & \\\midrule"
        output = self.program.output
        rows = [(given.tensor.name, shape(given.tensor, self.program), outline(given)) for given in self.program.inputs]
        rows += [(b.name, shape(b.tensor, self.program), "") for b in self.program.bindings if b.name != output.name]
        rows.append((output.name, shape(output, self.program), "the output"))
        rows.append(
            (GRAD_OUTPUT, shape(output, self.program), f"the gradient of a scalar with respect to {output.name}")
        )
        for parameter in self.program.definition.parameters:
            rows.append((parameter.name, "a number", f"{parameter.default:g} by default"))
        for tensor, form, remark in rows:
            code = escaped(tensor)
            yield rf"${name(tensor).tex}$ & \texttt{{{code}}} & {escaped(form)} & {reason(remark, self.program)} \\"
        yield r"\bottomrule\end{tabular}"
        for line in axes_line(self.program):
            yield f"\n{escaped(line)}"

    # Equations -----------------------------------------------------------------------------------------------------

    def equation(self, equation: Equation) -> Iterator[str]:
        right = terms(equation.right, self.program, equation.free)
        why = reason(reason_of(equation), self.program)
        alone = stands_alone(equation, self.program)
        left = self.left(equation) if alone else None
        if isinstance(equation.before, Pullback | Pushforward) and not alone:
            why = DIFFERENTIATE
        if equation.kind == "jacobian" and starts_alike(equation, self.program):
            left, why = self.left(equation), _ONE_ENTRY
        elif equation.opens and not alone:
            yield from self.opening(equation)
        yield from self.step(f"({equation.number})", left, right, why)

    def opening(self, equation: Equation) -> Iterator[str]:
        """The left side of a chain, with the line that it starts from."""
        assert equation.before is not None  # only definitions have none
        start = terms(equation.before, self.program, equation.free)
        yield r"\medskip"
        if not equation.name:
            yield from self.step("", None, start, "", sign="")
        elif isinstance(equation.before, Pullback | Pushforward):
            yield from self.step("", self.left(equation), start, reason(reason_of(equation), self.program))
        elif equation.kind == "jacobian":
            yield from self.step("", self.left(equation), start, _ONE_ENTRY)

    def left(self, equation: Equation) -> Box:
        if equation.kind != "jacobian":
            return entry((equation.name, tuple(index.name for index in equation.free)))
        return self.jacobian(equation.name.removeprefix("jacobian_"), equation.free)

    def jacobian(self, wrt: str, free: tuple[Index, ...]) -> Box:
        count = len(self.program.output.indices)
        names = [index.name for index in free]
        above = entry((self.program.output.name, tuple(names[:count])))
        below = entry((wrt, tuple(names[count:])))
        parts = (Box(rf"\partial {part.tex}", part.width + 6) for part in (above, below))
        return boxes.fraction(*parts)

    def step(self, number: str, left: Box | None, right: list[Box], why: str, sign: str = "=") -> Iterator[str]:
        front = (
            Box(rf"{left.tex} {sign} ", left.width + boxes.EQUALS)
            if left
            else Box(rf"\quad {sign} ", 10 + boxes.EQUALS)
        )
        first, *rest = boxes.lines(right, _WIDTH - front.width)
        indent = rf"\hspace{{{min(front.width, 60):.0f}pt}}"
        rows = [f"{front.tex}{first}", *(indent + line for line in rest)]
        for position, line in enumerate(rows):
            last = position == len(rows) - 1
            yield rf"\step{{{number if position == 0 else ''}}}{{{line}}}{{{why if last else ''}}}" + (
                "" if last else r"\nopagebreak"
            )

    # Results ---------------------------------------------------------------------------------------------------------

    def results(self) -> Iterator[str]:
        dialect = LatexDialect()
        yield r"\subsection*{Results}"
        for wrt, result in self.derivation.jacobians.items():
            symbol = Box(rf"J_{{{name(wrt).tex}}}", 15)
            yield from self.result(self.jacobian(wrt, result.free), result, "Jacobian")
            yield from self.form(symbol, jacobian_form(result, self.program, dialect))
        for result in self.derivation.gradients.values():
            yield from self.result(entry((result.name, tuple(i.name for i in result.free))), result, "VJP")
            yield from self.form(name(result.name), matrix_form(result, self.program, dialect))
        tangent = self.derivation.tangent
        yield from self.result(entry((tangent.name, tuple(i.name for i in tangent.free))), tangent, "JVP")
        yield from self.form(name(tangent.name), matrix_form(tangent, self.program, dialect))
        for result in self.derivation.products.values():
            yield from self.result(entry((result.name, tuple(i.name for i in result.free))), result, "HVP")
            yield from self.form(name(result.name), matrix_form(result, self.program, dialect))
        for result in self.derivation.moved.values():
            if result != tangent:
                yield from self.result(entry((result.name, tuple(i.name for i in result.free))), result, "with")
        yield r"In matrix forms $\odot$ acts entry by entry and $\mathbf{1}$ is a vector of ones."

    def result(self, left: Box, result: Result, label: str) -> Iterator[str]:
        yield from self.step("", left, terms(result.display, self.program, result.free), label)

    def form(self, left: Box, form: MatrixForm | None) -> Iterator[str]:
        if form is None:
            return
        per = f"for each ${', '.join(axis.name for axis in form.per)}$:" if form.per else "matrix form:"
        # Inline mathematics, which TeX breaks by itself where it is long.
        yield rf"\par\hangindent=24mm\hangafter=1\hspace*{{12mm}}{per} ${left.tex} = {form.form}$\par\smallskip"

    # What is saved, special points, proof --------------------------------------------------------------------------

    def saved(self) -> Iterator[str]:
        yield r"\subsection*{Saved for the backward}"
        yield r"\begin{tabular}{@{}lll@{}}\toprule"
        yield r"tensors & bytes in float64 & \\\midrule"
        for row in savings(self.derivation):
            formula = row.bytes.replace("*", r"\,")
            yield rf"{reason(row.names, self.program)} & ${formula}$ & {row.verdict} \\"
        yield r"\bottomrule\end{tabular}"

    def special(self) -> Iterator[str]:
        lines = [*kinks(self.program), *shift_line(self.program)]
        if lines:
            yield r"\subsection*{Special points and stability}"
            yield from (reason(line, self.program) for line in lines)

    def record(self) -> Iterator[str]:
        if self.proof is None:
            return
        yield r"\subsection*{Proof}"
        yield f"{escaped(str(self.proof))}."
        yield from (f"Checked end to end: {escaped(end)}." for end in self.proof.ends)
        yield "Sizes are sampled: overwhelming evidence, not a theorem for all sizes."
