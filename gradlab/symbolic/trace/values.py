"""What an array is in terms of the inputs: a graph of values, each of which can write its entries as a formula."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from gradlab.errors import FormulaError

if TYPE_CHECKING:
    from gradlab.symbolic.trace.writer import Writer

Axes = tuple[str | None, ...]
"""The dimension that each axis runs over; None for an axis of size 1."""

Slots = tuple[str | None, ...]
"""What stands on each axis where one entry is written: an index, or a label that is looked up; None on size 1."""

COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)
"""How tightly a text holds together, as in Python."""

_LARGEST_ROOT = 100


@dataclass(frozen=True, slots=True)
class Piece:
    """A text of the formula and what it is on the outside."""

    text: str
    level: int = ATOM


Writing = Callable[["Writer", Slots], Piece]
"""An entry of a value as text."""


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Value:
    """One array. `write(writer, slots)` gives an entry of it. What is computed twice is one value: see `shared`.

    A `view` shows entries of its one operand in another order. `constant` values hold no input. `named` are operands
    of which an entry must be written by name, as a maximum's must.
    """

    axes: Axes
    write: Writing
    operands: tuple[Value, ...] = ()
    view: bool = False
    constant: bool = False
    named: tuple[Value, ...] = ()
    size: str | None = None
    """The dimension whose size it is."""

    @property
    def base(self) -> Value:
        """What a view looks at."""
        return self.operands[0].base if self.view else self


_KNOWN: WeakValueDictionary[tuple[Any, ...], Value] = WeakValueDictionary()


def shared(key: tuple[Any, ...], make: Callable[[], Value]) -> Value:
    """The value of a key, which says all that it depends on; the same operation on the same operands is one value."""
    found = _KNOWN.get(key)
    if found is None:
        found = _KNOWN[key] = make()
    return found


# Leaves --------------------------------------------------------------------------------------------------------------


def given(name: str, axes: Axes) -> Value:
    """An input, or a scalar parameter."""
    return shared(("given", name, axes), lambda: Value(axes, lambda writer, slots: Piece(entry(name, slots))))


def entry(name: str, slots: Slots) -> str:
    """`name[n, d]`, or the bare name of a scalar."""
    kept = [slot for slot in slots if slot is not None]
    return f"{name}[{','.join(kept)}]" if kept else name


def size_of(dimension: str) -> Value:
    """The size of a dimension, as a number."""
    write: Writing = lambda writer, slots: Piece(writer.size(dimension))  # noqa: E731
    return shared(("size", dimension), lambda: Value((), write, constant=True, size=dimension))


def number(value: float | Fraction, axes: Axes = ()) -> Value:
    """A number; pi and roots of small whole numbers are recognised. Raises FormulaError for inf and nan."""
    if not math.isfinite(value):
        raise FormulaError(f"{value} is no number of a formula; leave out what it masks, or multiply by a mask")
    piece = _number(value)
    return shared(("number", piece, axes), lambda: Value(axes, lambda writer, slots: piece, constant=True))


def _number(value: float | Fraction) -> Piece:
    if value < 0:
        return Piece(f"-{_number(-value).text}", SIGN)
    if isinstance(value, Fraction) and value.denominator != 1:
        return Piece(f"{value.numerator}/{value.denominator}", PRODUCT)
    if value == int(value):
        return Piece(str(int(value)))
    if value == math.pi:
        return Piece("pi")
    square = round(value * value)
    return Piece(f"sqrt({square})" if square <= _LARGEST_ROOT and math.sqrt(square) == value else repr(float(value)))


# Arithmetic ----------------------------------------------------------------------------------------------------------


def elementwise(template: str, operands: Sequence[Value], levels: Sequence[int], level: int = ATOM) -> Value:
    """A function of entries; operand k is put into brackets where it holds together less than `levels[k]` asks."""

    def write(writer: Writer, slots: Slots) -> Piece:
        pairs = zip(operands, levels, strict=True)
        return Piece(template.format(*(writer.text(o, aligned(slots, o), wanted) for o, wanted in pairs)), level)

    axes = broadcast([operand.axes for operand in operands])
    constant = all(operand.constant for operand in operands)
    return shared((template, *operands), lambda: Value(axes, write, tuple(operands), constant=constant))


def broadcast(shapes: Sequence[Axes]) -> Axes:
    """NumPy's broadcasting of named dimensions; raises FormulaError for two that differ."""
    result: list[str | None] = []
    for column in itertools.zip_longest(*(reversed(shape) for shape in shapes)):
        names = {name for name in column if name is not None}
        if len(names) > 1:
            shown = " and ".join(shape_text(shape) for shape in shapes)
            raise FormulaError(f"shapes {shown} do not broadcast: {' and '.join(sorted(names))} may differ")
        result.append(names.pop() if names else None)
    return tuple(reversed(result))


def aligned(slots: Slots, operand: Value) -> Slots:
    """The slots of an operand that was broadcast."""
    own = slots[len(slots) - len(operand.axes) :]
    return tuple(None if axis is None else slot for slot, axis in zip(own, operand.axes, strict=True))


