"""Verdicts about claims as a document: one table, then the evidence for each claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from gradlab.documents.model import (
    Block,
    Chain,
    Code,
    Document,
    Entry,
    Expression,
    Left,
    Line,
    Name,
    Paragraph,
    Section,
    Size,
    Slope,
    Spans,
    Strong,
    Table,
    Values,
    words,
)
from gradlab.documents.numbers import rounded
from gradlab.symbolic.audit import Counterexample, Verdict

_MEANING = (
    "A claim is proved like a step of a derivation: against the derived formula, exactly in a prime field at several "
    "sizes and to 50 digits, and with mutants of the claim that must be rejected. It is refuted by numbers at the "
    "smallest sizes where it fails, next to the formula that holds. It is ill-formed where it says nothing: an unknown "
    "name, axes that clash, a letter that stands for no index."
)


def audit(verdicts: Sequence[Verdict], title: str = "Audit") -> Document:
    """The document of an audit."""
    counts = Counter(verdict.kind for verdict in verdicts)
    number = ", ".join(f"{counts[kind]} {kind}" for kind in ("proved", "refuted", "ill-formed") if counts[kind])
    rows: list[tuple[Spans, ...]] = [
        ((_label(v, k),), (Strong(v.kind, v.kind),), (Code(_statement(v)),)) for k, v in enumerate(verdicts)
    ]
    summary = f"{len(verdicts)} claim{'s' * (len(verdicts) != 1)}: {number}."
    table = Table(("equation", "verdict", "claim"), tuple(rows))
    sections = [Section("verdicts", ("Verdicts",), (table, Paragraph((_MEANING,))))]
    sections += [_evidence(verdict, position) for position, verdict in enumerate(verdicts)]
    return Document("audit", title, (summary,), tuple(sections))


def _label(verdict: Verdict, position: int) -> str:
    return verdict.claim.label or f"claim {position + 1}"


def _statement(verdict: Verdict) -> str:
    """The claim as it was typed, with the letters that it did not give."""
    claim = verdict.claim
    where = f" where {claim.where}" if claim.where else ""
    return f"{_left_in_code(verdict)} = {claim.formula}{where}"


def _left_in_code(verdict: Verdict) -> str:
    if verdict.correct is None or verdict.program is None:
        return verdict.claim.left
    sides = ((verdict.program.output.name, verdict.output), (_wrt(verdict), verdict.input))
    kept = [(name, ",".join(letter for letter in letters if letter != verdict.leading)) for name, letters in sides]
    above, below = (f"{name}[{letters}]" if letters else name for name, letters in kept)
    return f"d {above} / d {below}" if verdict.claim.jacobian else f"grad {below}"


def _wrt(verdict: Verdict) -> str:
    return verdict.claim.wrt.partition("[")[0].strip()


def _evidence(verdict: Verdict, position: int) -> Section:
    title = words(_label(verdict, position), ": ", Strong(verdict.kind, verdict.kind))
    return Section(f"claim-{position + 1}", title, tuple(_blocks(verdict)))


def _blocks(verdict: Verdict) -> Iterator[Block]:
    claim = verdict.claim
    if claim.says:
        yield Paragraph((f"“{claim.says}”",))
    yield Paragraph(words("Claimed of ", Code(claim.name), ": ", Code(_statement(verdict)), "."))
    if verdict.counterexample is not None:
        yield Paragraph(("The smallest numbers at which it fails:",))
        yield from _numbers(verdict.counterexample)
        yield Paragraph(("What holds instead:",))
    elif verdict.kind == "proved" and verdict.correct is not None:
        yield Paragraph((f"Proved by {verdict.reason}. In the engine's own form:",))
    else:
        yield Paragraph((f"{verdict.reason[0].upper()}{verdict.reason[1:]}.",))
    if verdict.correct is not None and verdict.program is not None:
        right = Expression(verdict.correct, verdict.free, verdict.program)
        yield Chain(_left(verdict), (Line(right, ("derived",)),))
    if verdict.kind == "refuted" and claim.shape:
        shape = " x ".join(verdict.true_shape) or "one number"
        yield Paragraph(words("The shape is that of ", Name(claim.wrt), ": ", Code(shape), "."))


def _left(verdict: Verdict) -> Left:
    assert verdict.program is not None  # a formula has been derived
    wrt = _wrt(verdict)
    if verdict.claim.vjp:
        return Entry(f"grad_{wrt}", verdict.input)
    return Slope(Entry(verdict.program.output.name, verdict.output), Entry(wrt, verdict.input))


def _numbers(found: Counterexample) -> Iterator[Block]:
    sizes = [word for axis, size in found.sizes.items() for word in (", ", Size(axis), f" = {size}")][1:]
    yield Paragraph(words("With ", *sizes, ":"))
    for name, array in found.inputs.items():
        yield Chain(Entry(name), (Line(Values(array)),))
    entry = [word for name, position in found.entry for word in (", ", Name(name), f" = {position}")][1:]
    where = words("at ", *entry, " (counted from 0) ") if entry else ()
    yield Paragraph(
        words(*where, f"the claim gives {rounded(found.claimed)}, the derivative is {rounded(found.true)}.")
    )
