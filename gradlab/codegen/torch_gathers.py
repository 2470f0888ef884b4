"""torch: lookups and their adjoints as functions, in the forms that torch.compile and torch.func.vmap can take.

What a batch of cotangents goes through is reshaped, not flattened: the vmap behind `is_grads_batched` has no rule for
`flatten` and `unflatten`.
"""

from __future__ import annotations

from gradlab.codegen.numpy_gathers import axis_of
from gradlab.codegen.places import Place, along, apart, flat, no_leading, places
from gradlab.codegen.printer import align, product_text
from gradlab.codegen.sizes import Sizes, parenthesised
from gradlab.codegen.statements import Find, Pick, Product, Scatter, ScatterSum, Value, slots_layout
from gradlab.symbolic.indices import Gather, Index, slot_indices


def find(statement: Find, sizes: Sizes) -> list[str]:
    """argmax, over several axes as over one."""
    operand, over = statement.operand, statement.over
    kept = tuple(index for index in operand.layout if index not in over)
    function = "argmin" if statement.least else "argmax"
    if len(over) == 1:
        found = f"{operand.name}.{function}(dim={axis_of(operand, over[0])})"
    else:
        order = [operand.layout.index(index) for index in (*kept, *over)]
        moved = operand.name if order == sorted(order) else f"{operand.name}.permute({', '.join(map(str, order))})"
        found = f"{moved}.flatten(-{len(over)}).{function}(dim=-1)"
    return [f"{statement.target.name} = {align(Value(found, kept), statement.target.layout)}"]


def pick(statement: Pick, sizes: Sizes) -> list[str]:
    """Whole slices by `index_select`, one entry of each row by `gather`, anything else by tensors of indices."""
    items = places(statement.slots, sizes.operation)
    array, target = statement.array, statement.target.name
    text = _merged(array.name, items, sizes)
    slices, row = apart(items), along(items)
    if slices is not None:
        return [f"{target} = {_slices(array, text, items, slices)}"]
    if row is not None:
        dim = row - len(items)
        return [f"{target} = {text}.gather({dim}, {items[row].tensor}.unsqueeze({dim})).squeeze({dim})"]
    no_leading(items, sizes.operation)
    before, at = _rows(items), items[-1].slot
    if before is not None and isinstance(at, Gather):
        return [f"{target} = {text}.gather(-1, {at.tensor}.flatten({before})).reshape({at.tensor}.shape)"]
    return [f"{target} = {text}[{', '.join(_indices(items, sizes))}]"]


def scatter(statement: Scatter, sizes: Sizes) -> list[str]:
    """A new tensor with the product added where it belongs."""
    items = places(statement.slots, sizes.operation)
    array, layout = statement.array.name, slots_layout(statement.slots)
    value = product_text(statement.product, layout, sizes)
    row = along(items)
    if row is not None:
        dim, at = row - len(items), f"{items[row].tensor}.unsqueeze({row - len(items)})"
        value = f"({value})" if " " in value else value
        if set(statement.product.layout) == set(layout):
            value = f"{value}.unsqueeze({dim})"
        else:
            value = f"{_expanded(value, statement.product, layout, sizes)}.unsqueeze({dim})"
        result = f"{_merged(array, items, sizes)}.scatter_add({dim}, {at}, {value})"
        return [f"{array} = {_parted(result, items, sizes)}"]
    no_leading(items, sizes.operation)
    at, value = ", ".join(_indices(items, sizes)), _tensor(value, statement.product, sizes)
    result = f"{_merged(array, items, sizes)}.index_put(({at},), {value}, accumulate=True)"
    return [f"{array} = {_parted(result, items, sizes)}"]


