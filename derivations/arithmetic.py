"""Addition, subtraction, multiplication and division, element by element, of operands that broadcast."""

from sympy import Expr, Idx, IndexedBase, symbols

from gradlab.symbolic.definition import Definition, given, let

N = symbols("N", integer=True)
n = Idx("n", N)
a, b, y = map(IndexedBase, ("a", "b", "y"))


def elementwise(name: str, noun: str, value: Expr, sign: str) -> Definition:
    """An operation of two operands."""
    return Definition(
        name=name,
        summary=f"The {noun} a {sign} b, element by element, with broadcasting.",
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
