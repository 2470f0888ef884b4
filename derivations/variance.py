"""Variance along one or several axes, by torch's definition; two passes, so that a large mean does no harm."""

from sympy import Idx, IndexedBase, Max, Sum, symbols

from gradlab.operation import Along, Kink, Parameter
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.special import safe_sqrt

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
x, mu, xc, variance, y = map(IndexedBase, ("x", "mu", "xc", "variance", "y"))
correction, count = symbols("correction count")

centred = [
    let(mu[n], Sum(x[n, d], d) / D),
    let(xc[n, d], x[n, d] - mu[n]),
    let(count, Max(D - correction, 0)),
]

var = Definition(
    name="var",
    summary="The variance along one or several axes; NaN where D <= correction.",
    inputs=[given(x[n, d])],
    lets=[*centred, let(y[n], Sum(xc[n, d] ** 2, d) / count)],
    output=y[n],
    leading=N,
    along=Along("d", several=True),
    parameters=[Parameter("correction", 1, 0, 1, integer=True)],
    reference="torch.var(x, dim=axis, correction=correction)",
)

std = Definition(
    name="std",
    summary="The standard deviation along one or several axes; its slope at equal entries is 0, as in torch.",
    inputs=[given(x[n, d])],
    lets=[
        *centred,
        let(variance[n], Sum(xc[n, d] ** 2, d) / count),
        let(y[n], safe_sqrt(variance[n])),
    ],
    output=y[n],
    leading=N,
    along=Along("d", several=True),
    parameters=[Parameter("correction", 1, 0, 1, integer=True)],
    kinks=[Kink("x", where="std == 0", derivative=0.0)],
    reference="torch.std(x, dim=axis, correction=correction)",
)
