from fractions import Fraction

from sympy import Idx, IndexedBase, Max, Sum, exp, log, sqrt, symbols

from gradlab.operation import Parameter, non_negative, positive, simplex
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.read import read
from gradlab.symbolic.signs import Signs, signs
from tests.symbolic.build import index, ref, size, term

N = symbols("N", integer=True)
n, m = Idx("n", N), Idx("m", N)
x, p, q, t, a, b, c, d, e, f, g, h, i, j, k, y = map(IndexedBase, "xpqtabcdefghijky")
scale, shift = symbols("scale shift")

KNOWN = signs(
    read(
        Definition(
            name="signs",
            summary="",
            inputs=[given(x[n]), given(p[n], positive()), given(q[n], non_negative()), given(t[n], simplex())],
            lets=[
                let(a[n], x[n] ** 2),
                let(b[n], exp(x[n])),
                let(c[n], Max(x[n], 0)),
                let(d[n], log(p[n])),
                let(e[n], 1 / sqrt(a[n] + scale)),
                let(f[n], q[n] * p[n]),
                let(g[n], p[n] * scale),
                let(h[n], a[n] + 1),
                let(i[n], Sum(a[m], m) + q[n]),
                let(j[n], x[n] - 1),
                let(k[n], d[n] / j[n]),
                let(y[n], k[n] * shift),
            ],
            output=y[n],
            reference="x",
            parameters=[Parameter("scale", 1.0, 0.5, 2.0), Parameter("shift", 0.0, -1.0, 1.0)],
        )
    )
)


def test_what_is_never_negative() -> None:
    """Squares, exponentials, max(u, 0), roots, and sums and products of such; not logarithms or differences."""
    assert KNOWN.non_negative - {f"t{number}" for number in range(1, 9)} == set("pqtabcefghi") | {"scale"}


def test_what_is_never_zero() -> None:
    """Positive inputs and parameters, inverses, products and sums with them, and what is divided by.

    Not an exponential: in floating point it can be 0.
    """
    assert KNOWN.never_zero - {f"t{number}" for number in range(1, 9)} == set("pgehj") | {"scale"}


def test_roots_split_where_nothing_is_negative() -> None:
    """sqrt(a b) = sqrt(a) sqrt(b) needs a, b >= 0; one atom to the power 1 needs nothing; a number has no root."""
    own = index("n")
    known = Signs(frozenset("a"), frozenset())
    assert known.splits(term(ref("x", own)))
    assert known.splits(term((ref("a", own), 2), size("n")))
    assert not known.splits(term((ref("x", own), 2)))
    assert not known.splits(term(ref("a", own), ref("x", own)))
    assert not known.splits(term(ref("a", own), of=Fraction(2)))


def test_division() -> None:
    """Dividing by a size or by what is never 0 is safe; multiplying always is."""
    own = index("n")
    known = Signs(frozenset(), frozenset("a"))
    assert known.divides(term(ref("x", own), (ref("a", own), -1), (size("n"), -2)))
    assert not known.divides(term((ref("x", own), -1)))
