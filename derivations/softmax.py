"""Softmax and its logarithm over the last axis."""

from sympy import Idx, IndexedBase, Sum, exp, log, symbols

from gradlab.symbolic.definition import Definition, given, let, shift

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
x, e, s, p, y = map(IndexedBase, ("x", "e", "s", "p", "y"))

softmax = Definition(
    name="softmax",
    summary="Softmax over the last axis: positive entries that sum to 1.",
    inputs=[given(x[n, d])],
    lets=[
        let(e[n, d], exp(x[n, d])),
        let(s[n], Sum(e[n, k], k)),
        let(y[n, d], e[n, d] / s[n]),
    ],
    output=y[n, d],
    leading=N,
    shift=d,
    reference="torch.softmax(x, dim=-1)",
)

log_softmax = Definition(
    name="log_softmax",
    summary="Logarithm of the softmax over the last axis.",
    inputs=[given(x[n, d])],
    lets=[
        let(e[n, d], exp(x[n, d])),
        let(s[n], Sum(e[n, k], k)),
        let(p[n, d], e[n, d] / s[n]),
        let(y[n, d], x[n, d] - log(s[n])),
    ],
    output=y[n, d],
    leading=N,
    shift=d,
    reference="torch.log_softmax(x, dim=-1)",
)

logsumexp = Definition(
    name="logsumexp",
    summary="Logarithm of the sum of exponentials over the last axis.",
    inputs=[given(x[n, d])],
    lets=[
        let(e[n, d], exp(x[n, d])),
        let(s[n], Sum(e[n, k], k)),
        let(p[n, d], e[n, d] / s[n]),
        let(y[n], log(s[n])),
    ],
    output=y[n],
    leading=N,
    shift=shift(x[n, d], d, restored=[y[n]]),
    reference="torch.logsumexp(x, dim=-1)",
)
