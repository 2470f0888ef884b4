"""What the forward saves: every way to eliminate names from the gradients is tried, the cheapest wins."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter

from gradlab.symbolic.components import components
from gradlab.symbolic.indices import Axis
from gradlab.symbolic.lemmas import simplify
from gradlab.symbolic.program import Binding, Program
from gradlab.symbolic.rules import Rule, solve
from gradlab.symbolic.signs import Signs, signs
from gradlab.symbolic.terms import Atom, Expr, Function, Indicator, Ref, Term

# Sizes at which candidates are compared: large, unequal, the batch (the first axis) largest. Only their order of
# magnitude matters; primes keep two different byte counts from being equal by accident.
_NOMINAL = (1009, 509, 251, 127, 61, 31)
_ELEMENT_BYTES = 8
_MASK_BYTES = 1
_MOST_CANDIDATES = 243


@dataclass(frozen=True)
class Candidate:
    """A set of tensors that suffices for all gradients, and what it costs."""

    rules: tuple[Rule, ...]
    saved: tuple[str, ...]
    bytes: int
    operations: int

    @property
    def cost(self) -> tuple[int, int, int]:
        """Fewest bytes first, then least recomputation, then fewest tensors."""
        return self.bytes, self.operations, len(self.saved)


def choose(program: Program, raw: Mapping[str, Expr], late: list[Rule]) -> tuple[Candidate, ...]:
    """The best candidate of every set of saved tensors, cheapest first; `raw` is all that the backward computes.

    Few bindings are tried in every combination; many are taken in blocks, each block with the best of those before.
    """
    known = signs(program)
    found: dict[tuple[str, ...], Candidate] = {}
    kept: tuple[Rule, ...] = ()
    for block in _blocks([list(_options(binding, known)) for binding in _monomials(program)]):
        tried = []
        for chosen in itertools.product(*block):
            rules = (*kept, *(rule for rule in chosen if rule is not None))
            if not _circular(rules):
                tried.append(_candidate(program, rules, _gradients(raw, [*rules, *late])))
        kept = min(tried, key=_rank).rules
        for candidate in tried:
            found[candidate.saved] = min(found.get(candidate.saved, candidate), candidate, key=_rank)
    return tuple(sorted(found.values(), key=_rank))


def _rank(candidate: Candidate) -> tuple[tuple[int, int, int], tuple[str, ...]]:
    return candidate.cost, candidate.saved


def _gradients(raw: Mapping[str, Expr], rules: list[Rule]) -> list[Expr]:
    return [simplify(value, rules, name, ())[0] for name, value in raw.items()]


def _blocks(options: list[list[Rule | None]]) -> list[list[list[Rule | None]]]:
    """Neighbouring bindings together, as many as have at most _MOST_CANDIDATES combinations."""
    blocks: list[list[list[Rule | None]]] = [[]]
    for option in options:
        if math.prod(map(len, blocks[-1])) * len(option) > _MOST_CANDIDATES:
            blocks.append([])
        blocks[-1].append(option)
    return blocks


def _circular(rules: Iterable[Rule]) -> bool:
    """True where following the rules can lead back to an atom that has been replaced."""
    leads: dict[str, set[str]] = {}
    for rule in rules:
        reached = {_node(other) for term in rule.replacement for other, _ in term.factors}
        for atom, _ in rule.pattern.factors:
            leads.setdefault(_node(atom), set()).update(reached)
    try:
        TopologicalSorter(leads).prepare()
    except CycleError:
        return True
    return False


def _node(atom: Atom) -> str:
    match atom:
        case Ref(tensor, _):
            return tensor
        case Function(name, _):
            return f"{name}()"
    return type(atom).__name__


def _monomials(program: Program) -> Iterator[Binding]:
    return (b for b in program.bindings if b.monomial is not None and b.value.position is None)


def _options(binding: Binding, known: Signs) -> Iterator[Rule | None]:
    """Leave the name alone, unfold it, or solve its definition for one of its factors, or else for all of them.

    A solution divides only by what the definition divides by already, or what is known not to be 0.
    """
    monomial = binding.monomial
    assert monomial is not None  # _monomials yields nothing else
    reason = f"by definition of {binding.name}"
    yield None
    if monomial.coefficient == 1:
        yield Rule("unfold", _single(binding.tensor.ref), Expr.of([monomial]), reason, known.splits(monomial))
    solvable = False
    for atom, _ in monomial.factors:
        if isinstance(atom, Ref | Function | Indicator):
            solved = solve(binding.tensor.ref, monomial, atom)
            if solved is not None and known.divides(solved):
                solvable = True
                yield Rule("fold", _single(atom), Expr.of([solved]), reason, known.splits(solved))
    if not solvable and len(monomial.factors) > 1 and monomial.coefficient == 1:
        yield Rule("fold", monomial, Expr.atom(binding.tensor.ref), reason)


def _single(atom: Ref | Function | Indicator) -> Term:
    return Term(Fraction(1), ((atom, Fraction(1)),))


def _candidate(program: Program, rules: tuple[Rule, ...], gradients: list[Expr]) -> Candidate:
    names = frozenset().union(*(gradient.tensors for gradient in gradients))
    saved = tuple(name for name in program.tensors if name in names)
    size = _nominal(program)
    operations = sum(_operations(gradient, size) for gradient in gradients)
    return Candidate(rules, saved, total_bytes(program, saved), operations)


def total_bytes(program: Program, names: Iterable[str]) -> int:
    """The bytes of these tensors at sizes of a usual order of magnitude."""
    masks = {b.name for b in program.bindings for t in b.value for a, _ in t.factors if isinstance(a, Indicator)}
    size = _nominal(program)
    return sum(_bytes(program, name, size, masks) for name in names)


def _nominal(program: Program) -> dict[Axis, int]:
    return dict(zip(program.axes, itertools.cycle(_NOMINAL), strict=False))


def _bytes(program: Program, name: str, size: Mapping[Axis, int], masks: set[str]) -> int:
    count = 1
    for index in program.tensors[name].indices:
        count *= size[index.axis]
    return count * (_MASK_BYTES if name in masks else _ELEMENT_BYTES)


def _operations(gradient: Expr, size: Mapping[Axis, int]) -> int:
    """Multiplications, each at the size of the indices it runs over; a function counts as many."""
    total = 0
    for term in gradient:
        outer, parts = components(term)
        for part in (outer, *parts):
            count = 1
            for index in part.indices:
                count *= size[index.axis]
            total += int(count * sum(_weight(atom, exponent) for atom, exponent in part.factors))
    return total


def _weight(atom: Atom, exponent: Fraction) -> Fraction:
    return Fraction(10) if isinstance(atom, Function) or exponent.denominator != 1 else 1 + abs(exponent - 1)
