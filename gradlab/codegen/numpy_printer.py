"""NumPy: in place, with the reductions and layouts that measured fastest (`python -m benchmarks.kernels`)."""

from __future__ import annotations

from collections.abc import Sequence

from gradlab.codegen import numpy_gathers
from gradlab.codegen.numpy_rows import Rows, repeated
from gradlab.codegen.numpy_sums import planes_end, reduction
from gradlab.codegen.numpy_windows import NumpyWindows
from gradlab.codegen.printer import along, beside, comparison, number_function, product_text
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
)
from gradlab.symbolic.functions import ELEMENTARY

_FUNCTIONS = {
    "sqrt": "np.sqrt({0}{out})",
    "square": "np.square({0}{out})",
    "reciprocal": "np.reciprocal({0}{out})",
} | {name: row.numpy for name, row in ELEMENTARY.items()}
_UFUNCS = {"+": "np.add", "-": "np.subtract", "*": "np.multiply", "/": "np.divide"}

_BLOCKED = 4  # statements in a chain; shorter ones gain less from the cache than the loop costs


class NumpyPrinter:
    """Prints one routine."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.rows = Rows(sizes)
        self.names: dict[str, str] = {}
        self.grids: dict[str, str] = {}
        self.held: set[str] = set()

    def prepare(self, statements: Sequence[Statement]) -> None:
        """Find the buffers that are written into by `out=`, and may be numbers: NumPy's results of no dimension are."""
        made = {s.target.name for s in statements if isinstance(s, Apply | Combine) and not s.reuse}
        written = {s.operand.name for s in statements if isinstance(s, Apply) and s.reuse}
        written |= {s.target.name for s in statements if isinstance(s, Combine) and _into_right(s)}
        self.held = written & made

    def combine(self, statement: Combine) -> list[str]:
        target = statement.target
        if self.rows.crossed(statement):
            return [*self.rows.unflattened(target), *self._combine(statement)]
        lines = self._combine(statement)
        if target.name in self.held and _scalar(target) and not statement.reuse and statement.right != target:
            name, _, value = lines[0].partition(" = ")
            # A view of all entries is an array, whatever the value was.
            lines[0] = f"{name} = ({value})[...]" if " " in value else f"{name} = {value}[...]"
        return lines

    def _combine(self, statement: Combine) -> list[str]:
        target, layout = statement.target, statement.target.layout
        # What is written in place keeps the shape that it has.
        block = self.rows.block(target) if statement.left == target else repeated(statement)
        if block is None:
            left = self.rows.operand(statement.left, layout)
            right = self.rows.operand(statement.right, layout, bare=_in_place(statement))
        else:
            left, right = (self.rows.row(operand, layout, block) for operand in (statement.left, statement.right))
            self.rows.flatten(target, block)
        if isinstance(statement.left, Value) and statement.left.boolean and not target.boolean:
            # Numbers first: a mask times a number is float64 whatever the others are, a mask plus a mask is a mask.
            cast = f"{left}.astype({self.sizes.like}.dtype)"
            if set(statement.left.layout) != set(layout):
                return [f"{target.name} = {cast} {statement.operator} {right}"]
            return [f"{target.name} = {cast}", f"{target.name} {statement.operator}= {_bare(right)}"]
        if _into_right(statement) and (target.name in self.held or not _scalar(target)):
            return [f"{target.name} = np.subtract({left}, {right}, out={right})"]
        return _combined(statement, left, right, self.sizes.like)

    def chain(self, statements: list[Combine]) -> list[str]:
        first = statements[0]
        new = first.target not in (first.left, first.right) and _like(first) is not None
        if len(statements) < _BLOCKED or not new or not all(map(_over_rows, statements)):
            return [line for statement in statements for line in self.combine(statement)]
        return self._blocked(statements)

    def assign(self, statement: Assign) -> list[str]:
        target, product = statement.target, statement.product
        if not target.layout:
            return [f"{target.name} = {product_text(product, (), self.sizes)}"]
        if set(product.layout) == set(target.layout) and product.bare:
            (value,) = product.values
            copied = f"astype({self.sizes.like}.dtype)" if value.boolean and not target.boolean else "copy()"
            return [f"{target.name} = {self.rows.operand(value, target.layout)}.{copied}"]
        text = product_text(product, target.layout, self.sizes)
        if set(product.layout) == set(target.layout):
            return [f"{target.name} = {text}"]
        if not product.coefficient.number:
            return [f"{target.name} = np.zeros({self.sizes.shape(target.layout)}, {self.sizes.like}.dtype)"]
        if not product.layout:
            return [f"{target.name} = np.full({self.sizes.shape(target.layout)}, {text}, {self.sizes.like}.dtype)"]
        shape = self.sizes.shape(target.layout)
        return [f"{target.name} = np.broadcast_to({text}, {shape}).copy()"]

    def zeros(self, statement: Zeros) -> list[str]:
        return [f"{statement.target.name} = np.zeros_like({statement.like.name})"]

    def apply(self, statement: Apply) -> list[str]:
        if statement.operand.constant:
            return [f"{statement.target.name} = {number_function(statement, self.sizes)}"]
        target, operand = statement.target.name, self.rows.operand(statement.operand, statement.target.layout)
        held = statement.operand.name in self.held
        out = f", out={operand}" if statement.reuse and (held or not _scalar(statement.target)) else ""
        if out:
            self.held.add(target)
        whole = "[...]" if target in self.held and not out and _scalar(statement.target) else ""
        match statement.function:
            case "positive_part":
                # The maximum of two arrays is vectorised, that of an array and a number is not.
                lines = [f"{target} = np.zeros({operand}.shape, {operand}.dtype)"]
                return [*lines, f"{target} = np.maximum({operand}, {target}, out={target})"]
            case "rsqrt":
                return [f"{target} = {f'(1 / np.sqrt({operand}))[...]' if whole else f'1 / np.sqrt({operand})'}"]
            case function if function.startswith("power "):
                return [f"{target} = {operand} ** ({function.removeprefix('power ')})"]
            case function:
                text = _FUNCTIONS[function].format(operand, *beside(statement.others, self.sizes), out=out)
                return [f"{target} = {text}{whole}"]

    def test(self, statement: Test) -> list[str]:
        if statement.operand.constant:
            return [f"{statement.target.name} = {comparison(statement, statement.operand.name, self.sizes, 'and')}"]
        operand = self.rows.operand(statement.operand, statement.target.layout)
        return [f"{statement.target.name} = {comparison(statement, operand, self.sizes, '&')}"]

    def reduce(self, statement: Reduce) -> list[str]:
        target = statement.target
        lines = [f"{target.name} = {reduction(statement, self.sizes, self.rows.shaped)}"]
        layouts = {operand.layout for operand in statement.operands}
        if len(layouts) == 1 and (planes_end(layouts.pop(), statement.bound) or 0) > 2 and len(statement.operands) < 3:
            lines.append(f"{target.name} = {self.rows.own(target)}")
        return lines

    def accumulate(self, statement: Accumulate) -> list[str]:
        operand, layout = self.rows.operand(statement.operand, statement.operand.layout), statement.operand.layout
        axis, flipped = layout.index(statement.over) - len(layout), along(layout, statement.over, "::-1")
        if not statement.reverse:
            return [f"{statement.target.name} = np.cumsum({operand}, axis={axis})"]
        return [f"{statement.target.name} = np.cumsum({operand}{flipped}, axis={axis}){flipped}"]

    def multiply(self, statement: Multiply) -> list[str]:
        target, x, layout = statement.target.name, statement.operand.name, statement.operand.layout
        axis = layout.index(statement.over) - len(layout)
        if not statement.others:
            return [f"{target} = {x}.prod(axis={axis})"]
        first, rest, last, flipped = (along(layout, statement.over, part) for part in (":-1", "1:", ":0:-1", "::-1"))
        before, after = self._unused("before"), self._unused("after")
        return [
            "# what stands before each entry times what stands behind it: a zero needs no division",
            f"{before}, {after} = np.ones_like({x}), np.ones_like({x})",
            f"{before}{rest} = np.cumprod({x}{first}, axis={axis})",
            f"{after}{first} = np.cumprod({x}{last}, axis={axis}){flipped}",
            f"{target} = np.multiply({before}, {after}, out={before})",
        ]

    def vary(self, statement: Vary) -> list[str]:
        target, x, t = statement.target.name, statement.operand.name, statement.tangent.name
        return [
            "# products of what stands before and behind each entry, and their slopes along the tangent",
            f"before, after = np.ones_like({x}), np.ones_like({x})",
            f"before_slope, after_slope = np.zeros_like({x}), np.zeros_like({x})",
            f"for k in range(1, {x}.shape[-1]):",
            f"    before_slope[..., k] = before_slope[..., k - 1] * {x}[..., k - 1]",
            f"    before_slope[..., k] += before[..., k - 1] * {t}[..., k - 1]",
            f"    before[..., k] = before[..., k - 1] * {x}[..., k - 1]",
            f"for k in range({x}.shape[-1] - 1, 0, -1):",
            f"    after_slope[..., k - 1] = after_slope[..., k] * {x}[..., k] + after[..., k] * {t}[..., k]",
            f"    after[..., k - 1] = after[..., k] * {x}[..., k]",
            f"{target} = before_slope * after + before * after_slope",
        ]

    def shift(self, statement: Shift) -> list[str]:
        x, axis = statement.operand.name, statement.operand.layout.index(statement.over) - len(statement.operand.layout)
        target, lines = statement.target.name, list[str]()
        # `initial` makes an axis of size 0 work and costs nothing; where no entry may count, it is a finite number.
        least = "-np.inf"
        if statement.where is not None or statement.largest is not None:
            least = f"np.finfo({x}.dtype).min"
        if statement.where is not None:
            where = self.rows.operand(statement.where, statement.operand.layout)
            lines, x = [f"{target} = np.where({where}, {x}, -np.inf)"], target
        if statement.largest is not None:
            lines += [f"{statement.largest.name} = {x}.max(axis={axis}, initial={least})"]
            kept = self.rows.operand(statement.largest, statement.operand.layout)
        else:
            kept = f"{x}.max(axis={axis}, keepdims=True, initial={least})"
        if statement.where is not None or (statement.reuse and not _scalar(statement.target)):
            return [*lines, f"{target} = np.subtract({x}, {kept}, out={x})"]
        # C order lets labels be found by flat position.
        return [*lines, f'{target} = np.subtract({x}, {kept}, order="C")']

    def check(self, statement: Check) -> list[str]:
        return numpy_gathers.check(statement, self.sizes)

    def find(self, statement: Find) -> list[str]:
        return numpy_gathers.find(statement, self.sizes)

    def largest(self, statement: Largest) -> list[str]:
        windows = NumpyWindows(self.sizes, self._own_name, self.grids)
        grid = windows.description(statement.slots)
        array = statement.array.name
        return [*windows.before, f"{statement.target.name}, {statement.place.name} = largest({array}, {grid})"]

    def locate(self, statement: Locate) -> list[str]:
        return numpy_gathers.locate(statement, self.sizes)

    def pick(self, statement: Pick) -> list[str]:
        return numpy_gathers.pick(statement, self.sizes)

    def scatter(self, statement: Scatter) -> list[str]:
        return self.rows.unflattened(statement.array) + numpy_gathers.scatter(statement, self.sizes)

    def scatter_sum(self, statement: ScatterSum) -> list[str]:
        return numpy_gathers.scatter_sum(statement, self.sizes)

    def slide(self, statement: Slide) -> list[str]:
        return NumpyWindows(self.sizes, self._own_name, self.grids).lines(statement)

    def convolved(self, statement: Convolved) -> list[str]:
        return [*self.spread(statement.of_array), *self.slide(statement.of_kernel)]

    def spread(self, statement: Spread) -> list[str]:
        return NumpyWindows(self.sizes, self._own_name, self.grids).lines(statement)

    def result(self, value: Value) -> str:
        return self.rows.whole(value).name

    def _blocked(self, statements: list[Combine]) -> list[str]:
        """A long chain, one block of rows at a time: all but the first statement find their data in the cache."""
        target, layout = statements[0].target, statements[0].target.layout
        block = next((found for found in map(repeated, statements) if found is not None), None)
        rows, part = self._unused("rows"), self._unused("part")
        before: list[str] = []
        inside: list[str] = []
        for statement in statements:
            left, right = (
                self._by_rows(operand, statement, block, before, rows) for operand in (statement.left, statement.right)
            )
            if statement.left == target:
                inside.append(f"{part} {statement.operator}= {right}")
            else:
                out = f"out={target.name}[{rows}]"
                inside.append(f"{part} = {_UFUNCS[statement.operator]}({left}, {right}, {out})")
        like = _like(statements[0])
        assert like is not None  # asked before
        shaped = self.rows.row(like, layout, block) if block is not None else self.rows.operand(like, layout)
        if block is not None:
            self.rows.flatten(target, block)
        return [
            *before,
            f"{target.name} = np.empty({shaped}.shape, {like.name}.dtype)",
            f"for {rows} in blocks({target.name}.shape):",
            *(f"    {line}" for line in inside),
        ]

    def _by_rows(self, operand: Operand, statement: Combine, block: int | None, before: list[str], rows: str) -> str:
        """A full-size operand by rows; what is smaller is computed once, before the loop."""
        layout = statement.target.layout
        text = (
            self.rows.row(operand, layout, block)
            if block is not None
            else self.rows.operand(operand, layout, bare=True)
        )
        if operand.layout == layout:
            return f"{text}[{rows}]"
        starts = statement.left != statement.target
        name = self._unused("shift" if statement.operator in "+-" else "slope" if starts else "scale")
        before.append(f"{name} = {text}")
        return name

    def _unused(self, wanted: str) -> str:
        """A name that the routine does not use yet."""
        name = next(n for n in (wanted, *(f"{wanted}_{i}" for i in range(2, 99))) if n not in self.sizes.taken)
        self.sizes.taken.add(name)
        return name

    def _own_name(self, wanted: str) -> str:
        """The same unused name each time it is asked for: of what lives within one statement."""
        if wanted not in self.names:
            self.names[wanted] = self._unused(wanted)
        return self.names[wanted]


