"""Terms on their way to code: factors that several share, and factors that meet at their own size."""

from fractions import Fraction

from gradlab.codegen.pieces import NOTHING, Piece, grouped, start_rank
from gradlab.codegen.statements import Coefficient, Value
from gradlab.symbolic.indices import Axis, Index

ROW, COL = Index("n", Axis("n")), Index("d", Axis("d"))
X, W, S, M = (Value("x", (ROW, COL)), Value("w", (COL,)), Value("s", (ROW,)), Value("m", (ROW,), boolean=True))
BIAS = Value("b", (COL,))


def piece(*values: Value, number: int = 1) -> Piece:
    """A product of values times a number."""
    return Piece(Coefficient(Fraction(number)), values, ())


def test_pieces_that_share_factors_are_grouped() -> None:
    """w x - w s + b is w (x - s) + b."""
    groups = grouped([piece(W, X), piece(W, S, number=-1), piece(BIAS)])
    assert groups == [(piece(W), [piece(X), piece(S, number=-1)]), (NOTHING, [piece(BIAS)])]


def test_a_mask_stands_in_front_of_no_group() -> None:
    """Alone in front, it would be multiplied as an array of integers."""
    pieces = [piece(M, X), piece(M, W), piece(BIAS)]
    assert grouped(pieces) == [(NOTHING, [one]) for one in pieces]


def test_factors_of_nested_axes_meet_at_the_larger_size() -> None:
    """w[c] s[n,c] x[n,c,d] multiplies w and s first, at the size of s."""
    channel = Index("c", Axis("c"))
    weight, scale = Value("w", (channel,)), Value("s", (ROW, channel))
    full = Value("x", (ROW, channel, COL))
    (product,) = piece(weight, scale, full).small({ROW, channel, COL})
    assert (product.values, product.layout) == ((scale, weight), (ROW, channel))


def test_a_negative_product_with_a_small_factor_starts_a_chain() -> None:
    """Its sign goes into the small factor; without one, a positive array starts."""
    free = (ROW, COL)
    plain, small, full = piece(X), piece(X, S, number=-1), piece(X, X, number=-1)
    assert sorted([full, plain, small], key=lambda one: start_rank(one, free)) == [small, plain, full]
