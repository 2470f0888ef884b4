"""What a formula is made of: numbers, names, entries, arithmetic, calls and reductions. Pure data with positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

ArithmeticOperator = Literal["+", "-", "*", "/", "**"]
Comparison = Literal[">", ">=", "<", "<="]
Reduction = Literal["sum", "mean", "max", "min"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node begins: line and column, both from 0."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number: 2, 0.5, 1e-3."""

    value: Fraction
    place: Place


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name: a scalar, a size, or an index where it stands in brackets."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One element of a tensor, x[n, 2*o + a]; a slot is an expression over indices, or an entry that is looked up."""

    name: str
    slots: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """left operator right."""

    operator: ArithmeticOperator
    left: Node
    right: Node
    place: Place


@dataclass(frozen=True, slots=True)
class Compare:
    """1 where the comparison holds, else 0."""

    operator: Comparison
    left: Node
    right: Node
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """An elementary function, max(u, v), min(u, v) or delta(i, j)."""

    function: str
    arguments: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Reduce:
    """sum[k](...), mean[k](...), max[k](...) or min[k](...) over whole axes."""

    kind: Reduction
    indices: tuple[str, ...]
    inside: Node
    place: Place


Node = Number | Name | Entry | Arithmetic | Compare | Call | Reduce


@dataclass(frozen=True, slots=True)
class Statement:
    """`name[indices] = value`."""

    name: str
    indices: tuple[str, ...]
    value: Node
    place: Place


@dataclass(frozen=True, slots=True)
class Formula:
    """The statements in order; the last one is the output. `text` is what was typed, for messages."""

    text: str
    statements: tuple[Statement, ...]


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node; the slots of an entry are among them."""
    match node:
        case Number() | Name():
            return ()
        case Entry():
            return node.slots
        case Arithmetic() | Compare():
            return (node.left, node.right)
        case Call():
            return node.arguments
        case Reduce():
            return (node.inside,)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, from left to right."""
    yield node
    for child in children(node):
        yield from walk(child)
