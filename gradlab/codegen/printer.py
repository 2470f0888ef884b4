"""What both printers share: operands as text, the alignment of axes, and the walk over the statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

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
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Index


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

    def locate(self, statement: Locate) -> list[str]:
        """Positions of entries in memory."""

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


def product_text(product: Product, target: tuple[Index, ...], sizes: Sizes) -> str:
    """A product without parentheses; scalars and the coefficient come first, so that arrays are met last."""
    # Masks last: a mask times a Python number would be an array of integers.
    small = sorted(product.values, key=lambda value: (value.boolean, len(value.layout)))
    parts = [align(value, target) for value in small]
    if parts and product.coefficient.negated().one and not small[0].boolean:
        parts[0] = f"-{parts[0]}"
    elif not product.coefficient.one:
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
    signed = bool(operand.values) and text.startswith("-")
    compound = len(operand.values) + 2 * len(operand.divisors) > 1 or " " in text or signed
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
        case Locate():
            return printer.locate(statement)
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
