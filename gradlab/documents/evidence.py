"""The proof record of one operation: layers, seed, and for every part of the derivation its steps and mutants."""

from __future__ import annotations

from collections.abc import Sequence

from gradlab.documents.model import Block, Code, Number, Paragraph, Section, Span, Spans, Strong, Table, words
from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.equations import Equation
from gradlab.symbolic.prove import FIELD_DRAWS, Proof, StepProof

_PARTS = (
    ("lemma", "lemmas"),
    ("grad_", "reverse mode"),
    ("tangent_", "forward mode"),
    ("jacobian_", "Jacobian"),
    ("hvp_", "HVP"),
)


def evidence(derivation: Derivation, proof: Proof | None, equations: Sequence[Equation]) -> Section | None:
    """The section; None without a proof."""
    if proof is None:
        return None
    rows: list[tuple[Spans, ...]] = []
    for prefix, title in _PARTS:
        found = [step for step in proof.steps if step.step.subject.startswith(prefix)]
        if found:
            numbers = [equation.number for equation in equations if _prefix(equation) == prefix]
            rows.append(((title,), _span(numbers), *_counts(found)))
    rows.append((("all",), (), *_counts(proof.steps)))
    layers = (
        f"{len(proof.steps)} steps proved, {proof.killed} of {proof.mutants} mutants rejected, seed {proof.seed}. Each "
        f"step is checked for its structure, exactly in a prime field at {FIELD_DRAWS} draws of unequal sizes, and to "
        "50 digits; each mutant is a right side with one small fault, and one that no layer rejected would stop the "
        "derivation."
    )
    independent = derivation.program.definition.reference
    reference: Spans = (", independent reference ", Code(independent)) if independent else ()
    blocks: list[Block] = [
        Paragraph((layers,)),
        Table(("part", "equations", "steps", "mutants", "rejected"), tuple(rows), numeric=(2, 3, 4)),
        Paragraph(words("Checked end to end: ", "; ".join(proof.ends), ".")),
        Paragraph((Strong("Sizes are sampled:"), " overwhelming evidence, not a theorem for all sizes.")),
        Paragraph(words("Definition ", Code(derivation.program.digest), *reference, ".")),
    ]
    return Section("proof", ("Proof record",), tuple(blocks))


def counted(proof: Proof) -> Section:
    """The counts of a proof by itself."""
    rows: list[tuple[Spans, ...]] = [
        ((title,), *_counts(found))
        for prefix, title in _PARTS
        if (found := [step for step in proof.steps if step.step.subject.startswith(prefix)])
    ]
    rows.append((("all",), *_counts(proof.steps)))
    table = Table(("part", "steps", "mutants", "rejected"), tuple(rows), numeric=(1, 2, 3))
    return Section("proof", ("Counts",), (table, Paragraph(("Checked end to end: " + "; ".join(proof.ends) + ".",))))


def _prefix(equation: Equation) -> str:
    name = equation.name or equation.kind
    return next((prefix for prefix, _ in _PARTS if name.startswith(prefix) and equation.kind != "definition"), "")


def _span(numbers: Sequence[int]) -> Spans:
    if not numbers:
        return ()
    first: Span = Number(numbers[0])
    return (first,) if len(numbers) == 1 else (first, " to ", Number(numbers[-1]))


def _counts(steps: Sequence[StepProof]) -> tuple[Spans, Spans, Spans]:
    made = sum(step.mutants for step in steps)
    killed = made - sum(len(step.survivors) for step in steps)
    return (str(len(steps)),), (str(made),), (str(killed),)
