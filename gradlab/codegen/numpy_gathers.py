"""NumPy: lookups and their adjoints. `python -m benchmarks.kernels` has the measurements behind the forms."""

from __future__ import annotations

from gradlab.codegen.places import Place, along, apart, flat, no_leading, places, repeated
from gradlab.codegen.printer import align, product_text
from gradlab.codegen.sizes import Sizes
from gradlab.codegen.statements import (
    Check,
    Find,
    Locate,
    Pick,
    Product,
    Scatter,
    ScatterSum,
    Value,
    slots_layout,
)
from gradlab.symbolic.indices import Index, slot_indices


def check(statement: Check, sizes: Sizes) -> list[str]:
    """Labels out of range, with the values and the range."""
    label, count = statement.labels.name, sizes.size(statement.axis)
    return [
        f"if {label}.size and not 0 <= {label}.min() <= {label}.max() < {count}:",
        f'    found = f"{label} holds values from {{{label}.min()}} to {{{label}.max()}}"',
        f'    raise IndexError(f"{{found}}; labels are positions from 0 to {{{count} - 1}}")',
    ]


def find(statement: Find, sizes: Sizes) -> list[str]:
    """argmax, over several axes as over one."""
    operand, over = statement.operand, statement.over
    kept = tuple(index for index in operand.layout if index not in over)
    function = "argmin" if statement.least else "argmax"
    if len(over) == 1:
        found = f"{operand.name}.{function}(axis={axis_of(operand, over[0])})"
    else:
        shape = [sizes.leading() if index.axis.ellipsis else sizes.size(index.axis) for index in kept]
        rows = ", ".join([*shape, sizes.product(index.axis for index in over)])
        found = f"{align(operand, (*kept, *over))}.reshape({rows}).{function}(axis=-1)"
    return [f"{statement.target.name} = {align(Value(found, kept), statement.target.layout)}"]


def locate(statement: Locate, sizes: Sizes) -> list[str]:
    """Flat positions, as `take` and an array of one dimension have them."""
    items = places(statement.slots, sizes.operation)
    return [f"{statement.target.name} = {flat(items, statement.target.layout, 'np.arange({})', sizes)}"]


def pick(statement: Pick, sizes: Sizes) -> list[str]:
    """Whole slices by `take`, one entry of each row along an axis, anything else by arrays of indices."""
    items = places(statement.slots, sizes.operation)
    array = _merged(statement.array, items, sizes)
    target = statement.target.name
    if statement.at is not None:
        return [f"{target} = {array}.take({statement.at.name})"]
    slices, row = apart(items), along(items)
    if slices is not None:
        return [f"{target} = {array}.take({items[slices].tensor}, axis={_axis(items, slices)})"]
    if row is not None and _ellipsis(items):
        axis = row - len(items)
        found = f"np.take_along_axis({array}, {_expanded(items[row].tensor, axis)}, axis={axis})"
        return [f"{target} = {found}{'[..., 0]' if axis == -1 else f'.squeeze({axis})'}"]
    return [f"{target} = {array}[{_indexing(items, sizes)}]"]


def scatter(statement: Scatter, sizes: Sizes) -> list[str]:
    """In place, at arrays of indices that meet no entry twice."""
    items = places(statement.slots, sizes.operation)
    array, product = statement.array.name, statement.product
    layout = slots_layout(statement.slots)
    row = along(items)
    if row is not None and _ellipsis(items):
        axis = row - len(items)
        value = product_text(product, layout, sizes)
        value = _expanded(value, axis) if product.layout else value
        at = _expanded(items[row].tensor, axis)
        if statement.fresh:
            return [f"np.put_along_axis({_merged(statement.array, items, sizes)}, {at}, {value}, axis={axis})"]
        name = f"{items[row].tensor}_at"
        old = f"np.take_along_axis({array}, {name}, axis={axis})"
        return [f"{name} = {at}", f"np.put_along_axis({array}, {name}, {old} + {value}, axis={axis})"]
    if statement.at is not None:
        place = f"{array}.reshape(-1)[{statement.at.name}]"
    else:
        place = f"{_merged(statement.array, items, sizes)}[{_indexing(items, sizes)}]"
    negative = product.coefficient.number < 0 and not statement.fresh
    coefficient = product.coefficient.negated() if negative else product.coefficient
    value = product_text(Product(product.values, product.divisors, coefficient), layout, sizes)
    return [f"{place} {'=' if statement.fresh else '-=' if negative else '+='} {value}"]


def scatter_sum(statement: ScatterSum, sizes: Sizes) -> list[str]:
    """`np.add.at` on flat positions: over one axis it is ten times as fast as over rows, and faster than sorting."""
    items = places(statement.slots, sizes.operation)
    no_leading(items, sizes.operation)
    layout = slots_layout(statement.slots)
    target, product = statement.target, statement.product
    at = flat(items, layout, "np.arange({})", sizes)
    value = product_text(product, layout, sizes)
    lines: list[str] = []
    if len(layout) > 1 or any(index.axis.ellipsis for index in layout):
        lines = [f"{target.name}_at = {at}"]
        at = f"{target.name}_at.reshape(-1)"
        if set(product.layout) == set(layout):
            value = f"({value}).reshape(-1)" if " " in value else f"{value}.reshape(-1)"
        elif product.layout:
            value = f"np.broadcast_to({value}, {target.name}_at.shape).reshape(-1)"
    count = sizes.product(index.axis for index in target.layout)
    lines += [
        f"{target.name} = np.zeros({count}, {sizes.like}.dtype)",
        f"np.add.at({target.name}, {at}, {value})",
    ]
    if len(target.layout) > 1:
        lines.append(f"{target.name} = {target.name}.reshape{sizes.shape(target.layout)}")
    return lines


def axis_of(value: Value, index: Index) -> int:
    """The number of an axis; from the end where there may be any number of leading ones."""
    position = value.layout.index(index)
    return position - len(value.layout) if any(own.axis.ellipsis for own in value.layout) else position


def _expanded(value: str, axis: int) -> str:
    """With one more axis, of size 1."""
    if axis != -1:
        return f"np.expand_dims({value}, {axis})"
    return f"({value})[..., None]" if " " in value else f"{value}[..., None]"


def _axis(items: list[Place], position: int) -> int:
    return position - len(items) if _ellipsis(items) else position


def _ellipsis(items: list[Place]) -> bool:
    return any(isinstance(item.slot, Index) and item.slot.axis.ellipsis for item in items)


def _merged(array: Value, items: list[Place], sizes: Sizes) -> str:
    """The array with the axes of each plane as one."""
    if all(len(item.axes) == 1 for item in items):
        return array.name
    shape = (sizes.leading() if item.axes[0].ellipsis else item.size(sizes) for item in items)
    return f"{array.name}.reshape({', '.join(shape)})"


def _indexing(items: list[Place], sizes: Sizes) -> str:
    """What stands in the brackets: arrays of indices for the slots that belong together, slices around them."""
    inside = {index for item in items if item.gather for index in slot_indices(item.slot)} | repeated(items)
    together = [n for n, item in enumerate(items) if item.gather or item.slot in inside]
    first, last = together[0], together[-1] + 1
    block = items[first:last]
    no_leading(block, sizes.operation)
    layout = slots_layout(item.slot for item in block)
    before = ["..." if item.axes[0].ellipsis else ":" for item in items[:first]]
    after = [":" for _ in items[last:]] if "..." in before else []
    arrays = [item.text(layout, "np.arange({})", sizes) for item in block]
    return ", ".join([*before, *arrays, *after])
