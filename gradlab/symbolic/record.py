"""The plain-data record of an operation, from its derivation."""

from __future__ import annotations

from gradlab.operation import ELLIPSIS, Argument, Operation, Signature
from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.program import Tensor


def record(derivation: Derivation) -> Operation:
    """Everything that verification needs to know, without SymPy."""
    program, definition = derivation.program, derivation.program.definition
    return Operation(
        name=program.name,
        summary=definition.summary,
        signature=Signature(tuple(_shape(given.tensor) for given in program.inputs), _shape(program.output)),
        arguments=tuple(Argument(g.tensor.name, g.domain, g.differentiable) for g in program.inputs),
        saved=derivation.saved,
        reference=definition.reference or "",
        digest=program.digest,
        parameters=tuple(definition.parameters),
        kinks=tuple(definition.kinks),
        output=program.output.name,
        curved=tuple(name for name, product in derivation.products.items() if product.value.terms),
    )


def _shape(tensor: Tensor) -> tuple[str, ...]:
    return tuple(ELLIPSIS if index.axis.ellipsis else index.axis.name for index in tensor.indices)
