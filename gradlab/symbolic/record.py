"""The plain-data record of an operation, from its derivation."""

from __future__ import annotations

from collections.abc import Iterator

from gradlab.operation import ELLIPSIS, Argument, Extent, Operation, Packed, Signature
from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.program import Program, Tensor


def record(derivation: Derivation) -> Operation:
    """Everything that verification needs to know, without SymPy."""
    program, definition = derivation.program, derivation.program.definition
    return Operation(
        name=program.name,
        summary=definition.summary,
        signature=_signature(program, definition.packed),
        arguments=tuple(Argument(g.tensor.name, g.domain, g.differentiable) for g in program.inputs),
        saved=tuple(name for name in derivation.handed if name not in program.constants),
        reference=definition.reference or "",
        digest=program.digest,
        parameters=tuple(definition.parameters),
        kinks=tuple(definition.kinks),
        along=definition.along,
        broadcast=definition.broadcast,
        packed=definition.packed,
        extents=tuple(extents(program)),
        output=program.output.name,
        curved=tuple(name for name, product in derivation.products.items() if product.value.terms),
        nonempty=tuple(_nonempty(program)),
    )


def extents(program: Program) -> Iterator[Extent]:
    """The axes of the output that no input has, and packed ones whose parts an input has, with their formulas."""
    known = {index.axis for given in program.inputs for index in given.tensor.indices}
    name = {axis: axis.name for axis in program.axes}
    for axis in dict.fromkeys(index.axis for index in program.output.indices):
        if axis in program.windows:
            yield Extent(axis.name, program.windows[axis].formula(name))
        elif axis.parameter and axis not in known:
            yield Extent(axis.name, axis.name)
    packed = program.definition.packed
    if packed is not None:
        shown = {dim for given in program.inputs for dim in _shape(given.tensor, packed)}
        yield from (Extent(dim, f"{packed.groups} * {rest}") for rest, dim in packed.dims.items() if rest in shown)


def _nonempty(program: Program) -> Iterator[str]:
    """The dimensions that the author says are never 0, as the caller sees them."""
    packed = program.definition.packed
    shown = {dim for given in program.inputs for dim in _shape(given.tensor, packed)}
    for axis in program.axes:
        if axis.size in map(str, program.definition.nonempty):
            yield axis.name if packed is None or axis.name in shown else packed.dims[axis.name]


def _signature(program: Program, packed: Packed | None) -> Signature:
    inputs = tuple(_shape(given.tensor, packed) for given in program.inputs)
    return Signature(inputs, _shape(program.output, packed))


def _shape(tensor: Tensor, packed: Packed | None) -> tuple[str, ...]:
    names = [ELLIPSIS if index.axis.ellipsis else index.axis.name for index in tensor.indices]
    if packed is not None and packed.groups in names:
        place = names.index(packed.groups)
        names[place : place + 2] = [packed.dims[names[place + 1]]]
    return tuple(names)