def shape_text(axes: Axes) -> str:
    """As NumPy shows shapes: (n, 1, d)."""
    inside = ", ".join(axis or "1" for axis in axes)
    return f"({inside},)" if len(axes) == 1 else f"({inside})"


# Sums and maxima -----------------------------------------------------------------------------------------------------


def reduced(kind: str, value: Value, positions: Sequence[int], keepdims: bool) -> Value:
    """sum, mean, max or min over some axes."""
    rank = len(value.axes)
    if keepdims:
        own = iter(range(rank))
        return rearranged(
            reduced(kind, value, positions, False), [None if p in positions else next(own) for p in range(rank)]
        )
    over = [position for position in positions if value.axes[position] is not None]
    if not over:
        return rearranged(value, [p for p in range(rank) if p not in positions])

    def write(writer: Writer, slots: Slots) -> Piece:
        own = iter(slots)
        whole = [None if p in positions else next(own) for p in range(rank)]
        with writer.indices([str(value.axes[p]) for p in over]) as names:
            for p, name in zip(over, names, strict=True):
                whole[p] = name
            text = writer.text(value, tuple(whole))
        return Piece(f"{kind}[{','.join(names)}]({text})")

    axes = tuple(axis for p, axis in enumerate(value.axes) if p not in positions)
    named = (value,) if kind in ("max", "min") else ()
    key = (kind, tuple(positions), value)
    return shared(key, lambda: Value(axes, write, (value,), named=named, constant=value.constant))


def contracted(factors: Sequence[Value], letters: Sequence[str], output: str) -> Value:
    """numpy.einsum: the sum of products over every letter that the output lacks."""
    dimensions: dict[str, str | None] = {}
    for factor, own in zip(factors, letters, strict=True):
        for letter, axis in zip(own, factor.axes, strict=True):
            known = dimensions.get(letter)
            if known is not None and axis is not None and known != axis:
                shown = " and ".join(shape_text(factor.axes) for factor in factors)
                raise FormulaError(f"shapes {shown}: the dimensions {known} and {axis} may differ and meet in one sum")
            dimensions[letter] = known or axis
    summed = [letter for letter, axis in dimensions.items() if letter not in output and axis is not None]

    def write(writer: Writer, slots: Slots) -> Piece:
        with writer.indices([str(dimensions[letter]) for letter in summed]) as names:
            at = {**dict(zip(output, slots, strict=True)), **dict(zip(summed, names, strict=True))}
            texts = []
            for k, (factor, own) in enumerate(zip(factors, letters, strict=True)):
                inner = tuple(None if a is None else at[x] for x, a in zip(own, factor.axes, strict=True))
                texts.append(writer.text(factor, inner, PRODUCT if k == 0 else POWER))
        product = "*".join(texts)
        if not names:
            return Piece(product, PRODUCT)
        return Piece(f"sum[{','.join(names)}]({product})")

    axes = tuple(dimensions[letter] for letter in output)
    constant = all(factor.constant for factor in factors)
    key = ("einsum", tuple(letters), output, *factors)
    return shared(key, lambda: Value(axes, write, tuple(factors), constant=constant))


# Other places --------------------------------------------------------------------------------------------------------


def rearranged(value: Value, sources: Sequence[int | None]) -> Value:
    """The same entries with axes in another order; None is a new axis of size 1. Every axis left out has size 1."""
    places = {source: position for position, source in enumerate(sources) if source is not None}
    if list(sources) == list(range(len(value.axes))):
        return value

    def write(writer: Writer, slots: Slots) -> Piece:
        own = range(len(value.axes))
        return writer.piece(value, tuple(slots[places[axis]] if axis in places else None for axis in own))

    axes = tuple(None if source is None else value.axes[source] for source in sources)
    key = ("view", tuple(sources), value)
    return shared(key, lambda: Value(axes, write, (value,), view=True, constant=value.constant))


def looked_up(table: Value, position: int, labels: Value, *, along: bool = False) -> Value:
    """`table[..., labels, ...]` on one axis; `along` is numpy.take_along_axis."""
    before, after = table.axes[:position], table.axes[position + 1 :]
    if along:
        rest = broadcast([(*before, None, *after), (*labels.axes[:position], None, *labels.axes[position + 1 :])])
        axes = (*rest[:position], labels.axes[position], *rest[position + 1 :])
    else:
        axes = (*before, *labels.axes, *after)

    def write(writer: Writer, slots: Slots) -> Piece:
        if along:
            label = writer.text(labels, aligned(slots, labels))
            own = tuple(None if axis is None else slot for slot, axis in zip(slots, table.axes, strict=True))
            return writer.piece(table, (*own[:position], label, *own[position + 1 :]))
        end = position + len(labels.axes)
        label = writer.text(labels, slots[position:end])
        return writer.piece(table, (*slots[:position], label, *slots[end:]))

    return shared(("lookup", position, along, table, labels), lambda: Value(axes, write, (table, labels)))
