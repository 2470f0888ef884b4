"""torch: statements that torch.compile and torch.func.vmap can take, on any device; in place where vmap allows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from gradlab.codegen import torch_gathers
from gradlab.codegen.buffers import mapped_alike
from gradlab.codegen.contraction import einsum, factors, matmul, multiplied, numbers
from gradlab.codegen.convolution import grid_parts
from gradlab.codegen.printer import (
    align,
    along,
    bare_text,
    beside,
    comparison,
    number_function,
    operand_text,
    product_text,
)
from gradlab.codegen.sizes import Sizes
from gradlab.codegen.statements import (
    Accumulate,
    Apply,
    Assign,
    Check,
    Combine,
    Convolved,
    Find,
    Largest,
    Locate,
    Multiply,
    Operand,
    Pick,
    Reduce,
    Scatter,
    ScatterSum,
    Shift,
    Slide,
    Spread,
    Statement,
    Test,
    Value,
    Vary,
    Zeros,
    values_of,
)
from gradlab.codegen.torch_windows import TorchWindows
from gradlab.errors import DefinitionError
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Affine, Index

_FUNCTIONS = {
    "sqrt": "torch.sqrt({0})",
    "rsqrt": "torch.rsqrt({0})",
    "square": "torch.square({0})",
    "reciprocal": "torch.reciprocal({0})",
} | {name: row.torch for name, row in ELEMENTARY.items()}
_SIGNS = {"+": "", "-": ", value=-1"}
_METHODS = {"+": "add_", "-": "sub_", "*": "mul_", "/": "div_"}


class TorchPrinter:
    """Prints one routine."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.positive: dict[Value, Value] = {}
        """Values, each with its positive part."""
        self.in_place: frozenset[Combine] = frozenset()
        self.fused: dict[Combine, Combine] = {}
        """Sums, each with the product before it that nothing else needs: one pass over memory for both."""

    def prepare(self, statements: Sequence[Statement]) -> None:
        """Find what may be written in place, and what is one pass.

        A comment stands before what has a name of its own, so that temporaries alone stand side by side.
        """
        self.in_place = mapped_alike(statements)
        mentioned = Counter(value.name for statement in statements for value in values_of(statement))
        for product, total in pairwise(statements):
            if isinstance(product, Combine) and isinstance(total, Combine) and total.right == product.target:
                once = mentioned[product.target.name] == 2
                if once and total.operator in _SIGNS and _one_pass(product, total.left):
                    self.fused[total] = product

    def combine(self, statement: Combine) -> list[str]:
        layout = statement.target.layout
        if statement in self.fused.values():
            return []
        if statement in self.fused:
            product = self.fused[statement]
            texts = [bare_text(o, layout, self.sizes) for o in (statement.left, product.left, product.right)]
            return [f"{statement.target.name} = torch.addcmul({', '.join(texts)}{_SIGNS[statement.operator]})"]
        in_place = statement in self.in_place
        left = operand_text(statement.left, layout, self.sizes)
        right = (bare_text if in_place else operand_text)(statement.right, layout, self.sizes)
        if isinstance(statement.left, Value) and statement.left.boolean and not statement.target.boolean:
            left = f"{left}.to({self.sizes.like}.dtype)"  # else a mask times a number has torch's default type
        elif statement.operator == "*" and self._own_mask(statement.right, layout):
            right = f"{right}.view(torch.uint8)"  # a CPU multiplies by bytes three times as fast as by booleans
        if not in_place:
            return [f"{statement.target.name} = {left} {statement.operator} {right}"]
        if statement.left == statement.target:
            return [f"{left} {statement.operator}= {right}"]
        return [f"{statement.target.name} = {left}.{_METHODS[statement.operator]}({right})"]

    def chain(self, statements: list[Combine]) -> list[str]:
        """Statement by statement, but for a product that goes into a sum, which is one pass over memory."""
        first, second, *rest = statements
        if second.operator != "+" or not _one_pass(first, second.right):
            return [line for statement in statements for line in self.combine(statement)]
        layout = first.target.layout
        left, right = (bare_text(operand, layout, self.sizes) for operand in (first.left, first.right))
        added = operand_text(second.right, layout, self.sizes)
        line = f"{first.target.name} = torch.addcmul({added}, {left}, {right})"
        return [line, *(line for statement in rest for line in self.combine(statement))]

    def assign(self, statement: Assign) -> list[str]:
        target, product = statement.target, statement.product
        text = product_text(product, target.layout, self.sizes)
        if target.constant:
            return [f"{target.name} = {text}"]
        if all(value.constant for value in (*product.values, *product.divisors)) and product.coefficient.number:
            return [f"{target.name} = {self.sizes.like}.new_full({self.sizes.shape(target.layout)}, {text})"]
        if set(product.layout) == set(target.layout) and product.bare:
            numbers = product.values[0].boolean and not target.boolean
            return [f"{target.name} = {text}{f'.to({self.sizes.like}.dtype)' if numbers else '.clone()'}"]
        if set(product.layout) == set(target.layout):
            return [f"{target.name} = {text}"]
        if not product.coefficient.number:
            return [f"{target.name} = {self.sizes.like}.new_zeros({self.sizes.shape(target.layout)})"]
        shape = self.sizes.shape(target.layout)
        # expand, and narrow below: broadcast_to and slices have no rule under gradcheck's batched gradients.
        return [f"{target.name} = {text if text.isidentifier() else f'({text})'}.expand({shape}).clone()"]

    def zeros(self, statement: Zeros) -> list[str]:
        return [f"{statement.target.name} = torch.zeros_like({statement.like.name})"]

    def apply(self, statement: Apply) -> list[str]:
        if statement.operand.constant:
            return [f"{statement.target.name} = {number_function(statement, self.sizes)}"]
        function = statement.function
        operand = align(statement.operand, statement.target.layout)
        if function == "positive_part":
            self.positive[statement.operand] = statement.target
        if function.startswith("power "):
            return [f"{statement.target.name} = {operand} ** ({function.removeprefix('power ')})"]
        text = _FUNCTIONS[function].format(operand, *beside(statement.others, self.sizes))
        return [f"{statement.target.name} = {text}"]

    def test(self, statement: Test) -> list[str]:
        if statement.operand.constant:
            return [f"{statement.target.name} = {comparison(statement, statement.operand.name, self.sizes, 'and')}"]
        positive = None if statement.bounds else self.positive.get(statement.operand)
        if positive is not None:  # as bytes where it is not 0: a CPU is six times as fast at it as at comparing
            return [f"{statement.target.name} = {align(positive, statement.target.layout)}.bool()"]
        operand = align(statement.operand, statement.target.layout)
        return [f"{statement.target.name} = {comparison(statement, operand, self.sizes, '&')}"]

    def reduce(self, statement: Reduce) -> list[str]:
        return [f"{statement.target.name} = {self._reduction(statement)}"]

    def accumulate(self, statement: Accumulate) -> list[str]:
        operand, layout = align(statement.operand, statement.operand.layout), statement.operand.layout
        axis = layout.index(statement.over) - len(layout)
        if not statement.reverse:
            return [f"{statement.target.name} = {operand}.cumsum({axis})"]
        return [f"{statement.target.name} = {operand}.flip({axis}).cumsum({axis}).flip({axis})"]

    def multiply(self, statement: Multiply) -> list[str]:
        target, x, layout = statement.target.name, statement.operand.name, statement.operand.layout
        axis = layout.index(statement.over) - len(layout)
        if not statement.others:
            return [f"{target} = {x}.prod({axis})"]
        one, first, rest = (along(layout, statement.over, part) for part in (":1", ":-1", "1:"))
        return [
            "# what stands before each entry times what stands behind it: a zero needs no division",
            f"one_{x} = torch.ones_like({x}{one})",
            f"before_{x} = torch.cat((one_{x}, {x}{first}), {axis}).cumprod({axis})",
            f"after_{x} = torch.cat((one_{x}, {x}{rest}.flip({axis})), {axis}).cumprod({axis}).flip({axis})",
            f"{target} = before_{x} * after_{x}",
        ]

    def vary(self, statement: Vary) -> list[str]:
        target, x, t = statement.target.name, statement.operand.name, statement.tangent.name
        return [
            "# products of what stands before and behind each entry, and their slopes along the tangent",
            f"one, zero = torch.ones_like({x}.sum(-1)), torch.zeros_like({x}.sum(-1))",
            "before, before_slope, after, after_slope = [one], [zero], [one], [zero]",
            f"for k in range({x}.shape[-1] - 1):",
            f"    before_slope.append(before_slope[-1] * {x}[..., k] + before[-1] * {t}[..., k])",
            f"    before.append(before[-1] * {x}[..., k])",
            f"for k in range({x}.shape[-1] - 1, 0, -1):",
            f"    after_slope.append(after_slope[-1] * {x}[..., k] + after[-1] * {t}[..., k])",
            f"    after.append(after[-1] * {x}[..., k])",
            f"{target} = torch.stack(before_slope, -1) * torch.stack(after[::-1], -1)",
            f"{target} = {target} + torch.stack(before, -1) * torch.stack(after_slope[::-1], -1)",
            f"{target} = {target}.narrow(-1, 0, {x}.shape[-1])",
        ]

    def shift(self, statement: Shift) -> list[str]:
        x, axis = statement.operand.name, statement.operand.layout.index(statement.over) - len(statement.operand.layout)
        target, layout, lines = statement.target.name, statement.operand.layout, list[str]()
        finite = (
            "" if statement.where is None and statement.largest is None else f".clamp(min=torch.finfo({x}.dtype).min)"
        )
        if statement.where is not None:
            lines, x = [f"{target} = {x}.masked_fill(~{align(statement.where, layout)}, -torch.inf)"], target
        # amax refuses an axis of size 0, where there is nothing to subtract.
        if statement.largest is not None:
            largest = f"{x}.amax(dim={axis}){finite} if {x}.shape[{axis}] else {x}.sum(dim={axis})"
            lines += [f"{statement.largest.name} = {largest}"]
            return [*lines, f"{target} = {x} - {align(statement.largest, layout)}"]
        largest = f"({x}.amax(dim={axis}, keepdim=True){finite} if {x}.shape[{axis}] else 0)"
        return [*lines, f"{target} = {x} - {largest}"]

    def check(self, statement: Check) -> list[str]:
        return []  # torch's own lookups refuse them, and asking here would wait for a GPU

    def find(self, statement: Find) -> list[str]:
        return torch_gathers.find(statement, self.sizes)

    def largest(self, statement: Largest) -> list[str]:
        if sum(isinstance(slot, Affine) and len(slot.parts) > 1 for slot in statement.slots) > 3:
            raise DefinitionError(
                f"{self.sizes.operation}: no torch code for a maximum over windows of more than 3 axes"
            )
        grid = ", ".join(grid_parts(statement.slots, self.sizes))
        return [f"{statement.target.name}, {statement.place.name} = largest({statement.array.name}, {grid})"]

    def locate(self, statement: Locate) -> list[str]:
        raise AssertionError("torch finds entries by their labels, as gather and scatter_add take them")

    def pick(self, statement: Pick) -> list[str]:
        return torch_gathers.pick(statement, self.sizes)

    def scatter(self, statement: Scatter) -> list[str]:
        return torch_gathers.scatter(statement, self.sizes)

    def scatter_sum(self, statement: ScatterSum) -> list[str]:
        return torch_gathers.scatter_sum(statement, self.sizes)

    def slide(self, statement: Slide) -> list[str]:
        return TorchWindows(self.sizes).slide(statement)

    def spread(self, statement: Spread) -> list[str]:
        return TorchWindows(self.sizes).spread(statement)

    def convolved(self, statement: Convolved) -> list[str]:
        return TorchWindows(self.sizes).convolved(statement)

    def result(self, value: Value) -> str:
        return value.name

    def _own_mask(self, operand: Operand, layout: tuple[Index, ...]) -> bool:
        """Whether this is a comparison's result, of one byte; a mask that is handed in may have any type."""
        return (
            isinstance(operand, Value)
            and operand.boolean
            and operand.layout == layout
            and operand.name not in self.sizes.inputs
        )

    def _reduction(self, statement: Reduce) -> str:
        operands = numbers(statement.operands, self.sizes.like, "to", mixed=False)
        bound, target = statement.bound, statement.target.layout
        if statement.added is not None:
            return f"torch.addmm({', '.join([statement.added.name, *(factors(operands, bound, target) or ())])})"
        layouts = {operand.layout for operand in operands}
        if len(layouts) == 1:
            layout = layouts.pop()
            names = " * ".join(operand.name for operand in operands)
            inside = f"({names})" if len(operands) > 1 else names
            if len(bound) == len(layout):
                return f"{inside}.sum()"
            if any(index.axis.ellipsis for index in bound):
                # sum_to_size, because .sum(dim=()) of no leading dimension would sum them all
                kept = operands[0].layout[len(bound) :]
                return f"{inside}.sum_to_size({operands[0].name}.shape[-{len(kept)}:])"
            ellipsis = any(index.axis.ellipsis for index in layout)
            axes = sorted(layout.index(index) - (len(layout) if ellipsis else 0) for index in bound)
            runs = [tuple(axes)] if ellipsis else _side_by_side(axes)
            return inside + "".join(f".sum(dim={run[0] if len(run) == 1 else run})" for run in runs)
        shown = matmul(operands, bound, target) or multiplied(operands, bound, target)
        return shown or einsum("torch.einsum", operands, target)


def _side_by_side(axes: Sequence[int]) -> list[tuple[int, ...]]:
    """Axes that lie side by side, the last ones first: one sum over axes apart is slower than two, the second small."""
    starts = [axis for axis in axes if axis - 1 not in axes]
    runs = [tuple(axis for axis in axes if start <= axis < end) for start, end in pairwise([*starts, axes[-1] + 1])]
    return runs[::-1]


def _one_pass(product: Combine, array: Operand) -> bool:
    """Whether a product that is as large as the result is best added to an array while it is made.

    An array that is repeated along the last axes takes torch's loop over three arrays out of its stride.
    """
    layout, factor = product.target.layout, product.right
    arrays = all(
        bool(operand.layout) and not (isinstance(operand, Value) and operand.boolean)
        for operand in (product.left, factor, array)
    )
    large = isinstance(product.left, Value) and product.left.layout == layout
    streams = array.layout == layout or all(layout[-len(part.layout) :] == part.layout for part in (factor, array))
    return product.operator == "*" and arrays and large and streams
