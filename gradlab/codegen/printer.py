"""What both printers share: sizes, coefficients, products and the alignment of axes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from math import floor
from typing import Protocol

from gradlab.codegen.statements import (
    Accumulate,
    Apply,
    Assign,
    Check,
    Coefficient,
    Combine,
    Convolved,
    Find,
    Largest,
    Multiply,
    Note,
    Operand,
    Pick,
    Product,
    Reduce,
    Routine,
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
from gradlab.errors import DefinitionError
from gradlab.symbolic.factor import LONG
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Axis, Index
from gradlab.symbolic.program import Program


class Printer(Protocol):
    """One target library: a line or more for each kind of statement."""

    sizes: Sizes

    def prepare(self, statements: Sequence[Statement]) -> None:
        """Look at a whole routine before its first line is printed."""

    def combine(self, statement: Combine) -> list[str]:
        """Two operands and an operator."""

    def chain(self, statements: list[Combine]) -> list[str]:
        """Several of them in place on one buffer."""

    def assign(self, statement: Assign) -> list[str]:
        """A product, broadcast."""

    def zeros(self, statement: Zeros) -> list[str]:
        """Zeros like another array."""

    def apply(self, statement: Apply) -> list[str]:
        """An elementary function."""

    def test(self, statement: Test) -> list[str]:
        """A comparison."""

    def reduce(self, statement: Reduce) -> list[str]:
        """A sum."""

    def accumulate(self, statement: Accumulate) -> list[str]:
        """Running sums."""

    def multiply(self, statement: Multiply) -> list[str]:
        """A product over an axis, or of all other entries."""

    def vary(self, statement: Vary) -> list[str]:
        """The derivative of products of all other entries."""

    def shift(self, statement: Shift) -> list[str]:
        """Less the maximum."""

    def check(self, statement: Check) -> list[str]:
        """An error for labels that are no positions."""

    def find(self, statement: Find) -> list[str]:
        """Places of maxima."""

    def largest(self, statement: Largest) -> list[str]:
        """Maxima of windows and their places."""

    def pick(self, statement: Pick) -> list[str]:
        """Entries at labels or places."""

    def scatter(self, statement: Scatter) -> list[str]:
        """Addition at labels or places, each met once."""

    def scatter_sum(self, statement: ScatterSum) -> list[str]:
        """Addition at labels or places that repeat."""

    def slide(self, statement: Slide) -> list[str]:
        """Entries at computed indices."""

    def convolved(self, statement: Convolved) -> list[str]:
        """Both gradients of a convolution."""

    def spread(self, statement: Spread) -> list[str]:
        """Addition at computed indices."""

    def result(self, value: Value) -> str:
        """A value in its own shape."""


def parenthesised(names: list[str]) -> str:
    """Names as a tuple."""
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


class Sizes:
    """The sizes that a routine's lines mention, and the lines that define them.

    `like` names an array of the routine whose dtype and device new arrays take; `led` is one with leading dimensions.
    """

    def __init__(self, program: Program, taken: Iterable[str], nan: str, like: str, led: Value | None = None) -> None:
        self.operation = program.name
        self.inputs = {given.tensor.name for given in program.inputs}
        self.like = like
        self.led = led
        self.rank = {axis: position for position, axis in enumerate(program.axes)}
        self.windows = program.windows
        self.taken = set(taken)
        self.nan = nan
        self.single: dict[Axis, str] = {}
        self.products: dict[str, str] = {}
        self.inverses: dict[str, str] = {}

    def size(self, axis: Axis) -> str:
        """The variable that holds a size."""
        if axis.parameter:
            return axis.name
        if axis not in self.single:
            self.single[axis] = axis.name if axis.name not in self.taken else f"size_{axis.name}"
        return self.single[axis]

    def shape(self, layout: tuple[Index, ...]) -> str:
        """A shape as a tuple."""
        return parenthesised([self.leading() if i.axis.ellipsis else self.size(i.axis) for i in layout])

    def leading(self) -> str:
        """The leading dimensions, any number of them."""
        if self.led is None:
            raise DefinitionError(f"{self.operation}: no array at hand has the leading dimensions")
        behind = len(self.led.layout) - 1
        return f"*{self.led.name}.shape[:-{behind}]" if behind else f"*{self.led.name}.shape"

    def product(self, axes: Iterable[Axis]) -> str:
        """The variable that holds a product of sizes."""
        names = [self.size(axis) for axis in sorted(axes, key=lambda axis: self.rank[axis])]
        if len(names) == 1:
            return names[0]
        joined = ("" if all(len(name) == 1 for name in names) else "_").join(names)
        if len(names) == 2 and names[0] == names[1]:
            joined = f"{names[0]}_squared"
        self.products[joined] = " * ".join(names)
        return joined

    def inverse(self, axes: Iterable[Axis]) -> str:
        """The variable that holds one over a product of sizes; NaN where it is 0, as the mean of nothing is."""
        size = self.product(axes)
        self.inverses[f"inverse_{size}"] = size
        return f"inverse_{size}"

    def lines(self, sources: Iterable[Value], given: Iterable[Axis] = ()) -> list[str]:
        """Definitions, from the shapes of these arrays; those of `given` are known, those of windows follow."""
        sources = tuple(sources)
        computed = self.computed(sources)
        defined = {*computed, *given}
        lines, missing = [], {axis: name for axis, name in self.single.items() if axis not in defined}
        for value in sources:
            positions = {index.axis: i for i, index in enumerate(value.layout)}
            here = [axis for axis in missing if axis in positions]
            if not here:
                continue
            ellipsis = any(index.axis.ellipsis for index in value.layout)
            if len(here) == 1 or ellipsis:
                for axis in here:
                    position = positions[axis] - (len(value.layout) if ellipsis else 0)
                    lines.append(f"{missing.pop(axis)} = {_extent(value, axis, position)}")
            else:
                shape = (missing.pop(index.axis, "_") for index in value.layout)
                lines.append(f"{', '.join(shape)} = {value.name}.shape")
        if missing:
            axis = next(iter(missing))
            raise DefinitionError(
                f"{self.operation}: axis {axis.name} is the axis of no input, so its size is unknown; sum it away"
            )
        shown = {axis: self.single.get(axis, axis.name) for axis in self.rank}
        lines += [f"{shown[axis]} = {self.windows[axis].formula(shown)}" for axis in computed]
        lines += [f"{name} = {text}" for name, text in self.products.items()]
        lines += [f"{name} = 1 / {size} if {size} else {self.nan}" for name, size in self.inverses.items()]
        return lines

    def computed(self, sources: Iterable[Value]) -> list[Axis]:
        """The windows whose number none of these arrays shows; what it follows from is needed too."""
        known = {index.axis for value in sources for index in value.layout}
        found = []
        for axis in reversed(self.windows):
            if axis in self.single and axis not in known:
                found.append(axis)
                slot = self.windows[axis].slot
                for other in (slot.axis, *(index.axis for _, index in slot.parts)):
                    self.size(other)
        return [axis for axis in self.windows if axis in found]

    def parameters(self, computed: Iterable[Axis]) -> set[str]:
        """The integer parameters that these numbers of windows follow from."""
        computed = tuple(computed)
        slots = [self.windows[axis].slot for axis in computed]
        scales = [scale for slot in slots for scale in (*slot.offset, *(scale for scale, _ in slot.parts))]
        sizes = {index.axis.name for slot in slots for _, index in slot.parts if index.axis.parameter}
        rounding = {self.windows[axis].ceil for axis in computed} - {""}
        return sizes | rounding | {name for scale in scales for name in scale.parameters}

    def missing(self, sources: Iterable[Value]) -> list[Axis]:
        """The axes whose size none of these arrays has, nor follows from those that they have."""
        sources = tuple(sources)
        known = {index.axis for value in sources for index in value.layout} | {*self.computed(sources)}
        return [axis for axis in self.single if axis not in known]

    def coefficient(self, coefficient: Coefficient) -> str:
        """A coefficient as an expression: -inverse_n, 2 * n, 0.5."""
        whole = [(axis, floor(exponent)) for axis, exponent in coefficient.sizes]
        above = [axis for axis, exponent in whole for _ in range(exponent)]
        below = [axis for axis, exponent in whole for _ in range(-exponent)]
        number = abs(coefficient.number)
        parts = [_number(number)] if number != 1 else []
        parts += constants(coefficient.constants)
        parts += [_root(self.size(axis), e - floor(e)) for axis, e in coefficient.sizes if e.denominator != 1]
        parts += [self.product(above)] if above else []
        parts += [self.inverse(below)] if below else []
        shown = " * ".join(parts) or "1"
        return f"-{shown}" if coefficient.number < 0 else shown


def _extent(value: Value, axis: Axis, position: int) -> str:
    """The size of an axis; of leading dimensions, the number of entries along all of them together."""
    if not axis.ellipsis:
        return f"{value.name}.shape[{position}]"
    leading = "" if len(value.layout) == 1 else f"[:{position + 1}]"
    return f"math.prod({value.name}.shape{leading})"


def constants(powers: Iterable[tuple[str, Fraction]]) -> list[str]:
    """pi and roots of whole numbers as Python numbers: `math.sqrt(2 / math.pi)`."""
    parts = []
    roots: tuple[list[str], list[str]] = ([], [])
    for name, exponent in powers:
        base = "math.pi" if name == "pi" else name
        whole = floor(exponent) if exponent > 0 else -floor(-exponent)
        parts += [f"{base} ** {whole}" if whole != 1 else base] if whole else []
        if exponent != whole:
            roots[exponent < 0].append(base)
    above, below = (" * ".join(sorted(names)) for names in roots)
    under = f"({below})" if "*" in below else below
    parts += [f"math.sqrt({above or 1}{f' / {under}' if under else ''})"] if above or below else []
    return parts


def _root(size: str, exponent: Fraction) -> str:
    return f"math.sqrt({size})" if exponent == Fraction(1, 2) else f"{size} ** ({exponent})"


def _number(number: Fraction) -> str:
    if number.denominator == 1:
        return str(number.numerator)
    if number.denominator & (number.denominator - 1) == 0 or number.denominator > LONG:
        return repr(float(number))  # a power of two below is exact in every floating-point type; a decimal was one
    return f"({number.numerator} / {number.denominator})"


def product_text(product: Product, target: tuple[Index, ...], sizes: Sizes) -> str:
    """A product without parentheses; scalars and the coefficient come first, so that arrays are met last."""
    # Masks last: a mask times a Python number would be an array of integers.
    small = sorted(product.values, key=lambda value: (value.boolean, len(value.layout)))
    parts = [align(value, target) for value in small]
    if not product.coefficient.one:
        scalars = sum(not value.layout for value in small)
        text, position = sizes.coefficient(product.coefficient), max(scalars, min(1, len(parts)))
        # Numbers meet each other before they meet an array.
        parts.insert(position, f"({text})" if position and " * " in text else text)
    shown = " * ".join(parts) or "1"
    return shown + "".join(f" / {align(value, target)}" for value in product.divisors)


def operand_text(operand: Operand, target: tuple[Index, ...], sizes: Sizes) -> str:
    """An operand, aligned to the target's axes; a product of several factors in parentheses."""
    if isinstance(operand, Value):
        return align(operand, target)
    own = tuple(index for index in target if index in operand.layout)
    text = product_text(operand, own, sizes)
    compound = len(operand.values) + 2 * len(operand.divisors) > 1 or " " in text
    return (f"({text})" if compound else text) + suffix(own, target)


