"""Everything that the engine finds for one operation: VJP, JVP, Jacobian, HVP and what the forward saves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from gradlab.symbolic.calculus import contract, differentiate
from gradlab.symbolic.choose import Candidate, choose, total_bytes
from gradlab.symbolic.factor import factor
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Axis, Index
from gradlab.symbolic.lemmas import discover, fact_rules, simplify, sum_rule
from gradlab.symbolic.naming import named_adjoint
from gradlab.symbolic.program import Binding, Program, Tensor
from gradlab.symbolic.regions import region_rules
from gradlab.symbolic.rich import Rich
from gradlab.symbolic.rules import Rule, apply_everywhere
from gradlab.symbolic.steps import Factored, Pullback, Step
from gradlab.symbolic.tangents import PRODUCT, TANGENT, Products, forward, fresh, products
from gradlab.symbolic.terms import Delta, Expr, Function, Ref, Term, operands

GRAD_OUTPUT = "grad_output"


@dataclass(frozen=True)
class Result:
    """One derived quantity: a gradient, the output's tangent, or a Jacobian."""

    name: str
    free: tuple[Index, ...]
    value: Expr
    display: Factored


@dataclass(frozen=True)
class Derivation(Rich):
    """All that the engine found for one operation. `steps` is in the order of the derivation, lemmas first."""

    program: Program
    adjoints: dict[str, Result]
    """The adjoints that the gradients mention by name (`grad_p`), in the order in which they are computed."""
    gradients: dict[str, Result]
    tangent: Result
    jacobians: dict[str, Result]
    products: dict[str, Result]
    """Hessian-vector products: the tangent of each gradient while grad_output stands still."""
    moved: dict[str, Result]
    """The tangents of bindings and of named adjoints that the products or the tangent mention by name, in order."""
    saved: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    zero_sums: dict[str, tuple[Axis, ...]]
    """Bindings whose exact sum over these axes is 0, by a lemma; their forward can take rounding out of a mean."""
    steps: tuple[Step, ...]

    @property
    def handed(self) -> tuple[str, ...]:
        """What the forward hands out: what is saved, and what else a layer tracks."""
        return tuple(dict.fromkeys((*self.saved, *self.program.tracked)))

    @cached_property
    def whole(self) -> Program:
        """The program with the named adjoints as further bindings."""
        named = (Binding(Tensor(a.name, a.free), a.value, automatic=True) for a in self.adjoints.values())
        return replace(self.program, bindings=(*self.program.bindings, *named))


@dataclass(frozen=True)
class Reverse:
    """What reverse mode gives: the adjoints by the name of what they belong to, and those with a name of their own."""

    adjoints: dict[str, Expr]
    named: tuple[Binding, ...]
    steps: tuple[Step, ...]

    def computed(self, program: Program) -> dict[str, Expr]:
        """All that a backward computes: the gradients and the named adjoints."""
        gradients = {given.tensor.name: self.adjoints.get(given.tensor.name, Expr()) for given in program.wrt}
        return {**gradients, **{binding.name: binding.value for binding in self.named}}


def derive(program: Program) -> Derivation:
    """Derive everything for a program."""
    program = with_masks(program)
    lemmas, lemma_steps = discover(program)
    sums = [rule for rule in map(sum_rule, program.bindings) if rule is not None]
    late = [*sums, *lemmas, *fact_rules(program), *region_rules(program)]
    ranked = choose(program, reverse(program, []).computed(program), late)
    plan = _cheapest(program, ranked, late)
    steps = [*lemma_steps, *plan.steps]
    adjoints = {}
    for binding in plan.reverse.named:
        adjoints[binding.name], found = _result(binding.name, binding.tensor.indices, binding.value)
        steps += found
    gradients = {}
    for given in program.wrt:
        name = given.tensor.name
        gradients[name], found = _result(f"grad_{name}", given.tensor.indices, plan.gradients[name])
        steps += found
    tangents = {}
    for name in dict.fromkeys((program.output.name, *plan.products.kept)):
        indices = plan.program.tensors[name].indices
        tangents[name], found = _result(TANGENT + name, indices, plan.tangents.get(name, Expr()))
        steps += found
    jacobians = {}
    for name, gradient in gradients.items():
        jacobians[name], found = jacobian(program, gradient, name, plan.reverse.named)
        steps += found
    second = {}
    for given in program.wrt:
        name = given.tensor.name
        second[name], found = _result(PRODUCT + name, given.tensor.indices, plan.products.values[name])
        steps += (*plan.products.steps[name], *found)
    return Derivation(
        program=program,
        adjoints=adjoints,
        gradients=gradients,
        tangent=tangents[program.output.name],
        jacobians=jacobians,
        products=second,
        moved={name: tangents[name] for name in plan.products.kept},
        saved=plan.whole.saved,
        candidates=(plan.whole, *(candidate for candidate in ranked if candidate is not plan.candidate)),
        zero_sums=_zero_sums(lemmas),
        steps=tuple(steps),
    )


@dataclass(frozen=True)
class _Plan:
    """What one choice of saved tensors gives; `whole` has all that is saved, for backward, JVP and HVP."""

    candidate: Candidate
    whole: Candidate
    program: Program
    reverse: Reverse
    gradients: dict[str, Expr]
    tangents: dict[str, Expr]
    products: Products
    steps: tuple[Step, ...]


