"""Weighted means of the rows and of the columns of images: pooling whose windows differ in size.

Window i of adaptive pooling runs from floor(i * in / out) to ceil((i + 1) * in / out), which no index of the form
stride * i + a - padding does. As means along two axes, one after the other, it is two products with matrices.
"""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.symbolic.definition import Definition, given, let

N, C, H, W, O, Q = symbols("N C H W O Q", integer=True)
n, c, h, w, o, q = map(Idx, "nchwoq", (N, C, H, W, O, Q))
x, rows, columns, between, y = map(IndexedBase, ("x", "rows", "columns", "between", "y"))

adaptive_avg_pool2d = Definition(
    name="adaptive_avg_pool2d",
    summary="Images times weights over their rows and over their columns, from gradlab.kernels.averages.",
    inputs=[
        given(x[n, c, h, w]),
        given(rows[o, h], differentiable=False),
        given(columns[q, w], differentiable=False),
    ],
    lets=[
        let(between[n, c, o, w], Sum(rows[o, h] * x[n, c, h, w], h)),
        let(y[n, c, o, q], Sum(between[n, c, o, w] * columns[q, w], w)),
    ],
    output=y[n, c, o, q],
    reference="torch.einsum('oh,nchw,qw->ncoq', rows, x, columns)",
)