def along(layout: tuple[Index, ...], over: Index, text: str) -> str:
    """An index expression that applies `text` to one axis and leaves the others alone."""
    position = layout.index(over)
    behind = [text, *[":"] * (len(layout) - position - 1)]
    ellipsis = any(index.axis.ellipsis for index in layout)
    return f"[{', '.join(['...'] if ellipsis else [':'] * position) + ', ' if position else ''}{', '.join(behind)}]"


def bare_text(operand: Operand, target: tuple[Index, ...], sizes: Sizes) -> str:
    """An operand without parentheses around it, aligned to the target's axes."""
    own = tuple(index for index in target if index in operand.layout)
    if isinstance(operand, Value) or suffix(own, target):  # new axes belong to the whole product
        return operand_text(operand, target, sizes)
    return product_text(operand, own, sizes)


def align(value: Value, target: tuple[Index, ...]) -> str:
    """An array with its axes in the target's order and new axes where the target has more."""
    order = [index for index in target if index in value.layout]
    text = value.name
    if tuple(order) != value.layout and len(order) == len(value.layout):
        text += ".T" if len(order) == 2 else ".mT" if swapped(value.layout, order) else _swaps(value.layout, order)
    return text + suffix(tuple(order), target)


def _swaps(layout: Sequence[Index], order: Sequence[Index]) -> str:
    """A permutation as exchanges of two axes, which NumPy and torch write alike."""
    own, text = [*layout], ""
    for position, index in enumerate(order):
        other = own.index(index)
        if other != position:
            own[position], own[other] = own[other], own[position]
            text += f".swapaxes({position}, {other})"
    return text


