"""NumPy: entries that the forward looks up and the backward adds to are located once, by their positions in memory.

One array of flat positions is half the work of an array of indices for each axis, and the backward gets it for nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from gradlab.codegen.places import along, places
from gradlab.codegen.statements import Locate, Pick, Routine, Scatter, Shift, Statement, Value, slots_layout
from gradlab.symbolic.indices import Axis, Index

_Rows = tuple[str, tuple[Axis, ...]]
"""One entry of each row: the tensor that holds the labels, and the axes of the array."""


def located(routines: Sequence[Routine], operation: str) -> list[Routine]:
    """Forward, backward and those that follow, with the positions that they share among what is saved."""
    result = list(routines)
    forward, backward, *_ = routines
    added = {_rows(s, operation) for s in backward.statements if isinstance(s, Scatter)}
    for pick in (s for s in forward.statements if isinstance(s, Pick)):
        rows = _rows(pick, operation)
        if rows is not None and rows in added and _in_order(forward, backward, pick.array.layout):
            added.remove(rows)
            at = Value(_name(f"at_{rows[0]}", result), slots_layout(pick.slots))
            result = [_with(routine, at, rows, operation) for routine in result]
            first = next(k for k, s in enumerate(result[0].statements) if isinstance(s, Pick) and s.at == at)
            before, after = result[0].statements[:first], result[0].statements[first:]
            result[0] = replace(result[0], statements=(*before, Locate(at, pick.slots), *after))
    return result


def _rows(statement: Statement, operation: str) -> _Rows | None:
    """What is looked up in a row, where the number of rows is known."""
    if not isinstance(statement, Pick | Scatter):
        return None
    if any(isinstance(slot, Index) and slot.axis.ellipsis for slot in statement.slots):
        return None
    items = places(statement.slots, operation)
    row = along(items)
    if row is None or any(len(item.axes) > 1 for item in items):
        return None
    return items[row].tensor, tuple(item.axes[0] for item in items)


def _in_order(forward: Routine, backward: Routine, layout: tuple[Index, ...]) -> bool:
    """Whether every array of this layout is in C order: all follow from one that the forward copies so."""
    axes = [index.axis for index in layout]
    copied = {s.operand.name for s in forward.statements if isinstance(s, Shift) and s.where is None and not s.reuse}
    given = [v for v in (*forward.arguments, *backward.arguments) if [index.axis for index in v.layout] == axes]
    return {value.name for value in given} == copied and copied.isdisjoint(value.name for value in backward.saved)


def _name(wanted: str, routines: Sequence[Routine]) -> str:
    """A name that no routine has given to anything else."""
    targets = {s.target.name for routine in routines for s in routine.statements if hasattr(s, "target")}
    taken = targets | {value.name for routine in routines for value in (*routine.arguments, *routine.saved)}
    numbered = (f"{wanted}_{i}" for i in itertools.count(2))
    return next(name for name in itertools.chain((wanted,), numbered) if name not in taken)


def _with(routine: Routine, at: Value, rows: _Rows, operation: str) -> Routine:
    """A routine that goes by positions, which it hands on or is handed."""
    statements = tuple(
        replace(s, at=at) if isinstance(s, Pick | Scatter) and _rows(s, operation) == rows else s
        for s in routine.statements
    )
    return replace(routine, statements=statements, saved=(*routine.saved, at))
