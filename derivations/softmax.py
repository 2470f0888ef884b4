"""Softmax along an axis."""

from sympy import Idx, IndexedBase, Sum, exp, symbols

from gradlab.operation import Along
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
x, e, s, y = map(IndexedBase, ("x", "e", "s", "y"))

softmax = Definition(
    name="softmax",
    summary="Softmax along an axis: positive entries that sum to 1.",
    inputs=[given(x[n, d])],
    lets=[
        let(e[n, d], exp(x[n, d])),
        let(s[n], Sum(e[n, k], k)),
        let(y[n, d], e[n, d] / s[n]),
    ],
    output=y[n, d],
    leading=N,
    shift=d,
    along=Along("d"),
    reference="torch.softmax(x, dim=axis)",
)