def _cheapest(program: Program, ranked: Iterable[Candidate], late: list[Rule]) -> _Plan:
    """The plan that saves the fewest bytes for backward, JVP and HVP together; of equals, the one best for backward.

    Nearly always that is the first: second derivatives are made of what first derivatives are made of.
    """
    best: _Plan | None = None
    for candidate in ranked:
        if best is None or candidate.bytes < best.whole.bytes:
            plan = _plan(program, candidate, late)
            best = plan if best is None or plan.whole.bytes < best.whole.bytes else best
    assert best is not None  # leaving every name alone is always a candidate
    return best


def _plan(program: Program, candidate: Candidate, late: list[Rule]) -> _Plan:
    rules = [*candidate.rules, *late]
    backward = reverse(program, rules)
    gradients = {given.tensor.name: backward.adjoints.get(given.tensor.name, Expr()) for given in program.wrt}
    longer = replace(program, bindings=(*program.bindings, *backward.named))
    mentioned = frozenset().union(*(value.tensors for value in backward.computed(program).values()))
    tangents, named, tangent_steps = forward(longer, rules, {program.output.name, *mentioned}, gradients.values())
    second = products(longer, gradients, tangents, named, rules)
    output = tangents.get(program.output.name, Expr())
    names = mentioned | output.tensors | second.tensors(tangents)
    saved = tuple(sorted((n for n in program.tensors if n in names), key=program.constants.__contains__))
    whole = replace(candidate, saved=saved, bytes=total_bytes(program, saved))
    return _Plan(candidate, whole, longer, backward, gradients, tangents, second, (*backward.steps, *tangent_steps))


def _result(name: str, free: tuple[Index, ...], value: Expr) -> tuple[Result, list[Step]]:
    display = factor(value)
    step = Step(name, free, value, display, "factor", "the common factor in front")
    return Result(name, free, value, display), [step]


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
                row = ELEMENTARY[atom.name] if isinstance(atom, Function) else None
                if row is None or row.mask is None:
                    continue
                mask = Expr.atom(row.mask(*operands(atom)))
                if any(known.value == mask for known in bindings):
                    continue  # max(u, 0) and min(u, 0) have the same one
                taken = {b.name for b in bindings} | set(program.tensors) | set(program.parameters)
                name = next(n for n in ("mask", *(f"mask{i}" for i in range(2, 99))) if n not in taken)
                bindings.append(Binding(Tensor(name, binding.tensor.indices), mask, automatic=True))
    return replace(program, bindings=tuple(bindings))


def reverse(program: Program, rules: Iterable[Rule]) -> Reverse:
    """The adjoint of every binding and input that the output depends on, from the output back."""
    rules = tuple(rules)
    named: list[Binding] = []
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
        value, found = simplify(contracted, rules, subject, target.indices)
        steps += found
        if named_adjoint(program, target, value):
            named.append(Binding(Tensor(subject, target.indices), value, automatic=True))
            value = Expr.atom(named[-1].tensor.ref)
        adjoints[target.name] = value
    return Reverse(adjoints, tuple(named), tuple(steps))


def _pull_back(program: Program, target: Tensor, uses: tuple[tuple[str, Expr], ...]) -> Expr:
    bindings = {binding.name: binding for binding in program.bindings}
    total = Expr()
    for name, adjoint in uses:
        use = bindings[name]
        renaming = fresh(use.tensor)
        partial = differentiate(use.value.rename(renaming), target.ref)
        over = [slot for slot in renaming.values() if isinstance(slot, Index)]
        total = total + (adjoint.rename(renaming) * partial).sum_over(over)
    return total


def jacobian(program: Program, gradient: Result, wrt: str, named: Iterable[Binding]) -> tuple[Result, list[Step]]:
    """The Jacobian is the VJP, named adjoints written out, with grad_output := a product of deltas."""
    output = program.output
    primed = tuple(Index(f"{index.name}'", index.axis) for index in output.indices)
    deltas = [(Delta(own, other), Fraction(1)) for own, other in zip(output.indices, primed, strict=True)]
    pattern = Term(Fraction(1), ((Ref(GRAD_OUTPUT, output.indices), Fraction(1)),))
    one_hot = Rule("unfold", pattern, Expr.of([Term.make(Fraction(1), deltas)]), "grad_output := one entry")
    subject = f"jacobian_{wrt}"
    free = (*primed, *gradient.free)
    unfold = [
        Rule("unfold", Term(Fraction(1), ((b.tensor.ref, Fraction(1)),)), b.value, f"by definition of {b.name}")
        for b in named
    ]
    value, _ = simplify(gradient.value, unfold, subject, gradient.free)
    found = apply_everywhere(one_hot, value)
    expanded = found[1] if found is not None else value
    contracted = contract(expanded)
    steps = []
    if contracted != expanded:
        steps.append(Step(subject, free, expanded, contracted, "contract", "each delta picks one term"))
    display = factor(contracted)
    steps.append(Step(subject, free, contracted, display, "factor", "the common factor in front"))
    return Result(subject, free, contracted, display), steps
