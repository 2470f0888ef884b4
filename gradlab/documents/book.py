"""What stands before and after the chapters of a book: notation, index of rules, counts of all proofs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gradlab.documents.model import (
    Block,
    Book,
    Code,
    Document,
    Entry,
    Jacobian,
    Name,
    Number,
    Paragraph,
    Section,
    Slope,
    Span,
    Spans,
    Strong,
    Symbol,
    Table,
    words,
)
from gradlab.symbolic.derive import GRAD_OUTPUT

_READING = (
    "Each chapter derives one operation from its definition, a chain of named intermediates. Reverse mode goes through "
    "the chain from the output back, one name at a time, forward mode from the inputs on. Every line follows from the "
    "one above it by the rule that stands at its right, and the numbers are those that the comments of the generated "
    "code cite. Every line is proved by itself, in three layers: by its structure (the rule really rewrites the one "
    "side into the other, with the same free indices and axes), exactly in the field of the integers modulo the "
    "Mersenne prime of exponent 61, and to 50 digits. Small faults are planted in every right side, and the layers "
    "must reject them all."
)

_RULES = {
    "let": "A name of the definition, by the author or, where an expression had none, by the engine.",
    "chain rule": "The total derivative through every use of a name; each use is differentiated, with every delta "
    "written out.",
    "contract": "A delta under a sum picks the one term where its two indices are equal; the sum disappears.",
    "unfold": "A name is replaced by its definition.",
    "fold": "A factor is replaced by names that are kept, through the definition of one of them.",
    "sum": "A sum is replaced by the name that the definition gives it.",
    "lemma": "A sum that a lemma has shown to be constant is replaced by its value.",
    "fact": "A sum is replaced by the value that the author declares for the inputs.",
    "factor": "A factor that all terms share is written in front of a bracket.",
}


def book(chapters: Sequence[Document], appendices: Sequence[Document] = ()) -> Book:
    """All documents of a book, in order; the counts of all proofs come last."""
    return Book((notation(),), tuple(chapters), (*appendices, rules(chapters), totals(chapters)))


def notation() -> Document:
    """How to read the chapters."""
    entry, hat = Entry("x", ("n", "d")), Entry("x_hat", ("n", "c"))
    symbols: list[tuple[Span, str]] = [
        (Symbol(entry), "one entry of a tensor; every index runs over an axis of its own"),
        (Symbol(hat), "a name with an accent is x_hat in code, a Greek letter is written out"),
        (Name(GRAD_OUTPUT), "grad_output, the gradient of a scalar with respect to the output"),
        (Name("grad_x"), "the gradient of the same scalar with respect to x (VJP), grad_x in code"),
        (Name("tangent_x"), "a change of x, and what follows from it (JVP), tangent_x in code"),
        (Name("hvp_x"), "the change of the gradient (Hessian-vector product, HVP), hvp_x in code"),
        (Symbol(Slope(Entry("y", ("i",)), Entry("x", ("j",)))), "one entry of a Jacobian"),
        (Symbol(Jacobian("x")), "the Jacobian as a matrix: a row for each entry of the output, a column for each of x"),
        (Code("delta[i,j]"), "1 where the two indices are equal, else 0; only indices of one axis are compared"),
        (Code("[u > 0]"), "1 where the condition holds, else 0"),
        (Code("N, D"), "sizes of axes; two axes are never interchangeable, even where their sizes are equal"),
    ]
    rows: list[tuple[Spans, ...]] = [((symbol,), (meaning,)) for symbol, meaning in symbols]
    return Document(
        name="notation",
        title="How to read this",
        summary=(_READING,),
        sections=(Section("notation", ("Notation",), (Table(("symbol", "meaning"), tuple(rows)),)),),
    )


def rules(chapters: Sequence[Document]) -> Document:
    """Every rule with its meaning, and the equations of each operation that it gives."""
    sections = []
    used = dict.fromkeys(rule for chapter in chapters for rule, _ in chapter.rules)
    for rule in sorted(used, key=lambda name: list(_RULES).index(name) if name in _RULES else len(_RULES)):
        blocks: list[Block] = [Paragraph((_RULES[rule],))] if rule in _RULES else []
        places: Spans = ()
        for chapter in chapters:
            numbers = [number for name, number in chapter.rules if name == rule]
            if numbers:
                cited = [word for number in numbers for word in (", ", Number(number, chapter.name))][1:]
                places = words(places, "; " if places else "", Strong(chapter.title), " ", *cited)
        blocks.append(Paragraph(places))
        sections.append(Section(f"rule-{rule.replace(' ', '-')}", (rule[0].upper() + rule[1:],), tuple(blocks)))
    return Document("rules", "Index of rules", ("Where each rule is used.",), tuple(sections))


def totals(chapters: Sequence[Document]) -> Document:
    """The counts of all proofs."""
    counts = [(chapter.title, dict(chapter.counts)) for chapter in chapters if chapter.counts]
    keys = ("steps", "mutants", "killed")
    every = {key: sum(count[key] for _, count in counts) for key in keys}
    rows: list[tuple[Spans, ...]] = [((title,), *((str(count[key]),) for key in keys)) for title, count in counts]
    rows.append(((Strong("all"),), *((Strong(str(every[key])),) for key in keys)))
    rate = Fraction(every["killed"], every["mutants"]) if every["mutants"] else Fraction(1)
    summary = (
        f"{len(counts)} operations, {every['steps']} steps, each proved by structure, in a prime field and to 50 "
        f"digits. Of {every['mutants']} mutants the proofs rejected {every['killed']} ({float(rate):.0%}). Sizes are "
        "sampled: overwhelming evidence, not a theorem for all sizes."
    )
    table = Table(("operation", "steps", "mutants", "rejected"), tuple(rows), numeric=(1, 2, 3))
    return Document("totals", "All proofs", (summary,), (Section("counts", ("Counts",), (table,)),))
