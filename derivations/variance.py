"""Variance along one or several axes, by torch's definition; two passes, so that a large mean does no harm."""

from sympy import Idx, IndexedBase, Max, Sum, symbols

from gradlab.operation import Along, Parameter
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
x, mu, xc, y = map(IndexedBase, ("x", "mu", "xc", "y"))
correction, count = symbols("correction count")

var = Definition(
    name="var",
    summary="The variance along one or several axes; NaN where D <= correction.",
    inputs=[given(x[n, d])],
    lets=[
        let(mu[n], Sum(x[n, d], d) / D),
        let(xc[n, d], x[n, d] - mu[n]),
        let(count, Max(D - correction, 0)),
        let(y[n], Sum(xc[n, d] ** 2, d) / count),
    ],
    output=y[n],
    leading=N,
    along=Along("d", several=True),
    parameters=[Parameter("correction", 1, 0, 1, integer=True)],
    reference="torch.var(x, dim=axis, correction=correction)",
)
