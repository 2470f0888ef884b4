"""Forward mode: the tangents of all names, and those of the gradients themselves, which are Hessian-vector products.

A Hessian-vector product is the tangent of a gradient while grad_output stands still. By the symmetry of second
derivatives it is also what a double backward sends back to the inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gradlab.symbolic.calculus import contract, differentiate
from gradlab.symbolic.indices import Index, Slot
from gradlab.symbolic.lemmas import simplify
from gradlab.symbolic.naming import named_tangent
from gradlab.symbolic.program import Program, Tensor
from gradlab.symbolic.rules import Rule
from gradlab.symbolic.steps import Pushforward, Step
from gradlab.symbolic.terms import Expr, Ref

TANGENT = "tangent_"
PRODUCT = "hvp_"


def forward(
    program: Program, rules: Iterable[Rule], wanted: Iterable[str], gradients: Iterable[Expr]
) -> tuple[dict[str, Expr], tuple[str, ...], list[Step]]:
    """The tangents of the differentiable inputs, of the wanted names and of all that these are computed from.

    Also which of them keep their names in the tangents that follow and in those of the gradients, because they cross
    a contraction.
    """
    rules, gradients = tuple(rules), tuple(gradients)
    named: dict[str, Expr] = {}
    tangents = {given.tensor.name: _named(given.tensor) for given in program.wrt}
    needed = program.leading_to(wanted)
    steps: list[Step] = []
    for binding in program.bindings:
        # The place of a maximum has no tangent: it is constant for differentiation.
        if binding.name in needed & program.varying and binding.value.tensors & tangents.keys():
            subject = TANGENT + binding.name
            reason = f"the differential of {binding.name}"
            known = {**tangents, **named}
            tangent, found = _tangent(program, binding.tensor, binding.value, known, rules, subject, reason)
            steps += found
            tangents[binding.name] = tangent
            values = (*gradients, *(use.value for use in program.bindings))
            uses = [value for value in values if binding.name in value.tensors]
            if binding.name != program.output.name and named_tangent(binding.name, tangent, uses):
                named[binding.name] = _named(binding.tensor)
    return tangents, tuple(named), steps


def fresh(tensor: Tensor) -> dict[Index, Slot]:
    """A fresh index for each index of a tensor."""
    return {index: Index.fresh(index.axis) for index in tensor.indices}


def _named(tensor: Tensor) -> Expr:
    return Expr.atom(Ref(TANGENT + tensor.name, tensor.indices))


def _tangent(
    program: Program,
    target: Tensor,
    value: Expr,
    tangents: Mapping[str, Expr],
    rules: tuple[Rule, ...],
    subject: str,
    reason: str,
) -> tuple[Expr, list[Step]]:
    """The total derivative of a value along the tangents of the names in it."""
    depends = tuple((name, tangent) for name, tangent in tangents.items() if name in value.tensors)
    expanded = Expr()
    for name, tangent in depends:
        renaming = fresh(program.tensors[name])
        over = [slot for slot in renaming.values() if isinstance(slot, Index)]
        partial = differentiate(value, Ref(name, tuple(over)))
        expanded = expanded + (partial * tangent.rename(renaming)).sum_over(over)
    pushed = Pushforward(target.ref, value, depends)
    steps = [Step(subject, target.indices, pushed, expanded, "chain rule", reason)]
    contracted = contract(expanded)
    if contracted != expanded:
        steps.append(Step(subject, target.indices, expanded, contracted, "contract", "each delta picks one term"))
    simple, found = simplify(contracted, rules, subject, target.indices)
    return simple, [*steps, *found]


@dataclass(frozen=True)
class Products:
    """Hessian-vector products by input, and the tangents that they keep as names, in the order of the bindings."""

    values: dict[str, Expr]
    kept: tuple[str, ...]
    steps: dict[str, tuple[Step, ...]]

    def tensors(self, tangents: Mapping[str, Expr]) -> frozenset[str]:
        """The tensors in the products and in the tangents that they keep."""
        values = (*self.values.values(), *(tangents[name] for name in self.kept))
        return frozenset().union(*(value.tensors for value in values))


def products(
    program: Program,
    gradients: Mapping[str, Expr],
    tangents: Mapping[str, Expr],
    crossing: Iterable[str],
    rules: Iterable[Rule],
) -> Products:
    """Each gradient's tangent, in terms of saved names and their tangents.

    The tangent of a saved name keeps its own name, so that it is computed once, unless it is 0 or one product, or is
    used in a single term; those that cross a contraction always do.
    """
    crossing = tuple(crossing)
    rules = tuple(rules)
    short = {name for name, tangent in tangents.items() if len(tangent.terms) < 2 and not any(t.bound for t in tangent)}
    kept_names = {name for name in tangents if name in crossing or name not in short}
    named = {b.name: _named(b.tensor) for b in program.bindings if b.name in kept_names}
    found = _products(program, gradients, {**tangents, **named}, rules)
    uses = Counter(name for value in found.values.values() for term in value for name in Expr.of([term]).tensors)
    # A name that is gone in the end would still stand in the steps that lead there.
    several = {name: tangent for name, tangent in named.items() if uses[TANGENT + name] > 1 or name in crossing}
    if len(several) < len(named):
        named = several
        found = _products(program, gradients, {**tangents, **named}, rules)
    mentioned = frozenset().union(*(value.tensors for value in found.values.values()))
    kept = tuple(name for name in named if TANGENT + name in mentioned or name in crossing)
    return Products(found.values, kept, found.steps)


def _products(
    program: Program, gradients: Mapping[str, Expr], tangents: Mapping[str, Expr], rules: tuple[Rule, ...]
) -> Products:
    values, steps = {}, {}
    for name, gradient in gradients.items():
        subject, indices = PRODUCT + name, program.tensors[name].indices
        target = Tensor(f"grad_{name}", indices)
        steady = not gradient.tensors & tangents.keys()
        reason = f"grad_{name} does not move with the inputs" if steady else f"the differential of grad_{name}"
        values[name], found = _tangent(program, target, gradient, tangents, rules, subject, reason)
        steps[name] = tuple(found)
    return Products(values, (), steps)
