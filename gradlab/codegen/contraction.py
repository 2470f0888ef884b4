"""Sums of products, most of which both targets write alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradlab.codegen.printer import align, swapped
from gradlab.codegen.statements import Value
from gradlab.symbolic.indices import Index


def matmul(operands: tuple[Value, ...], bound: Sequence[Index], target: tuple[Index, ...]) -> str | None:
    """A product of two matrices, or of a matrix and a vector, for each entry of the leading axes; None for other sums.

    The leading axes are those of the target in front of its last two; an operand may lack some of the first of them.
    """
    found = factors(operands, bound, target)
    return None if found is None else " @ ".join(found)


def factors(operands: tuple[Value, ...], bound: Sequence[Index], target: tuple[Index, ...]) -> tuple[str, str] | None:
    """Left and right of the product that `matmul` writes."""
    if len(operands) != 2 or len(bound) != 1 or bound[0].axis.ellipsis:
        return None
    for first, second in (operands, operands[::-1]):
        shown = _product(first, second, bound[0], target)
        if shown is not None:
            return shown
    return None


def _product(left: Value, right: Value, bound: Index, target: tuple[Index, ...]) -> tuple[str, str] | None:
    """`left @ right` where its axes come out in the target's order."""
    rows = [index for index in left.layout if index not in right.layout]
    columns = [index for index in right.layout if index not in left.layout]
    if len(rows) > 1 or len(columns) > 1 or any(index.axis.ellipsis for index in (*rows, *columns)):
        return _over_leading(left, right, bound, target) or _under_leading(left, right, bound, target)
    shared = tuple(index for index in left.layout if index in right.layout and index != bound)
    if target != (*shared, *rows, *columns) or (shared and not (rows and columns)):
        return None
    first, second = (*shared, *rows, bound), (*shared, bound, *columns)
    # At most the last two axes change places, which costs nothing.
    if not all(order == own or swapped(own, order) for own, order in ((left.layout, first), (right.layout, second))):
        return None
    return align(left, first), align(right, second)


def _over_leading(left: Value, right: Value, bound: Index, target: tuple[Index, ...]) -> tuple[str, str] | None:
    """A matrix or a vector that all entries of the leading axes share: x[..., i] @ w[i, o]."""
    leading = tuple(index for index in left.layout if index not in right.layout)
    columns = tuple(index for index in right.layout if index != bound)
    if left.layout != (*leading, bound) or len(columns) > 1 or target != (*leading, *columns):
        return None
    return left.name, align(right, (bound, *columns))


def _under_leading(left: Value, right: Value, bound: Index, target: tuple[Index, ...]) -> tuple[str, str] | None:
    """A matrix on the left that all entries of the leading axes share: w[o, i] @ x[..., i, c]."""
    rows = tuple(index for index in left.layout if index != bound)
    if right.layout == (bound,):
        return None
    *leading, column = (index for index in right.layout if index != bound)
    if len(rows) != 1 or right.layout != (*leading, bound, column) or target != (*leading, *rows, column):
        return None
    return align(left, (*rows, bound)), right.name


def multiplied(operands: tuple[Value, ...], bound: Sequence[Index], target: tuple[Index, ...]) -> str | None:
    """torch: a product as large as the larger operand, summed; None where the smaller one does not fit into it.

    Faster than torch.einsum, and in functions for which the vmap behind `is_grads_batched` has rules.
    """
    if len(operands) != 2 or any(index.axis.ellipsis for operand in operands for index in operand.layout):
        return None
    narrow, wide = sorted(operands, key=lambda value: len(value.layout))
    kept = tuple(index for index in wide.layout if index not in bound)
    if kept != target or tuple(index for index in wide.layout if index in narrow.layout) != narrow.layout:
        return None
    axes = tuple(k for k, index in enumerate(wide.layout) if index in bound)
    product = f"({wide.name} * {align(narrow, wide.layout)})"
    return f"{product}.sum({f'dim={axes[0] if len(axes) == 1 else axes}' if kept else ''})"


def einsum(function: str, operands: tuple[Value, ...], target: tuple[Index, ...]) -> str:
    """Any other sum of products."""
    letters: dict[Index, str] = {}
    for operand in operands:
        for index in operand.layout:
            letters.setdefault(index, "..." if index.axis.ellipsis else chr(ord("a") + len(letters)))
    left = ",".join("".join(letters[index] for index in operand.layout) for operand in operands)
    right = "".join(letters[index] for index in target)
    return f'{function}("{left}->{right}", {", ".join(operand.name for operand in operands)})'


def numbers(operands: tuple[Value, ...], like: str, cast: str, *, mixed: bool = True) -> tuple[Value, ...]:
    """Masks as numbers where nothing else says of what type a sum is, or where a library multiplies no mixed types."""
    floats = [operand.name for operand in operands if not operand.boolean]
    if (floats and mixed) or len(floats) == len(operands):
        return operands
    dtype = f"{floats[0] if floats else like}.dtype"
    return tuple(replace(o, name=f"{o.name}.{cast}({dtype})", boolean=False) if o.boolean else o for o in operands)