def _into_right(statement: Combine) -> bool:
    """Whether the buffer of the result is that of the right operand, as in y = 1 - y."""
    return statement.operator == "-" and statement.right == statement.target and not statement.left.layout


def _combined(statement: Combine, left: str, right: str, like: str) -> list[str]:
    target, operator = statement.target.name, statement.operator
    if statement.reuse and statement.left == statement.target:
        return [f"{target} {operator}= {_bare(right)}"]
    mask = isinstance(statement.right, Value) and statement.right.boolean
    if mask and operator == "*" and set(statement.right.layout) == set(statement.target.layout):
        # Cast first: the product of two arrays of one type is faster than that of a float and a bool.
        return [f"{target} = {right}.astype({like}.dtype)", f"{target} *= {_bare(left)}"]
    if _in_place(statement):
        return [f"{target} = {_UFUNCS[operator]}({left}, {right}, out={left})"]
    return [f"{target} = {left} {operator} {right}"]


def _bare(text: str) -> str:
    """An operand that stands alone needs no parentheses around it."""
    inside = text[1:-1]
    return inside if text.startswith("(") and text.endswith(")") and "(" not in inside else text


def _over_rows(statement: Combine) -> bool:
    """Whether the first axis can be cut into blocks: no operand but the full-size ones has it."""
    layout = statement.target.layout
    if len(layout) < 2 or any(index.axis.ellipsis for index in layout):
        return False
    return all(o.layout == layout or layout[0] not in o.layout for o in (statement.left, statement.right))


def _in_place(statement: Combine) -> bool:
    """Whether the right operand stands alone, as in `t *= right` and `np.multiply(left, right, out=left)`."""
    return statement.reuse and (statement.left == statement.target or not _scalar(statement.target))


def _scalar(value: Value) -> bool:
    """May have no axes at run time: then NumPy gives numbers, which cannot be written into."""
    return all(index.axis.ellipsis for index in value.layout)


def _like(statement: Combine) -> Value | None:
    """An operand whose shape and dtype the result has."""
    layout = statement.target.layout
    found = (o for o in (statement.left, statement.right) if isinstance(o, Value) and o.layout == layout)
    return next((value for value in found if not value.boolean), None)
