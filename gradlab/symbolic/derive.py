"""Reverse and forward mode over the chain of bindings, symbolically: VJP, JVP, Jacobian and what the forward saves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from gradlab.symbolic.calculus import contract, differentiate
from gradlab.symbolic.choose import Candidate, choose
from gradlab.symbolic.factor import factor
from gradlab.symbolic.lemmas import discover, fact_rules, simplify, sum_rule
from gradlab.symbolic.program import Binding, Program, Tensor
from gradlab.symbolic.rules import Rule, apply_everywhere
from gradlab.symbolic.steps import Factored, Pullback, Pushforward, Step
from gradlab.symbolic.terms import Axis, Delta, Expr, Function, Index, Indicator, Ref, Slot, Term

GRAD_OUTPUT = "grad_output"
TANGENT = "tangent_"


@dataclass(frozen=True)
class Result:
    """One derived quantity: a gradient, the output's tangent, or a Jacobian."""

    name: str
    free: tuple[Index, ...]
    value: Expr
    display: Factored


@dataclass(frozen=True)
class Derivation:
    """All that the engine found for one operation. `steps` is in the order of the derivation, lemmas first."""

    program: Program
    gradients: dict[str, Result]
    tangent: Result
    jacobians: dict[str, Result]
    saved: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    zero_sums: dict[str, tuple[Axis, ...]]
    """Bindings whose exact sum over these axes is 0, by a lemma; their forward can take rounding out of a mean."""
    steps: tuple[Step, ...]


def derive(program: Program) -> Derivation:
    """Derive everything for a program."""
    program = with_masks(program)
    lemmas, lemma_steps = discover(program)
    sums = [rule for rule in map(sum_rule, program.bindings) if rule is not None]
    late = [*sums, *lemmas, *fact_rules(program)]
    raw, _ = reverse(program, [])
    chosen, candidates = choose(program, raw, late)
    rules = [*chosen.rules, *late]
    adjoints, steps = reverse(program, rules)
    gradients, factor_steps = {}, []
    for given in program.wrt:
        name = given.tensor.name
        subject = f"grad_{name}"
        value = adjoints.get(name, Expr())
        display = factor(value)
        factor_steps.append(Step(subject, given.tensor.indices, value, display, "factor", "the common factor in front"))
        gradients[name] = Result(subject, given.tensor.indices, value, display)
    tangent, tangent_steps = forward(program, rules)
    jacobians, jacobian_steps = {}, []
    for name, gradient in gradients.items():
        jacobians[name], found = jacobian(program, gradient, name)
        jacobian_steps += found
    needed = frozenset().union(*(gradient.value.tensors for gradient in gradients.values())) - {GRAD_OUTPUT}
    order = [*program.tensors]
    saved = tuple(sorted((n for n in needed if n not in program.parameters), key=order.index))
    every = (*lemma_steps, *steps, *factor_steps, *tangent_steps, *jacobian_steps)
    return Derivation(program, gradients, tangent, jacobians, saved, candidates, _zero_sums(lemmas), every)


def _zero_sums(lemmas: Iterable[Rule]) -> dict[str, tuple[Axis, ...]]:
    found = {}
    for lemma in lemmas:
        ((atom, _),) = lemma.pattern.factors
        if isinstance(atom, Ref) and not lemma.replacement.terms:
            found[atom.tensor] = tuple(index.axis for index in lemma.pattern.bound)
    return found


def with_masks(program: Program) -> Program:
    """Name the indicator of each kink, so that one byte per element can be saved in place of the argument."""
    bindings: list[Binding] = []
    for binding in program.bindings:
        bindings.append(binding)
        for term in binding.value:
            for atom, _ in term.factors:
                if isinstance(atom, Function) and atom.name == "positive_part":
                    taken = {b.name for b in bindings} | set(program.tensors) | set(program.parameters)
                    name = next(n for n in ("mask", *(f"mask{i}" for i in range(2, 99))) if n not in taken)
                    mask = Expr.atom(Indicator(atom.argument))
                    bindings.append(Binding(Tensor(name, binding.tensor.indices), mask, automatic=True))
    return replace(program, bindings=tuple(bindings))


