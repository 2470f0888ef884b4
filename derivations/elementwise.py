"""Elementary functions, element by element, and dropout."""

from collections.abc import Sequence

from sympy import Abs, Expr, Idx, IndexedBase, exp, log, sqrt, symbols

from gradlab.operation import Domain, Kink, Parameter, mask, non_negative, positive, real
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.special import clip

N = symbols("N", integer=True)
n = Idx("n", N)
x, y, kept = (IndexedBase(name)[n] for name in ("x", "y", "mask"))
low, high, exponent, p, keep = symbols("min max exponent p keep")


def elementwise(
    name: str,
    summary: str,
    value: Expr,
    reference: str,
    *,
    domain: Domain | None = None,
    parameters: Sequence[Parameter] = (),
    kinks: Sequence[Kink] = (),
) -> Definition:
    """The definition of y = value."""
    return Definition(
        name=name,
        summary=summary,
        inputs=[given(x, domain or real())],
        lets=[let(y, value)],
        output=y,
        leading=N,
        parameters=parameters,
        kinks=kinks,
        reference=reference,
    )


absolute = elementwise(
    "abs",
    "The absolute value; its slope at 0 is 0.",
    Abs(x),
    "torch.abs(x)",
    kinks=[Kink("x", where="x == 0", derivative=0.0)],
)

clamp = elementwise(
    "clamp",
    "x, kept between min and max; its slope is 0 at both.",
    clip(x, low, high),
    "torch.clamp(x, min, max)",
    parameters=[Parameter("min", -1.0, -2.0, 0.0), Parameter("max", 1.0, 0.5, 2.0)],
    kinks=[Kink("x", where="x == min", derivative=0.0), Kink("x", where="x == max", derivative=0.0)],
)

exponential = elementwise("exp", "The exponential function.", exp(x), "torch.exp(x)")

logarithm = elementwise("log", "The natural logarithm.", log(x), "torch.log(x)", domain=positive())

square_root = elementwise("sqrt", "The square root.", sqrt(x), "torch.sqrt(x)", domain=non_negative())

power = elementwise(
    "power",
    "x to a real power, for positive x.",
    x**exponent,
    "torch.pow(x, exponent)",
    domain=positive(),
    parameters=[Parameter("exponent", 2.0, -3.0, 3.0)],
)

dropout = Definition(
    name="dropout",
    summary="x where the mask is 1, divided by the chance 1 - p to be kept, and 0 elsewhere.",
    inputs=[given(x), given(kept, mask())],
    lets=[let(keep, 1 - p), let(y, x * kept / keep)],
    output=y,
    leading=N,
    parameters=[Parameter("p", 0.5, 0.0, 0.9)],
    reference="x * mask / (1 - p)",
)
