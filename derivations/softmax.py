"""Softmax and its logarithm along an axis."""

from sympy import Idx, IndexedBase, Sum, exp, log, symbols

from gradlab.operation import Along
from gradlab.symbolic.definition import Definition, given, let, shift

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
x, e, s, p, y = map(IndexedBase, ("x", "e", "s", "p", "y"))

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
    along=Along("d"),
    shift=d,
    reference="torch.softmax(x, dim=axis)",
)

log_softmax = Definition(
    name="log_softmax",
    summary="Logarithm of the softmax along an axis.",
    inputs=[given(x[n, d])],
    lets=[
        let(e[n, d], exp(x[n, d])),
        let(s[n], Sum(e[n, k], k)),
        let(p[n, d], e[n, d] / s[n]),
        let(y[n, d], x[n, d] - log(s[n])),
    ],
    output=y[n, d],
    leading=N,
    along=Along("d"),
    shift=d,
    reference="torch.log_softmax(x, dim=axis)",
)

logsumexp = Definition(
    name="logsumexp",
    summary="Logarithm of the sum of exponentials along one or several axes.",
    inputs=[given(x[n, d])],
    lets=[
        let(e[n, d], exp(x[n, d])),
        let(s[n], Sum(e[n, k], k)),
        let(p[n, d], e[n, d] / s[n]),
        let(y[n], log(s[n])),
    ],
    output=y[n],
    leading=N,
    along=Along("d", several=True),
    shift=shift(x[n, d], d, restored=[y[n]]),
    # As one axis: torch takes no None.
    reference="torch.logsumexp(to_last(x, axis), dim=-1)",
)
