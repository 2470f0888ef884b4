"""The kinds of mistakes that are planted, by name; each yields the changes that it makes of one node."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from gradlab.mutate.change import Change
from gradlab.mutate.operators import arithmetic, arrays, choices, gradients, numbers
from gradlab.mutate.scope import Scope

Operator = Callable[[ast.AST, Scope], Iterator[Change]]

# In the order of the table; of two operators that give the same text, the first has it.
OPERATORS: dict[str, Operator] = {
    "sign": arithmetic.sign,
    "arithmetic": arithmetic.arithmetic,
    "dropped term": arithmetic.dropped_term,
    "dropped factor": arithmetic.dropped_factor,
    "function": arithmetic.function,
    "abs": arithmetic.absolute,
    "axis": arrays.axis,
    "reduction": arrays.reduction,
    "keepdims": arrays.keepdims,
    "transpose": arrays.transpose,
    "comparison": choices.comparison,
    "branch": choices.branch,
    "constant": numbers.constant,
    "size": numbers.size,
    "index": numbers.index,
    "name": gradients.name,
    "order": gradients.order,
    "missing gradient": gradients.missing,
    "dtype": gradients.dtype,
    "in place": gradients.in_place,
    "dropped statement": gradients.dropped_statement,
}