def swapped(layout: Sequence[Index], order: Sequence[Index]) -> bool:
    """Whether the order is that of the layout but for the last two axes, which have changed places."""
    return [*layout[:-2], *layout[:-3:-1]] == [*order]


def suffix(layout: tuple[Index, ...], target: tuple[Index, ...]) -> str:
    """The indexing that adds the missing axes; leading ones come by broadcasting."""
    if not layout or layout == target[len(target) - len(layout) :]:
        return ""
    first = next(i for i, index in enumerate(target) if index in layout)
    shown = [("..." if index.axis.ellipsis else ":") if index in layout else "None" for index in target[first:]]
    return f"[{', '.join(shown)}]"


_NUMBERS = {
    "sqrt": "math.sqrt({0})",
    "rsqrt": "1 / math.sqrt({0})",
    "square": "{0} * {0}",
    # As the mean of nothing: NaN, where Python would raise and NumPy warn.
    "reciprocal": "1 / {0} if {0} else {nan}",
} | {name: row.number for name, row in ELEMENTARY.items()}


def number_function(statement: Apply, sizes: Sizes) -> str:
    """A function of a Python number, as one: NumPy's and torch's own would give a scalar with a dtype."""
    operand, function = statement.operand.name, statement.function
    if function.startswith("power "):
        return f"{operand} ** ({function.removeprefix('power ')})"
    return _NUMBERS[function].format(operand, *beside(statement.others, sizes), nan=sizes.nan)


