"""The numbered equations of a derivation: documents print the numbers, the comments of generated code cite them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.indices import Index
from gradlab.symbolic.program import Program
from gradlab.symbolic.show import text
from gradlab.symbolic.steps import Side, Step
from gradlab.symbolic.tangents import PRODUCT

Kind = Literal["definition", "lemma", "adjoint", "tangent", "jacobian", "product"]

_PREFIXES: tuple[tuple[str, Kind], ...] = (
    ("lemma", "lemma"),
    ("grad_", "adjoint"),
    ("tangent_", "tangent"),
    ("jacobian_", "jacobian"),
    (PRODUCT, "product"),
)


@dataclass(frozen=True)
class Equation:
    """One numbered line. `name[free] = right`; a lemma has no name: it says that `before` equals `right`.

    `before` is the previous form of the same quantity, None for a definition. `opens` marks the first line of a chain.
    """

    number: int
    kind: Kind
    name: str
    free: tuple[Index, ...]
    before: Side | None
    right: Side
    rule: str
    reason: str
    opens: bool


def numbered(derivation: Derivation) -> tuple[Equation, ...]:
    """All equations: the definitions, then the steps, those of one quantity together; no two that print alike.

    >>> from gradlab.symbolic.load import definition
    >>> from gradlab.symbolic.derive import derive
    >>> from gradlab.symbolic.read import read
    >>> [f"({equation.number}) {equation.name}" for equation in numbered(derive(read(definition("relu"))))][:3]
    ['(1) y', '(2) mask', '(3) grad_x']
    """
    found: list[Equation] = []
    for binding in derivation.program.bindings:
        reason = "named by the engine" if binding.automatic else "definition"
        tensor = binding.tensor
        found.append(
            Equation(
                len(found) + 1, "definition", tensor.name, tensor.indices, None, binding.value, "let", reason, True
            )
        )
    for chain in _chains(derivation):
        for position, step in enumerate(chain):
            found.append(
                Equation(
                    len(found) + 1,
                    _kind(step),
                    "" if step.subject == "lemma" else step.subject,
                    step.free,
                    step.before,
                    step.after,
                    step.rule,
                    step.reason,
                    position == 0,
                )
            )
    return tuple(found)


def number_of(derivation: Derivation, name: str) -> int:
    """The equation that gives a quantity: a binding's definition, or the last line of `grad_x`, `tangent_y`, ….

    Raises KeyError for a name that has no equation (inputs, parameters, grad_output).
    """
    numbers = {equation.name: equation.number for equation in numbered(derivation) if equation.name}
    return numbers[name]


def _kind(step: Step) -> Kind:
    return next(kind for prefix, kind in _PREFIXES if step.subject.startswith(prefix))


def _chains(derivation: Derivation) -> Iterator[list[Step]]:
    """Steps that continue each other, in the order in which their quantities are begun."""
    chains: list[list[Step]] = []
    for step in derivation.steps:
        continued = [c for c in chains if c[-1].subject == step.subject and c[-1].after == step.before]
        if continued:
            continued[-1].append(step)
        else:
            chains.append([step])
    for chain in chains:
        kept = [step for step in chain if not _silent(step, derivation.program)]
        yield kept or chain[-1:]


def _silent(step: Step, program: Program) -> bool:
    return step.rule == "factor" and text(step.before, program, step.free) == text(step.after, program, step.free)
