"""Terms on their way to code: a coefficient times named arrays, and how a sum of them is arranged."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gradlab.codegen.statements import Coefficient, Product, Value
from gradlab.symbolic.indices import Index, Slot


@dataclass(frozen=True)
class Piece:
    """One term, lowered: coefficient * values / divisors. Where `at` is set, only at these slots of the output."""

    coefficient: Coefficient
    values: tuple[Value, ...]
    divisors: tuple[Value, ...]
    at: tuple[Slot, ...] = ()

    @property
    def product(self) -> Product:
        """All of it as one product."""
        return Product(self.values, self.divisors, self.coefficient)

    def full(self, free: tuple[Index, ...]) -> bool:
        """Whether one of its values has all axes of the output."""
        return any(set(value.layout) == set(free) for value in (*self.values, *self.divisors))

    def masked(self, free: tuple[Index, ...]) -> bool:
        """Whether all that is as large as the output are masks."""
        large = [value for value in (*self.values, *self.divisors) if set(value.layout) == set(free)]
        return bool(large) and all(value.boolean for value in large)

    def split(self, free: tuple[Index, ...]) -> tuple[list[Value], list[Value], list[Product]]:
        """Full-size values, full-size divisors, and the rest as one product for each layout."""
        whole = set(free)
        if not whole:
            return [], [], self.small(whole)
        full = [value for value in self.values if set(value.layout) == whole]
        below = [value for value in self.divisors if set(value.layout) == whole]
        return full, below, self.small(whole)

    def small(self, whole: set[Index]) -> list[Product]:
        """The factors with fewer axes than the output, grouped by layout; scalars join the first group."""
        groups: _Groups = {}
        for kind, values in enumerate((self.values, self.divisors)):
            for value in values:
                if set(value.layout) != whole or not whole:
                    groups.setdefault(value.layout, ([], []))[kind].append(value)
        scalars, scalar_divisors = groups.pop((), ([], []))
        products = [Product(tuple(above), tuple(below)) for above, below in _joined(groups)]
        first = products[0] if products else Product()
        joined = Product((*scalars, *first.values), (*scalar_divisors, *first.divisors), self.coefficient)
        trivial = not joined.values and not joined.divisors and joined.coefficient.one
        return products[1:] if trivial else [joined, *products[1:]]


_Groups = dict[tuple[Index, ...], tuple[list[Value], list[Value]]]


def _joined(groups: _Groups) -> Iterable[tuple[list[Value], list[Value]]]:
    """Factors whose axes are among those of others meet them at that size, which is below that of the output."""
    for layout in list(groups):
        host = next((other for other in groups if set(layout) < set(other)), None)
        if host is not None:
            for into, values in zip(groups[host], groups.pop(layout), strict=True):
                into.extend(values)
    return groups.values()


NOTHING = Piece(Coefficient(), (), ())


def merge(front: Piece, piece: Piece) -> Piece:
    """The product of two pieces, of which the first is everywhere."""
    return Piece(
        front.coefficient.times(piece.coefficient),
        (*front.values, *piece.values),
        (*front.divisors, *piece.divisors),
        piece.at,
    )


def grouped(pieces: list[Piece]) -> list[tuple[Piece, list[Piece]]]:
    """Pieces that have factors in common, with these taken out in front; what shares nothing stands alone."""
    groups: list[tuple[Piece, list[Piece]]] = []
    rest = list(pieces)
    while len(rest) > 1:
        candidates = [_common(left, right) for left, right in itertools.combinations(rest, 2)]
        shared = max(candidates, key=lambda values: len(values) * (sum(_has(piece, values) for piece in rest) - 1))
        if not shared:
            break
        members = [piece for piece in rest if _has(piece, shared)]
        groups.append((replace(NOTHING, values=shared), [_less(piece, shared) for piece in members]))
        rest = [piece for piece in rest if not _has(piece, shared)]
    return [*groups, *((NOTHING, [piece]) for piece in rest)]


def _common(left: Piece, right: Piece) -> tuple[Value, ...]:
    # Not masks: alone in front, they would be multiplied as integers.
    shared = Counter(left.values) & Counter(right.values)
    return tuple(value for value in shared.elements() if not value.boolean)


def _has(piece: Piece, values: tuple[Value, ...]) -> bool:
    return Counter(values) <= Counter(piece.values)


def _less(piece: Piece, values: tuple[Value, ...]) -> Piece:
    return replace(piece, values=tuple((Counter(piece.values) - Counter(values)).elements()))


def scale(piece: Piece, unit: Coefficient) -> Piece:
    """A piece times a coefficient."""
    return Piece(piece.coefficient.times(unit), piece.values, piece.divisors, piece.at)


def normalise(front: Piece, pieces: list[Piece]) -> tuple[Piece, list[Piece], Coefficient]:
    """Divide the inner terms by their largest sizes: gamma/N * (N g - ...) is computed as gamma * (g - .../N)."""
    largest = max(pieces, key=lambda piece: sum(exponent for _, exponent in piece.coefficient.sizes))
    unit = Coefficient(sizes=largest.coefficient.sizes)
    return scale(front, unit), [scale(piece, unit.inverse()) for piece in pieces], unit.inverse()


def plain(piece: Piece, free: tuple[Index, ...]) -> bool:
    """A single full-size array with coefficient 1 or -1."""
    return (
        piece.coefficient.absolute().one
        and not piece.divisors
        and len(piece.values) == 1
        and set(piece.values[0].layout) == set(free)
        and not piece.values[0].boolean
    )


def start_rank(piece: Piece, free: tuple[Index, ...]) -> tuple[int, str]:
    """Which term makes the buffer: a product first (it needs a buffer anyway), then a positive plain array."""
    names = ",".join(value.name for value in piece.values)
    if plain(piece, free):
        return (1 if piece.coefficient.number > 0 else 4), names
    if piece.full(free):
        # The sign of a product costs nothing where it goes into a smaller factor.
        small = any(value.layout and set(value.layout) != set(free) for value in piece.values)
        return (0 if small or piece.coefficient.number > 0 else 2), names
    return 3, names


def absolute(product: Product) -> Product:
    """Without the sign of its coefficient, which goes into the operator."""
    return Product(product.values, product.divisors, product.coefficient.absolute())