def beside(numbers: Iterable[Product], sizes: Sizes) -> list[str]:
    """The numbers that stand beside the operand of a function or a comparison."""
    return [product_text(number, (), sizes) for number in numbers]


def comparison(statement: Test, operand: str, sizes: Sizes, join: str) -> str:
    """A comparison with 0, or with two bounds."""
    if not statement.bounds:
        return f"{operand} > 0"
    low, high = beside(statement.bounds, sizes)
    equal = "=" if statement.closed else ""
    return f"({operand} >{equal} {low}) {join} ({operand} <{equal} {high})"


def body(routine: Routine, printer: Printer) -> list[str]:
    """The lines of a routine after its sizes. Arithmetic in place on one buffer is handed over as a whole."""
    lines: list[str] = []
    printer.prepare(routine.statements)
    for _, group in groupby(_runs(routine.statements), key=lambda item: item[0]):
        run = [statement for _, statement in group]
        combined = [statement for statement in run if isinstance(statement, Combine)]
        lines += printer.chain(combined) if len(combined) > 1 else statement_lines(run[0], printer)
    return lines


def _runs(statements: Iterable[Statement]) -> Iterator[tuple[int, Statement]]:
    """Number the statements; those that go on in the buffer of the one before have its number."""
    number, target = 0, None
    for statement in statements:
        goes_on = isinstance(statement, Combine) and statement.left == statement.target == target and statement.reuse
        number += not goes_on
        target = statement.target if isinstance(statement, Combine) else None
        yield number, statement


def statement_lines(statement: Statement, printer: Printer) -> list[str]:
    """One statement in the target's words."""
    match statement:
        case Note(text):
            return comment(text)
        case Combine():
            return printer.combine(statement)
        case Assign():
            return printer.assign(statement)
        case Zeros():
            return printer.zeros(statement)
        case Apply():
            return printer.apply(statement)
        case Test():
            return printer.test(statement)
        case Reduce():
            return printer.reduce(statement)
        case Accumulate():
            return printer.accumulate(statement)
        case Multiply():
            return printer.multiply(statement)
        case Vary():
            return printer.vary(statement)
        case Shift():
            return printer.shift(statement)
        case Check():
            return printer.check(statement)
        case Find():
            return printer.find(statement)
        case Largest():
            return printer.largest(statement)
        case Pick():
            return printer.pick(statement)
        case Scatter():
            return printer.scatter(statement)
        case ScatterSum():
            return printer.scatter_sum(statement)
        case Slide():
            return printer.slide(statement)
        case Convolved():
            return printer.convolved(statement)
        case Spread():
            return printer.spread(statement)


_COMMENT_WIDTH = 112


def comment(text: str) -> list[str]:
    """A comment, broken between words where it is too long for a line."""
    lines, current = [], "#"
    for word in text.split(" "):
        if len(current) + len(word) + 1 > _COMMENT_WIDTH:
            lines.append(current)
            current = "#    "
        current += f" {word}"
    return [*lines, current]
