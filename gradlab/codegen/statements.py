"""Array statements between the index expressions and the printed code. Pure data; the printers know the library."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any, Literal, TypeVar

from gradlab.symbolic.indices import Axis, Index, Slot, slot_indices

Operator = Literal["+", "-", "*", "/"]


@dataclass(frozen=True)
class Value:
    """An array with a name; its axes are the indices of `layout`, in order.

    `constant` marks a Python number (a parameter, or what follows from parameters): it never changes an array's dtype.
    """

    name: str
    layout: tuple[Index, ...]
    boolean: bool = False
    constant: bool = False


@dataclass(frozen=True)
class Coefficient:
    """A number times powers of sizes and of constants such as pi, known before any array is touched."""

    number: Fraction = Fraction(1)
    sizes: tuple[tuple[Axis, Fraction], ...] = ()
    constants: tuple[tuple[str, Fraction], ...] = ()

    def times(self, other: Coefficient) -> Coefficient:
        """The product."""
        return Coefficient(
            self.number * other.number, _merged(self.sizes, other.sizes), _merged(self.constants, other.constants)
        )

    def inverse(self) -> Coefficient:
        """The reciprocal."""
        return Coefficient(1 / self.number, _inverted(self.sizes), _inverted(self.constants))

    @property
    def sign(self) -> Operator:
        """The operator that adds a term with this coefficient's magnitude."""
        return "-" if self.number < 0 else "+"

    def negated(self) -> Coefficient:
        """With the other sign."""
        return replace(self, number=-self.number)

    def absolute(self) -> Coefficient:
        """Without its sign."""
        return replace(self, number=abs(self.number))

    @property
    def one(self) -> bool:
        """True for the number 1."""
        return self == Coefficient()


_T = TypeVar("_T")
_Powers = tuple[tuple[_T, Fraction], ...]


def _merged(left: _Powers[_T], right: _Powers[_T]) -> _Powers[_T]:
    powers = dict(left)
    for base, exponent in right:
        powers[base] = powers.get(base, Fraction(0)) + exponent
    return tuple((base, exponent) for base, exponent in powers.items() if exponent)


def _inverted(powers: _Powers[_T]) -> _Powers[_T]:
    return tuple((base, -exponent) for base, exponent in powers)


@dataclass(frozen=True)
class Product:
    """A coefficient times values, computed at the size of its own layout: what is small is multiplied first."""

    values: tuple[Value, ...] = ()
    divisors: tuple[Value, ...] = ()
    coefficient: Coefficient = field(default_factory=Coefficient)

    @property
    def layout(self) -> tuple[Index, ...]:
        """The indices of all its values."""
        return tuple(dict.fromkeys(index for value in (*self.values, *self.divisors) for index in value.layout))

    @property
    def bare(self) -> bool:
        """Whether it is one value and nothing else."""
        return len(self.values) == 1 and not self.divisors and self.coefficient.one


Operand = Value | Product


@dataclass(frozen=True)
class Combine:
    """target = left <operator> right; `reuse` writes into the buffer of `left`, which nothing needs any more."""

    target: Value
    operator: Operator
    left: Operand
    right: Operand
    reuse: bool = False


@dataclass(frozen=True)
class Assign:
    """target = a product of values, broadcast to the target's layout where it has fewer axes; an array of its own."""

    target: Value
    product: Product


@dataclass(frozen=True)
class Zeros:
    """target = zeros of the shape and dtype of another array."""

    target: Value
    like: Value


@dataclass(frozen=True)
class Apply:
    """target = function(operand), element by element: a row of ELEMENTARY or a power; `others` are numbers beside it.

    `reuse` writes into the buffer of the operand.
    """

    target: Value
    function: str
    operand: Value
    reuse: bool = False
    others: tuple[Product, ...] = ()


@dataclass(frozen=True)
class Test:
    """target = where operand > 0; with `bounds`, where it lies between them, themselves included if `closed`."""

    target: Value
    operand: Value
    bounds: tuple[Product, ...] = ()
    closed: bool = False


@dataclass(frozen=True)
class Reduce:
    """target = sum over `bound` of the product of the operands, plus what `calls` found to come with it (torch)."""

    target: Value
    operands: tuple[Value, ...]
    bound: tuple[Index, ...]
    added: Value | None = None


@dataclass(frozen=True)
class Accumulate:
    """target = running sums of the operand over one axis, from its end to its front where `reverse`."""

    target: Value
    operand: Value
    over: Index
    reverse: bool