def reverse(program: Program, rules: Iterable[Rule]) -> tuple[dict[str, Expr], list[Step]]:
    """The adjoint of every binding and input that the output depends on, from the output back."""
    rules = tuple(rules)
    output = program.output
    adjoints: dict[str, Expr] = {}
    steps: list[Step] = []
    targets = [b.tensor for b in reversed(program.bindings)] + [given.tensor for given in program.wrt]
    for target in targets:
        if target.name not in program.varying:
            continue
        uses = tuple((use.name, adjoints[use.name]) for use in program.uses(target.name) if use.name in adjoints)
        if target.name == output.name:
            adjoints[target.name] = Expr.atom(Ref(GRAD_OUTPUT, target.indices))
            continue
        if not uses:
            continue
        subject = f"grad_{target.name}"
        expanded = _pull_back(program, target, uses)
        opening = Step(
            subject,
            target.indices,
            Pullback(target.ref, uses),
            expanded,
            "chain rule",
            f"over the uses of {target.name}: {', '.join(name for name, _ in uses)}",
        )
        contracted = contract(expanded)
        steps.append(opening)
        if contracted != expanded:
            steps.append(Step(subject, target.indices, expanded, contracted, "contract", "each delta picks one term"))
        adjoints[target.name], found = simplify(contracted, rules, subject, target.indices)
        steps += found
    return adjoints, steps


def _fresh(tensor: Tensor) -> dict[Index, Slot]:
    return {index: Index.fresh(index.axis) for index in tensor.indices}


def _pull_back(program: Program, target: Tensor, uses: tuple[tuple[str, Expr], ...]) -> Expr:
    bindings = {binding.name: binding for binding in program.bindings}
    total = Expr()
    for name, adjoint in uses:
        use = bindings[name]
        renaming = _fresh(use.tensor)
        partial = differentiate(use.value.rename(renaming), target.ref)
        over = [slot for slot in renaming.values() if isinstance(slot, Index)]
        total = total + (adjoint.rename(renaming) * partial).sum_over(over)
    return total


def forward(program: Program, rules: Iterable[Rule]) -> tuple[Result, list[Step]]:
    """The tangent of the output for tangents of all differentiable inputs."""
    rules = tuple(rules)
    tangents = {g.tensor.name: Expr.atom(Ref(TANGENT + g.tensor.name, g.tensor.indices)) for g in program.wrt}
    steps: list[Step] = []
    for binding in program.bindings:
        if binding.name not in program.contributing or binding.name not in program.varying:
            continue
        depends = [name for name in tangents if name in binding.value.tensors]
        if not depends:
            continue
        target, subject = binding.tensor, TANGENT + binding.name
        expanded = _push_forward(program, binding, {name: tangents[name] for name in depends})
        pushed = Pushforward(target.ref, tuple((name, tangents[name]) for name in depends))
        reason = f"the differential of {binding.name}"
        steps.append(Step(subject, target.indices, pushed, expanded, "chain rule", reason))
        contracted = contract(expanded)
        if contracted != expanded:
            steps.append(Step(subject, target.indices, expanded, contracted, "contract", "each delta picks one term"))
        tangents[binding.name], found = simplify(contracted, rules, subject, target.indices)
        steps += found
    output = program.output
    value = tangents[output.name]
    display = factor(value)
    subject = TANGENT + output.name
    steps.append(Step(subject, output.indices, value, display, "factor", "the common factor in front"))
    return Result(subject, output.indices, value, display), steps


def _push_forward(program: Program, binding: Binding, tangents: dict[str, Expr]) -> Expr:
    total = Expr()
    for name, tangent in tangents.items():
        tensor = program.tensors[name]
        renaming = _fresh(tensor)
        over = [slot for slot in renaming.values() if isinstance(slot, Index)]
        partial = differentiate(binding.value, Ref(name, tuple(over)))
        total = total + (partial * tangent.rename(renaming)).sum_over(over)
    return total


def jacobian(program: Program, gradient: Result, wrt: str) -> tuple[Result, list[Step]]:
    """The Jacobian is the VJP with grad_output := a product of deltas."""
    output = program.output
    primed = tuple(Index(f"{index.name}'", index.axis) for index in output.indices)
    deltas = [(Delta(own, other), Fraction(1)) for own, other in zip(output.indices, primed, strict=True)]
    pattern = Term(Fraction(1), ((Ref(GRAD_OUTPUT, output.indices), Fraction(1)),))
    one_hot = Rule("unfold", pattern, Expr.of([Term.make(Fraction(1), deltas)]), "grad_output := one entry")
    subject = f"jacobian_{wrt}"
    free = (*primed, *gradient.free)
    found = apply_everywhere(one_hot, gradient.value)
    expanded = found[1] if found is not None else gradient.value
    contracted = contract(expanded)
    steps = []
    if contracted != expanded:
        steps.append(Step(subject, free, expanded, contracted, "contract", "each delta picks one term"))
    display = factor(contracted)
    steps.append(Step(subject, free, contracted, display, "factor", "the common factor in front"))
    return Result(subject, free, contracted, display), steps
