"""What the forward saves: every way to eliminate names from the gradients is tried, the cheapest wins."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from gradlab.symbolic.lemmas import simplify
from gradlab.symbolic.program import Binding, Program
from gradlab.symbolic.rules import Rule, solve
from gradlab.symbolic.terms import Axis, Expr, Function, Indicator, Ref, Term, components

_GRADIENT = "grad_output"
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


def choose(program: Program, raw: Mapping[str, Expr], late: list[Rule]) -> tuple[Candidate, tuple[Candidate, ...]]:
    """The cheapest candidate, and the best one of every set of saved tensors, cheapest first."""
    found: dict[tuple[str, ...], Candidate] = {}
    options = [list(_options(binding)) for binding in _relevant(program)]
    for chosen in itertools.islice(itertools.product(*options), _MOST_CANDIDATES):
        rules = [rule for rule in chosen if rule is not None]
        try:
            gradients = [
                simplify(raw.get(given.tensor.name, Expr()), [*rules, *late], given.tensor.name, given.tensor.indices)[0]
                for given in program.wrt
            ]
        except RecursionError:
            continue
        candidate = _candidate(program, tuple(rules), gradients)
        best = found.get(candidate.saved)
        if best is None or candidate.cost < best.cost:
            found[candidate.saved] = candidate
    ranked = tuple(sorted(found.values(), key=lambda candidate: (candidate.cost, candidate.saved)))
    return ranked[0], ranked


def _relevant(program: Program) -> Iterator[Binding]:
    for binding in program.bindings:
        if binding.monomial is not None and binding.name in program.varying | _constants(program):
            yield binding


def _constants(program: Program) -> frozenset[str]:
    return frozenset(binding.name for binding in program.bindings if binding.name not in program.varying)


def _options(binding: Binding) -> Iterator[Rule | None]:
    """Leave the name alone, unfold it, or solve its definition for one of its factors."""
    monomial = binding.monomial
    assert monomial is not None  # _relevant yields nothing else
    reason = f"by definition of {binding.name}"
    yield None
    if monomial.coefficient == 1:
        yield Rule("unfold", _single(binding.tensor.ref), Expr.of([monomial]), reason)
    for atom, _ in monomial.factors:
        if isinstance(atom, Ref | Function | Indicator):
            solved = solve(binding.tensor.ref, monomial, atom)
            if solved is not None:
                yield Rule("fold", _single(atom), Expr.of([solved]), reason)


def _single(atom: Ref | Function | Indicator) -> Term:
    return Term(Fraction(1), ((atom, Fraction(1)),))


def _candidate(program: Program, rules: tuple[Rule, ...], gradients: list[Expr]) -> Candidate:
    names = frozenset().union(*(gradient.tensors for gradient in gradients))
    saved = tuple(name for name in program.tensors if name in names)
    masks = {b.name for b in program.bindings for t in b.value for a, _ in t.factors if isinstance(a, Indicator)}
    size = dict(zip(program.axes, itertools.cycle(_NOMINAL), strict=False))
    total = sum(_bytes(program, name, size, masks) for name in saved)
    return Candidate(rules, saved, total, sum(_operations(gradient, size) for gradient in gradients))


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
            weight = sum(10 if isinstance(atom, Function) else 1 + abs(exponent - 1) for atom, exponent in part.factors)
            total += int(count * weight)
    return total