def scatter_sum(statement: ScatterSum, sizes: Sizes) -> list[str]:
    """Rows by `index_add`; single entries by their flat positions."""
    items = places(statement.slots, sizes.operation)
    no_leading(items, sizes.operation)
    target, product, layout = statement.target, statement.product, slots_layout(statement.slots)
    value = product_text(product, layout, sizes)
    value = f"({value})" if " " in value else value
    if set(product.layout) != set(layout):
        value = _expanded(value, product, layout, sizes)
    zeros = f"{sizes.like}.new_zeros({{}})"
    slices = apart(items)
    if slices is not None and len(items[slices].axes) == 1:
        label, shape = items[slices].tensor, [item.size(sizes) for item in items]
        if not _plain(items[slices]):
            shape[slices] = f"{label}.numel()"
            value, label = f"{value}.reshape({', '.join(shape)})", f"{label}.reshape(-1)"
        return [f"{target.name} = {zeros.format(sizes.shape(target.layout))}.index_add({slices}, {label}, {value})"]
    row, place = _rows(items), items[-1].slot
    if row is not None and isinstance(place, Gather):
        # Behind the axes that the place depends on in order, all others of it count as one.
        inner = zeros.format(parenthesised([item.size(sizes) for item in items]))
        at = f"{target.name}_at"
        return [
            f"{at} = {place.tensor}.flatten({row})",
            f"{target.name} = {inner}.scatter_add(-1, {at}, {value}.reshape({at}.shape))",
            f"{target.name} = {target.name}.reshape{sizes.shape(target.layout)}",
        ]
    at = flat(items, layout, _arange(sizes), sizes)
    count = sizes.product(index.axis for index in target.layout)
    return [
        f"{target.name}_at = {at}",
        f"{target.name} = {zeros.format(count)}.scatter_add(0, {target.name}_at.reshape(-1), {value}.reshape(-1))",
        f"{target.name} = {target.name}.reshape{sizes.shape(target.layout)}",
    ]


def _slices(array: Value, text: str, items: list[Place], position: int) -> str:
    label = items[position].tensor
    dim = position - len(items) if any(index.axis.ellipsis for index in array.layout) else position
    if _plain(items[position]):
        return f"{text}.index_select({dim}, {label})"
    picked = f"{text}.index_select({dim}, {label}.reshape(-1))"
    if position == 0:
        return f"{picked}.reshape(*{label}.shape, *{text}.shape[1:])"
    behind = f", *{text}.shape[{dim + 1}:]" if dim != -1 else ""
    return f"{picked}.reshape(*{text}.shape[:{dim}], *{label}.shape{behind})"


def _rows(items: list[Place]) -> int | None:
    """How many plain slots come before a last one whose place depends on these first, and on others."""
    *plain, last = items
    if not last.gather or any(item.gather for item in plain):
        return None
    order = tuple(slot_indices(last.slot))[: len(plain)]
    return len(plain) if order == tuple(item.slot for item in plain) and plain else None


def _plain(item: Place) -> bool:
    """A label for each index of one axis: a vector, as `index_select` and `index_add` take it."""
    return isinstance(item.slot, Gather) and len(item.slot.slots) == 1 and not item.slot.slots[0].axis.ellipsis


def _expanded(value: str, product: Product, layout: tuple[Index, ...], sizes: Sizes) -> str:
    """A value with fewer axes at the size of all."""
    made = _tensor(value, product, sizes)
    shape = ", ".join(sizes.leading() if index.axis.ellipsis else sizes.size(index.axis) for index in layout)
    return f"{made}.expand({shape})"


def _tensor(value: str, product: Product, sizes: Sizes) -> str:
    """A product of Python numbers as a tensor."""
    numbers = all(factor.constant for factor in (*product.values, *product.divisors))
    return f"{sizes.like}.new_full((), {value})" if numbers else value


def _merged(array: str, items: list[Place], sizes: Sizes) -> str:
    """The array with the axes of each plane as one."""
    if all(len(item.axes) == 1 for item in items):
        return array
    return f"{array}.reshape({', '.join(_sizes(item, sizes) for item in items)})"


def _parted(result: str, items: list[Place], sizes: Sizes) -> str:
    """The axes of each plane apart again."""
    if all(len(item.axes) == 1 for item in items):
        return result
    parts = [_sizes(item, sizes) if len(item.axes) == 1 else ", ".join(map(sizes.size, item.axes)) for item in items]
    return f"{result}.reshape({', '.join(parts)})"


def _sizes(item: Place, sizes: Sizes) -> str:
    """The size of a place, or those of the leading dimensions."""
    return sizes.leading() if item.axes[0].ellipsis else item.size(sizes)


def _arange(sizes: Sizes) -> str:
    return f"torch.arange({{}}, device={sizes.like}.device)"


def _indices(items: list[Place], sizes: Sizes) -> list[str]:
    layout = slots_layout(item.slot for item in items)
    return [item.text(layout, _arange(sizes), sizes) for item in items]
