"""Rules that the bindings themselves give: names of sums, and sums that turn out to be constant (lemmas)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction

from gradlab.symbolic.components import components
from gradlab.symbolic.indices import Axis, Index
from gradlab.symbolic.program import Binding, Program
from gradlab.symbolic.rules import Rule, apply_everywhere
from gradlab.symbolic.steps import Step
from gradlab.symbolic.terms import Expr, Size, Term

_ROUNDS = 1000  # n names that unfold into each other need n**2 / 2; what needs more goes round in circles


def simplify(expression: Expr, rules: Iterable[Rule], subject: str, free: tuple[Index, ...]) -> tuple[Expr, list[Step]]:
    """Apply the rules until none matches; one step for each rewrite. Raises RecursionError where they do not rest."""
    rules = tuple(rules)
    steps: list[Step] = []
    for _ in range(_ROUNDS):
        for rule in rules:
            found = apply_everywhere(rule, expression)
            if found is not None:
                path, after = found
                steps.append(Step(subject, free, expression, after, rule.kind, rule.reason, path, rule))
                expression = after
                break
        else:
            return expression, steps
    raise RecursionError(f"the rewrite rules for {subject} go round in circles")


def sum_rule(binding: Binding) -> Rule | None:
    """Sum_k e[n,k] -> s[n], from the binding s[n] = Sum_k e[n,k]; sizes in front of the sum move over."""
    if len(binding.value.terms) != 1:
        return None
    outer, parts = components(binding.value.terms[0])
    if len(parts) != 1 or any(not isinstance(atom, Size) for atom, _ in outer.factors):
        return None
    name = Term(Fraction(1), ((binding.tensor.ref, Fraction(1)),))
    replacement = Expr.of([name.times(outer.power(Fraction(-1)))])
    return Rule("sum", parts[0], replacement, f"by definition of {binding.name}")


def fact_rules(program: Program) -> list[Rule]:
    """The facts that the author declared."""
    return [Rule("fact", fact.left, fact.right, "declared fact") for fact in program.facts]


def discover(program: Program) -> tuple[list[Rule], list[Step]]:
    """Sums of a binding that are constant, found by expanding it one level: Sum_k y = 1, Sum_n x_hat = 0."""
    sums = [rule for rule in map(sum_rule, program.bindings) if rule is not None]
    lemmas: list[Rule] = []
    steps: list[Step] = []
    for binding in program.bindings:
        if binding.name not in program.varying:
            continue
        for axes in _summed_axes(program):
            for indices in itertools.combinations(binding.tensor.indices, len(axes)):
                if {index.axis for index in indices} != axes:
                    continue
                found = _constant_sum(binding, indices, [*sums, *lemmas])
                if found is not None:
                    rule, proof = found
                    lemmas.append(rule)
                    steps += proof
    return lemmas, steps


def _summed_axes(program: Program) -> list[frozenset[Axis]]:
    found = (frozenset(i.axis for i in term.bound) for binding in program.bindings for term in binding.value)
    return [axes for axes in dict.fromkeys(found) if axes]


def _constant_sum(binding: Binding, over: tuple[Index, ...], rules: list[Rule]) -> tuple[Rule, list[Step]] | None:
    pattern = Term.make(Fraction(1), [(binding.tensor.ref, Fraction(1))], over).fresh()
    free = pattern.free
    subject = "lemma"
    before = Expr.of([pattern])
    expanded = binding.value.sum_over(over)
    opening = Step(subject, free, before, expanded, "unfold", f"by definition of {binding.name}")
    result, steps = simplify(expanded, rules, subject, free)
    if any(not isinstance(atom, Size) for term in result for atom, _ in term.factors):
        return None  # sizes and numbers are all that a constant is made of
    return Rule("lemma", pattern, result, f"lemma: the sum of {binding.name} is constant"), [opening, *steps]
