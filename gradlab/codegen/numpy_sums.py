"""NumPy: sums of products over axes, in the calls that measured fastest (`python -m benchmarks.kernels`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gradlab.codegen.contraction import einsum, matmul, numbers
from gradlab.codegen.sizes import Sizes
from gradlab.codegen.statements import Reduce, Value
from gradlab.symbolic.indices import Index

Layout = tuple[Index, ...]


def reduction(statement: Reduce, sizes: Sizes, shaped: Callable[[Value], str]) -> str:
    """The sum as an expression; `shaped` gives an array in its own shape where it was flattened to rows."""
    operands = numbers(statement.operands, sizes.like, "astype")
    layouts = {operand.layout for operand in operands}
    if len(layouts) == 1 and len(operands) <= 2:
        return _same_layout(operands, layouts.pop(), statement.bound, sizes, shaped)
    operands = tuple(replace(operand, name=shaped(operand)) for operand in operands)
    target = statement.target.layout
    return matmul(operands, statement.bound, target) or einsum("np.einsum", operands, target)


def planes_end(layout: Layout, bound: Layout) -> int | None:
    """Where the axes between the first and the last ones end, of a sum over the first and the last ones."""
    kept = [axis for axis, index in enumerate(layout) if index not in bound]
    if not kept or kept != list(range(1, kept[-1] + 1)) or kept[-1] == len(layout) - 1:
        return None
    return None if any(index.axis.ellipsis for index in layout) else kept[-1] + 1


def _same_layout(
    operands: tuple[Value, ...], layout: Layout, bound: Layout, sizes: Sizes, shaped: Callable[[Value], str]
) -> str:
    names, rank = [shaped(operand) for operand in operands], len(layout)
    if rank == 2 and [index.axis.ellipsis for index in bound] == [True]:
        # All leading dimensions as one, so that the sum runs over the rows of a matrix.
        rows, columns = (sizes.size(index.axis) for index in layout)
        names = [f"{name}.reshape({rows}, {columns})" for name in names]
    elif any(index.axis.ellipsis for index in bound):
        return _leading(names, rank - len(bound))
    axes = sorted(layout.index(index) for index in bound)
    dot = f"np.vecdot({', '.join(names)})" if len(names) == 2 else ""
    if len(axes) == rank:
        return f"{dot}.sum()" if dot and rank > 1 else dot or f"{names[0]}.sum()"
    if axes == [rank - 1]:
        # Two to three times as fast as .sum(axis=-1), which begins anew in each row, and within a few of its roundings.
        return dot or f'np.einsum("...i->...", {names[0]})'
    if rank == 2 and axes == [0]:
        # A product with ones runs in BLAS: up to 4x faster than .sum(axis=0), and it rounds less.
        rows = sizes.size(layout[0].axis) if layout[0].axis.ellipsis else f"len({names[0]})"
        ones = f"np.ones({rows}, {operands[0].name}.dtype)"
        return f'np.einsum("nc,nc->c", {", ".join(names)})' if dot else f"{ones} @ {names[0]}"
    end = planes_end(layout, bound)
    if end is not None:
        return _planes(operands, layout, end, sizes)
    if dot and axes == list(range(rank - len(axes), rank)):
        return _trailing(operands, layout, len(axes), sizes)
    operands = tuple(replace(operand, name=name) for operand, name in zip(operands, names, strict=True))
    return einsum("np.einsum", operands, tuple(index for index in layout if index not in bound))


def _leading(names: list[str], kept: int) -> str:
    """A sum over leading dimensions, any number of them, and perhaps others."""
    inside = names[0] if len(names) == 1 else f"({' * '.join(names)})"
    return f"{inside}.sum(axis=tuple(range({names[0]}.ndim - {kept})))" if kept else f"{inside}.sum()"


def _trailing(operands: tuple[Value, ...], layout: Layout, count: int, sizes: Sizes) -> str:
    """Dot products over the last axes as one: twice as fast as einsum over several."""
    kept = ", ".join(sizes.size(index.axis) for index in layout[:-count])
    inner = sizes.product(index.axis for index in layout[-count:])
    return f"np.vecdot({', '.join(f'{operand.name}.reshape({kept}, {inner})' for operand in operands)})"


def _planes(operands: tuple[Value, ...], layout: Layout, end: int, sizes: Sizes) -> str:
    """Sums over n, h, w of (n, c, h, w), with h and w as one axis, and so the axes of c, which end at `end`."""
    n, c = sizes.size(layout[0].axis), sizes.product(index.axis for index in layout[1:end])
    inner = sizes.product(index.axis for index in layout[end:])
    shaped = [f"{operand.name}.reshape({n}, {c}, {inner})" for operand in operands]
    if len(shaped) == 1:
        return f'np.einsum("ncm->c", {shaped[0]})'
    return f"np.vecdot({', '.join(shaped)}).sum(axis=0)"
