"""torch: what a vendor's routine computes in one call becomes one statement.

A matrix product and a convolution take the vector that is added to each of their rows along, which saves a pass over
memory; the two contractions that are a convolution's gradients share one call, and with it what it prepares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradlab.codegen.contraction import factors
from gradlab.codegen.convolution import forward_roles, kernel_roles, transposed_roles
from gradlab.codegen.statements import (
    Combine,
    Convolved,
    Note,
    Product,
    Reduce,
    Routine,
    Slide,
    Spread,
    Statement,
    Value,
    values_of,
)
from gradlab.symbolic.indices import Index, rename_slot


def joined(routine: Routine, *, guarded: bool) -> Routine:
    """The same routine in fewer calls; `guarded` where it is told which of its results are needed."""
    kept = {value.name for value in (*routine.results, *routine.saved) if value is not None}
    statements = _with_added(routine.statements, kept)
    return replace(routine, statements=_with_both(statements, routine.results if guarded else ()))


def _with_added(statements: Sequence[Statement], kept: set[str]) -> tuple[Statement, ...]:
    """A contraction and the sum that it alone goes into, where only notes stand between the two, as one statement."""
    found: list[Statement] = []
    for place, statement in enumerate(statements):
        before = _last(found)
        if (
            isinstance(statement, Combine)
            and before is not None
            and isinstance(first := found[before], Reduce | Slide)
            and first.added is None
            and first.target.name not in kept | {value.name for value in values_of(tuple(statements[place + 1 :]))}
            and (vector := _vector(first, statement)) is not None
        ):
            found[before:] = [*found[before + 1 :], replace(first, target=statement.target, added=vector)]
        else:
            found.append(statement)
    return tuple(found)


def _vector(first: Reduce | Slide, total: Combine) -> Value | None:
    """What is added to the contraction where its routine can take it along."""
    target, vector = first.target, total.right
    if isinstance(vector, Product) and vector.bare:
        (vector,) = vector.values
    if not isinstance(vector, Value) or vector.boolean or vector.constant or not vector.layout:
        return None
    alone = (total.operator, total.left, total.target.layout) == ("+", target, target.layout)
    return vector if alone and vector.layout == _channels(first) else None


def _channels(statement: Reduce | Slide) -> tuple[object, ...]:
    """The axes that such a vector has; () where there is no routine for it."""
    if isinstance(statement, Slide):
        roles = forward_roles(statement)
        return () if roles is None else (*roles.groups, *roles.rows)
    values = (statement.target, *statement.operands)
    matrices = all(len(v.layout) == 2 and not v.boolean and not any(i.axis.ellipsis for i in v.layout) for v in values)
    product = matrices and factors(statement.operands, statement.bound, statement.target.layout)
    return statement.target.layout[1:] if product else ()


def _with_both(statements: Sequence[Statement], results: Sequence[Value | None]) -> tuple[Statement, ...]:
    """The gradients of a convolution's input and of its kernel, one after the other, as one statement."""
    names = [None if value is None else value.name for value in results]
    found: list[Statement] = []
    for statement in statements:
        before = _last(found)
        if (
            isinstance(statement, Slide)
            and before is not None
            and isinstance(first := found[before], Spread)
            and _belong_together(first, statement)
        ):
            asked = (_asked(first.target, names), _asked(statement.target, names))
            found[before:] = [*found[before + 1 :], Convolved(first, statement, asked)]
        else:
            found.append(statement)
    return tuple(found)


def _belong_together(of_array: Spread, of_kernel: Slide) -> bool:
    """Whether both are of the same convolution: alike up to the names of the indices, with the same upstream."""
    if of_array.kernel is None or of_kernel.kernel is None or of_array.array.name != of_kernel.kernel.name:
        return False
    if transposed_roles(of_array) is None or kernel_roles(of_kernel) is None:
        return False
    theirs = (*of_kernel.kernel.layout, *of_kernel.target.layout)
    ours = (*of_array.array.layout, *of_array.kernel.layout)
    if len(theirs) != len(ours):
        return False
    pairs = set(zip(theirs, ours, strict=True))
    renaming: dict[Index, Index] = dict(pairs)
    if not len(pairs) == len(renaming) == len({*renaming.values()}):
        return False
    return tuple(rename_slot(slot, renaming) for slot in of_kernel.slots) == of_array.slots


def _asked(value: Value, names: Sequence[str | None]) -> str:
    return f"needs[{names.index(value.name)}]" if value.name in names else "True"


def _last(statements: Sequence[Statement]) -> int | None:
    """The place of the last statement that is no comment."""
    return next((k for k in reversed(range(len(statements))) if not isinstance(statements[k], Note)), None)