@dataclass(frozen=True)
class Multiply:
    """target = the product of the operand over one axis; for each place the product of all others where `others`."""

    target: Value
    operand: Value
    over: Index
    others: bool


@dataclass(frozen=True)
class Vary:
    """target = for each place the derivative of the product of all others, where the operand moves along `tangent`."""

    target: Value
    operand: Value
    tangent: Value


@dataclass(frozen=True)
class Shift:
    """target = operand - its maximum over an axis, called `largest` where that is used later.

    Entries where the mask `where` is False do not count, and become -inf. `reuse` writes into the operand's buffer.
    """

    target: Value
    operand: Value
    over: Index
    where: Value | None = None
    largest: Value | None = None
    reuse: bool = False


@dataclass(frozen=True)
class Check:
    """An error where an integer tensor holds what is no position on the axis."""

    labels: Value
    axis: Axis


@dataclass(frozen=True)
class Find:
    """target = the place of the first maximum (minimum, where `least`) of the operand over `over`, row by row."""

    target: Value
    operand: Value
    over: tuple[Index, ...]
    least: bool = False


@dataclass(frozen=True)
class Largest:
    """target, place = the maximum of each window of an array and the place of the first one that is as large.

    `slots` describes the windows; what they have outside the array does not count.
    """

    target: Value
    place: Value
    array: Value
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Locate:
    """target = where the entries at these slots lie in an array in C order."""

    target: Value
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Pick:
    """target = the entries of an array at these slots, one for each of its axes; `at`: Locate has found them."""

    target: Value
    array: Value
    slots: tuple[Slot, ...]
    at: Value | None = None


@dataclass(frozen=True)
class Scatter:
    """array[slots] += product, in place; no entry is met twice. `fresh`: the array is still zero everywhere.

    `at`: Locate has found them, and the array is in C order.
    """

    array: Value
    slots: tuple[Slot, ...]
    product: Product
    fresh: bool = False
    at: Value | None = None


@dataclass(frozen=True)
class ScatterSum:
    """target = zeros, then target[slots] += product; what meets the same entry adds up."""

    target: Value
    slots: tuple[Slot, ...]
    product: Product


@dataclass(frozen=True)
class Slide:
    """target = sum over `bound` of the entries of an array at `slots`, times a kernel where there is one.

    Where a computed slot points outside the array, the entry is 0. `added`: as in Reduce.
    """

    target: Value
    array: Value
    slots: tuple[Slot, ...]
    kernel: Value | None
    bound: tuple[Index, ...]
    added: Value | None = None


@dataclass(frozen=True)
class Spread:
    """The transpose: target[slots] += array times a kernel where there is one, summed over `bound`."""

    target: Value
    slots: tuple[Slot, ...]
    array: Value
    kernel: Value | None
    bound: tuple[Index, ...]


@dataclass(frozen=True)
class Convolved:
    """Both gradients of a convolution, which read the same upstream; `asked` says in code whether each is needed."""

    of_array: Spread
    of_kernel: Slide
    asked: tuple[str, str]


@dataclass(frozen=True)
class Note:
    """A comment line: an equation of the derivation, or why a line is there."""

    text: str


def slots_layout(slots: Iterable[Slot]) -> tuple[Index, ...]:
    """The indices of an entry at these slots, in order of appearance."""
    return tuple(dict.fromkeys(index for slot in slots for index in slot_indices(slot)))


def values_of(item: Any) -> list[Value]:
    """All values that a statement or an operand mentions."""
    if isinstance(item, Value):
        return [item]
    if isinstance(item, tuple):
        return [value for part in item for value in values_of(part)]
    if isinstance(item, Product):
        return [*item.values, *item.divisors]
    if isinstance(item, str | int | bool) or not hasattr(item, "__dataclass_fields__"):
        return []
    return [value for field in fields(item) for value in values_of(getattr(item, field.name))]


Elementwise = Combine | Assign | Zeros | Apply | Test
Gathered = Check | Find | Largest | Locate | Pick | Scatter | ScatterSum | Slide | Spread | Convolved
Statement = Elementwise | Reduce | Accumulate | Multiply | Vary | Shift | Gathered | Note


@dataclass(frozen=True)
class Routine:
    """A function of the kernel: its array arguments, its statements and what it returns."""

    arguments: tuple[Value, ...]
    statements: tuple[Statement, ...]
    results: tuple[Value | None, ...]
    saved: tuple[Value, ...] = ()
