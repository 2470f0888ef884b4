"""Addition, subtraction, multiplication, division and the larger or smaller of two operands that broadcast."""

from sympy import Expr, Idx, IndexedBase, sign, symbols

from gradlab.symbolic.definition import Definition, given, let

N = symbols("N", integer=True)
n = Idx("n", N)
a, b, y, side, first, second = map(IndexedBase, ("a", "b", "y", "side", "first", "second"))


def elementwise(name: str, noun: str, value: Expr, symbol: str) -> Definition:
    """An operation of two operands."""
    return Definition(
        name=name,
        summary=f"The {noun} a {symbol} b, element by element, with broadcasting.",
        inputs=[given(a[n]), given(b[n])],
        lets=[let(y[n], value)],
        output=y[n],
        leading=N,
        broadcast=True,
        reference=f"torch.{name}(a, b)",
    )


add = elementwise("add", "sum", a[n] + b[n], "+")
sub = elementwise("sub", "difference", a[n] - b[n], "-")
mul = elementwise("mul", "product", a[n] * b[n], "*")
div = elementwise("div", "quotient", a[n] / b[n], "/")


def extreme(name: str, noun: str, difference: Expr) -> Definition:
    """The larger or the smaller of two: a multiple of each, 1 and 0, or where they are equal one half.

    Each share has a name, so that no operand is added and subtracted again, which would leave a rounding.
    """
    return Definition(
        name=name,
        summary=f"The {noun} of a and b, element by element; where they are equal each gets half of the gradient.",
        inputs=[given(a[n]), given(b[n])],
        lets=[
            let(side[n], sign(difference)),
            let(first[n], (1 + side[n]) / 2),
            let(second[n], (1 - side[n]) / 2),
            let(y[n], first[n] * a[n] + second[n] * b[n]),
        ],
        output=y[n],
        leading=N,
        broadcast=True,
        reference=f"torch.{name}(a, b)",
    )


maximum = extreme("maximum", "larger", a[n] - b[n])
minimum = extreme("minimum", "smaller", b[n] - a[n])
