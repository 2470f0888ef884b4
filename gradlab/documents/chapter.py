"""The document of one operation from its list of proved steps: what it says and in which order, in no format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradlab.documents import parts
from gradlab.documents.calling import calling
from gradlab.documents.dialect import TextDialect
from gradlab.documents.evidence import evidence
from gradlab.documents.example import example
from gradlab.documents.jacobian import jacobian_form
from gradlab.documents.matrix import matrix_form
from gradlab.documents.model import (
    Block,
    Chain,
    Code,
    Document,
    Entry,
    Expression,
    Jacobian,
    Left,
    Legend,
    Line,
    Listing,
    Matrix,
    Name,
    Number,
    Paragraph,
    Section,
    Size,
    Slope,
    Spans,
    Table,
    words,
)
from gradlab.documents.reasons import Reasons
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation, Result
from gradlab.symbolic.equations import Equation, Kind, numbered
from gradlab.symbolic.indices import Index
from gradlab.symbolic.prove import Proof
from gradlab.symbolic.steps import Pullback, Pushforward


def chapter(derivation: Derivation, proof: Proof | None = None, *, code: str = "") -> Document:
    """The whole document; `proof` adds the record of its proof, `code` the generated NumPy code."""
    return _Chapter(derivation, proof, code).document()


class _Chapter:
    def __init__(self, derivation: Derivation, proof: Proof | None, code: str) -> None:
        self.derivation, self.proof, self.code = derivation, proof, code
        self.program = derivation.program
        self.formulas = derivation.whole  # formulas may mention adjoints by name
        self.equations = numbered(derivation)
        self.reasons = Reasons(derivation, self.equations)

    def document(self) -> Document:
        program, proof = self.program, self.proof
        every = (
            self.definition(),
            self.shapes(),
            self.results(),
            *self.derived(),
            self.saved(),
            self.special(),
            example(self.derivation),
            self.listing(),
            evidence(self.derivation, proof, self.equations),
        )
        counts = (
            () if proof is None else (("steps", len(proof.steps)), ("mutants", proof.mutants), ("killed", proof.killed))
        )
        return Document(
            name=program.name,
            title=program.name,
            summary=(program.definition.summary,),
            sections=tuple(section for section in every if section is not None),
            rules=tuple((equation.rule, equation.number) for equation in self.equations),
            counts=counts,
        )

    # What is given and what comes out ------------------------------------------------------------------------------

    def definition(self) -> Section:
        chains: list[Block] = [self.chain([e]) for e in self.equations if e.kind == "definition"]
        for fact in self.program.facts:
            left = Expression(type(fact.right)((fact.left,)), fact.left.free, self.formulas)
            chains.append(
                Chain(left, (Line(Expression(fact.right, fact.left.free, self.formulas), ("declared fact",)),))
            )
        return Section("definition", ("Definition",), tuple(chains))

    def shapes(self) -> Section:
        program, output = self.program, self.program.output
        rows = [(g.tensor.name, parts.shape(g.tensor, program), parts.outline(g)) for g in program.inputs]
        rows += [(item.name, "a number", parts.parameter(item)) for item in program.definition.parameters]
        rows += [(b.name, parts.shape(b.tensor, program), "") for b in program.bindings if b.name != output.name]
        rows.append((output.name, parts.shape(output, program), "the output"))
        shown: list[tuple[Spans, ...]] = [
            ((Name(name),), (Code(name),), (form,), (remark,)) for name, form, remark in rows
        ]
        upstream = words("the gradient of a scalar with respect to ", Name(output.name))
        shown.append(((Name(GRAD_OUTPUT),), (Code(GRAD_OUTPUT),), (parts.shape(output, program),), upstream))
        blocks: list[Block] = [Table(("symbol", "in code", "shape", "values"), tuple(shown))]
        blocks += map(Paragraph, (self.ranges(), *calling(program)))
        return Section("shapes", ("Shapes and notation",), tuple(blocks))

    def ranges(self) -> Spans:
        """What each index runs over, and what leading dimensions mean here."""
        found: Spans = ("Indices: ",)
        for position, axis in enumerate(self.program.axes):
            letters = self.program.letters.get(axis, (axis.name,))
            named = [word for letter in letters for word in (", ", Name(letter))][1:]
            found = words(found, "; " if position else "", *named, " over ", Size(axis))
        found = words(found, "; primes mark further ones of the same axis.")
        for axis in self.program.axes:
            if axis.ellipsis:
                found = words(found, " ", Size(axis), " stands for any number of leading dimensions.")
        sizes = {axis: axis.size for axis in self.program.axes}
        for axis, windows in self.program.windows.items():
            found = words(found, " ", Size(axis), " = ", Code(windows.formula(sizes)), ".")
        if self.program.windows:
            found = words(found, " Entries at computed indices outside an axis are 0.")
        return found

    def results(self) -> Section:
        found: list[Block] = []
        for wrt, result in self.derivation.jacobians.items():
            found += self.result(self.slope(wrt, result.free), result, "Jacobian")
            found += self.form(Jacobian(wrt), result, jacobian=True)
        for named in self.derivation.adjoints.values():
            found += self.result(_entry(named.name, named.free), named, "named adjoint")
        for result in self.derivation.gradients.values():
            found += self.result(_entry(result.name, result.free), result, "VJP")
            found += self.form(Entry(result.name), result, jacobian=False)
        tangent = self.derivation.tangent
        found += self.result(_entry(tangent.name, tangent.free), tangent, "JVP")
        found += self.form(Entry(tangent.name), tangent, jacobian=False)
        for moved in self.derivation.moved.values():
            if moved.name != tangent.name:
                found += self.result(_entry(moved.name, moved.free), moved, "named tangent")
        for product in self.derivation.products.values():
            found += self.result(_entry(product.name, product.free), product, "HVP")
            found += self.form(Entry(product.name), product, jacobian=False)
        batch = "Each line holds for every entry, and so for the whole batch."
        matrices = any(isinstance(block, Chain) and _matrix(block) for block in found)
        found.append(Paragraph((batch, " ", Legend()) if matrices else (batch,)))
        return Section("results", ("Results",), tuple(found))

    def result(self, left: Left, result: Result, label: str) -> Iterator[Block]:
        number = self.reasons.result(result.name)
        reason = words(label, *((" ", Number(number)) if number else ()))
        yield Chain(left, (Line(Expression(result.display, result.free, self.formulas), reason),))

    def form(self, left: Left, result: Result, *, jacobian: bool) -> Iterator[Block]:
        read = jacobian_form if jacobian else matrix_form
        form = read(result, self.program, TextDialect({}))
        if form is None:
            return
        named = [word for axis in form.per for word in (", ", Name(axis.name))][1:]
        reason = words("matrix form", *((", for each ", *named) if named else ()))
        yield Chain(left, (Line(Matrix(result, jacobian, self.formulas), reason),))

    # The derivation ------------------------------------------------------------------------------------------------

    def derived(self) -> Iterator[Section]:
        lemma = ("Sums of intermediates that are constant, whatever the input is.",)
        texts: dict[Kind, tuple[str, Spans, Spans]] = {
            "lemma": ("lemmas", ("Lemmas",), lemma),
            "adjoint": (
                "reverse",
                ("Reverse mode: the VJP",),
                words(
                    "With ", Name("grad_v"), " for the gradient with respect to ", Name("v"), ", from the output back."
                ),
            ),
            "tangent": (
                "forward",
                ("Forward mode: the JVP",),
                words(
                    "With ",
                    Name("tangent_v"),
                    " for the change of ",
                    Name("v"),
                    " along the tangents of the inputs, from the inputs on.",
                ),
            ),
            "jacobian": (
                "jacobian",
                ("The Jacobian, entry by entry",),
                words("The VJP with one entry of ", Name(GRAD_OUTPUT), " set to 1 and all others to 0."),
            ),
            "product": (
                "products",
                ("Second derivatives: the HVP",),
                words("The tangent of each gradient while ", Name(GRAD_OUTPUT), " stands still: Hessian times vector."),
            ),
        }
        for kind, (key, title, opening) in texts.items():
            chains = self.chains(kind)
            if chains:
                yield Section(key, title, (Paragraph(opening), *map(self.chain, chains)))

    def chains(self, kind: Kind) -> list[list[Equation]]:
        """Equations that continue each other."""
        found: list[list[Equation]] = []
        for equation in self.equations:
            if equation.kind == kind:
                if equation.opens:
                    found.append([])
                found[-1].append(equation)
        return found

    def chain(self, equations: Sequence[Equation]) -> Chain:
        first = equations[0]
        lines = [Line(Expression(e.right, e.free, self.formulas), self.reasons.of(e), e.number) for e in equations]
        left: Left = _entry(first.name, first.free)
        if first.kind == "lemma":
            assert first.before is not None  # only definitions have none
            left = Expression(first.before, first.free, self.formulas)
        elif first.kind == "jacobian":
            left = self.slope(first.name.removeprefix("jacobian_"), first.free)
        if first.before is not None and first.kind != "lemma":
            opening = self.opening(first)
            if opening is None and first.kind == "jacobian":
                lines[0] = Line(lines[0].right, self.reasons.one_entry, lines[0].number)
            elif opening is not None:
                lines.insert(0, opening)
        return Chain(left, tuple(lines))

    def opening(self, first: Equation) -> Line | None:
        """What a chain starts from, where its first numbered line does not show that already."""
        assert first.before is not None  # only definitions have none
        if isinstance(first.before, Pullback | Pushforward):
            if parts.stands_alone(first, self.formulas):
                return None
            return Line(Expression(first.before, first.free, self.formulas), self.reasons.chain_rule(first))
        if first.kind == "jacobian" and not parts.starts_alike(first, self.formulas):
            return Line(Expression(first.before, first.free, self.formulas), self.reasons.one_entry)
        return None

    def slope(self, wrt: str, free: tuple[Index, ...]) -> Slope:
        count = len(self.program.output.indices)
        return Slope(_entry(self.program.output.name, free[:count]), _entry(wrt, free[count:]))

    # What is saved, special points, code ---------------------------------------------------------------------------

    def saved(self) -> Section:
        derivation = self.derivation
        numbers = [self.reasons.result(result.name) for result in derivation.gradients.values()]
        cited = [word for number in numbers if number for word in (", ", Number(number))][1:]
        named = [word for name in derivation.saved for word in (", ", Name(name))][1:] or ["nothing"]
        why = words(
            "The gradients ", *cited, ", the JVP and the HVP need ", *named, " of the forward and nothing else. "
        )
        how = "Of all sets that suffice the forward saves the one of fewest bytes, and of these the one that leaves "
        how += "least to recompute (bytes in float64; a mask takes one per element)."
        rows = [
            (self.reasons.spans(row.names), (Code(row.bytes),), (row.verdict,)) for row in parts.savings(derivation)
        ]
        return Section(
            "saved",
            ("Saved for the backward",),
            (Paragraph(words(why, how)), Table(("tensors", "bytes", ""), tuple(rows))),
        )

    def special(self) -> Section | None:
        found = [
            *parts.kinks(self.program),
            *parts.edges(self.derivation),
            *parts.shift_line(self.program),
            *parts.zero_sums(self.derivation),
        ]
        if not found:
            return None
        return Section("special", ("Special points and stability",), tuple(map(Paragraph, found)))

    def listing(self) -> Section | None:
        if not self.code:
            return None
        where = words("The numbers in the comments are those of the equations above.")
        command = f"gradlab derive {self.program.name} --to numpy"
        return Section("code", ("Generated NumPy code",), (Paragraph(where), Listing(self.code, command)))


def _entry(name: str, free: Sequence[Index]) -> Entry:
    return Entry(name, tuple(index.name for index in free))


def _matrix(chain: Chain) -> bool:
    return any(isinstance(line.right, Matrix) for line in chain.lines)
