"""A graph of values -> the text of a formula: a line for each value that has a name or is used twice."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from gradlab.symbolic.trace.values import COMPARISON, Piece, Slots, Value, entry


def formula_text(output: Value, names: Mapping[Value, str], taken: Collection[str]) -> str:
    """The lines of a formula, the output's last.

    `names` are those that the function's author gave; `taken` are the names of inputs and parameters.
    """
    order = _in_order(output)
    uses = Counter(operand.base for value in order if not value.view for operand in value.operands)
    needed = {operand.base for value in order for operand in value.named}
    last = Value(output.axes, output.write, (output,)) if output.view or not output.operands else output
    sizes = {value.size for value in order if value.size is not None}
    known = {*taken, *names.values()}
    writer = Writer(known, sizes)
    fresh = _fresh(known, order)
    lines = []
    for value in order:
        asked = value in names or uses[value] > 1 or value in needed
        if asked and value is not last and not value.view and value.operands and not value.constant:
            lines.append(writer.statement(value, names.get(value) or next(fresh)))
    lines.append(
        writer.statement(
            last, names.get(last) or next(name for name in itertools.chain(("y", "out"), fresh) if name not in known)
        )
    )
    return "\n".join(lines)


def _fresh(known: Collection[str], order: Iterable[Value]) -> Iterator[str]:
    """Names for values that have none: t1, t2, …, which no index is called."""
    dimensions = {str(axis).lower() for value in order for axis in value.axes}
    prefix = next(prefix for prefix in ("t", "v", "value") if prefix not in dimensions)
    return (name for k in itertools.count(1) if (name := f"{prefix}{k}") not in known)


def _in_order(output: Value) -> list[Value]:
    """Every value below the output once, operands first."""
    found: dict[Value, None] = {}
    waiting: list[tuple[Value, bool]] = [(output, False)]
    while waiting:
        value, done = waiting.pop()
        if done:
            found.setdefault(value)
        elif value not in found:
            waiting.append((value, True))
            waiting += [(operand, False) for operand in reversed(value.operands)]
    return list(found)


class Writer:
    """Writes entries, and keeps the indices apart that are in use at one place."""

    def __init__(self, taken: Collection[str], sizes: Collection[str]) -> None:
        self.taken, self.sizes = frozenset(taken), frozenset(sizes)
        self.bound: dict[Value, str] = {}
        self.scope: list[str] = []
        self.letters: dict[str, str] = {}

    def statement(self, value: Value, name: str) -> str:
        """`name[n, d] = ...`; from here on, the value is written by that name."""
        with self.indices([axis for axis in value.axes if axis is not None]) as names:
            own = iter(names)
            slots = tuple(None if axis is None else next(own) for axis in value.axes)
            line = f"{entry(name, slots)} = {self.text(value, slots)}"
        self.bound[value] = name
        return line

    def piece(self, value: Value, slots: Slots) -> Piece:
        """One entry."""
        name = self.bound.get(value)
        return value.write(self, slots) if name is None else Piece(entry(name, slots))

    def text(self, value: Value, slots: Slots, level: int = COMPARISON) -> str:
        """One entry as text, in brackets where it holds together less than `level` asks."""
        piece = self.piece(value, slots)
        return piece.text if piece.level >= level else f"({piece.text})"

    @contextmanager
    def indices(self, dimensions: Sequence[str]) -> Iterator[list[str]]:
        """An index for each of some dimensions, none of which is in use: n, then n1 and so on."""
        names: list[str] = []
        for dimension in dimensions:
            first = self.letter(dimension)
            candidates = (first, *(f"{first}{k}" for k in range(1, 99)))
            names.append(next(name for name in candidates if name not in {*self.scope, *names, *self.taken}))
        self.scope += names
        try:
            yield names
        finally:
            del self.scope[len(self.scope) - len(names) :]

    def letter(self, dimension: str) -> str:
        """The first index of a dimension; its capital stands for the size, and is no input's name where it is used."""
        if dimension not in self.letters:
            own = dimension.lower()
            candidates = (own, *(f"{own}_{k}" for k in range(1, 99)))
            taken = {*self.taken, *self.letters.values()}
            self.letters[dimension] = next(
                name
                for name in candidates
                if name not in taken and not (dimension in self.sizes and name.upper() in self.taken)
            )
        return self.letters[dimension]

    def size(self, dimension: str) -> str:
        """The name of a size."""
        return self.letter(dimension).upper()
