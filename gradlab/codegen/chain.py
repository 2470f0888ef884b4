"""A sum of pieces as a chain of statements on one buffer: start with a product, add in place, multiply at the end."""

from __future__ import annotations

from collections.abc import Callable

from gradlab.codegen.pieces import Piece, absolute, merge, plain, start_rank
from gradlab.codegen.statements import Assign, Combine, Operand, Product, Statement, Value


class Chain:
    """Emits the statements; `name` gives unused names, `reusable` says which buffers may be overwritten."""

    def __init__(
        self, emit: Callable[[Statement], None], name: Callable[[str], str], reusable: Callable[[Value], bool]
    ) -> None:
        self.emit, self.name, self.reusable = emit, name, reusable

    def dense(self, target: Value, front: Piece, pieces: list[Piece]) -> None:
        """The sum of the pieces, times what stands in front."""
        if not target.layout or not any(piece.full(target.layout) for piece in pieces):
            self._small(target, front, pieces)
            return
        first, *rest = sorted(pieces, key=lambda piece: start_rank(piece, target.layout))
        positive = [piece for piece in rest if not piece.full(target.layout) and piece.coefficient.number > 0]
        if positive and first.full(target.layout) and first.coefficient.number < 0 and not plain(first, target.layout):
            # 1 - y * y: the product without its sign, then subtracted from the number.
            rest = [piece for piece in rest if piece is not positive[0]]
            self._product(target, Piece(first.coefficient.absolute(), first.values, first.divisors))
            self.emit(Combine(target, "-", positive[0].product, target))
        elif rest and plain(first, target.layout) and first.coefficient.number > 0:
            second, rest = rest[0], rest[1:]
            self._pair(target, first, second)
        elif rest and not first.full(target.layout) and plain(rest[0], target.layout):
            second, rest = rest[0], rest[1:]
            self.emit(Combine(target, second.coefficient.sign, first.product, second.values[0]))
        else:
            self._product(target, first)
        for piece in rest:
            self.accumulate(target, piece)
        self.multiply(target, front)

    def multiply(self, target: Value, front: Piece) -> None:
        """Multiply a finished sum by what stands in front of it."""
        above, below, small = front.split(target.layout)
        factors: list[Operand] = [*small, *above]
        for operand in factors:
            self.emit(Combine(target, "*", target, operand, reuse=True))
        for value in below:
            self.emit(Combine(target, "/", target, value, reuse=True))

    def _small(self, target: Value, front: Piece, pieces: list[Piece]) -> None:
        """No value is as large as the output: products of what there is, added up and broadcast."""
        products = [merge(front, piece).product for piece in pieces]
        first, *rest = products
        number = not target.layout and not first.values
        if rest and (number or {*first.layout, *rest[0].layout} == set(target.layout) != set(first.layout)):
            self.emit(Combine(target, rest[0].coefficient.sign, first, absolute(rest[0])))
            rest = rest[1:]
        else:
            self.emit(Assign(target, first))
        for product in rest:
            self._add(target, product)

    def _pair(self, target: Value, first: Piece, second: Piece) -> None:
        """A plain array first, so that p - t and g - r are one statement."""
        (left,) = first.values
        right: Operand
        if plain(second, target.layout):
            right = second.values[0]
        elif not second.full(target.layout):
            right = absolute(second.product)
        else:
            right = self._part(target, second)
        self.emit(Combine(target, second.coefficient.sign, left, right, self.reusable(left)))

    def _product(self, target: Value, piece: Piece) -> None:
        above, below, small = piece.split(target.layout)
        # A mask goes second: it is cast to the type of what it meets.
        large: list[Operand] = [*sorted(above, key=lambda value: value.boolean)]
        first, *factors = [*large, *small] or [Product()]
        current = first
        reuse = isinstance(first, Value) and self.reusable(first)
        for value in below:
            self.emit(Combine(target, "/", current, value, reuse))
            current, reuse = target, True
        for operand in factors:
            self.emit(Combine(target, "*", current, operand, reuse))
            current, reuse = target, True
        if current is first:
            self.emit(Assign(target, first if isinstance(first, Product) else Product((first,))))

    def accumulate(self, target: Value, piece: Piece) -> None:
        """Add a term in place."""
        if not piece.full(target.layout):
            self._add(target, piece.product)
        elif plain(piece, target.layout):
            self.emit(Combine(target, piece.coefficient.sign, target, piece.values[0], reuse=True))
        else:
            self.emit(Combine(target, piece.coefficient.sign, target, self._part(target, piece), reuse=True))

    def _part(self, target: Value, piece: Piece) -> Value:
        part = Value(self.name("part"), target.layout)
        self._product(part, Piece(piece.coefficient.absolute(), piece.values, piece.divisors))
        return part

    def _add(self, target: Value, product: Product) -> None:
        whole, sign = {*product.layout}, product.coefficient.sign
        values = [value for value in (*product.values, *product.divisors) if value.layout]
        if len(values) > 2 and any({*value.layout} != whole for value in values):
            # Factors of several shapes make a long line: they get one of their own.
            part = Value(self.name("part"), tuple(index for index in target.layout if index in whole))
            self.emit(Assign(part, absolute(product)))
            self.emit(Combine(target, sign, target, part, reuse=bool(target.layout)))
            return
        self.emit(Combine(target, product.coefficient.sign, target, absolute(product), reuse=bool(target.layout)))
