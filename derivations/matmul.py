"""Products of matrices, one for each entry of the leading dimensions, and the addition of a bias."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.symbolic.definition import Definition, given, let

N, M, I, O, D = symbols("N M I O D", integer=True)
n, m, i, o, d = Idx("n", N), Idx("m", M), Idx("i", I), Idx("o", O), Idx("d", D)
a, b, x, bias, y = map(IndexedBase, ("a", "b", "x", "bias", "y"))

matmul = Definition(
    name="matmul",
    summary="The matrix product a @ b, with leading dimensions that broadcast.",
    inputs=[given(a[n, m, i]), given(b[n, i, o])],
    lets=[let(y[n, m, o], Sum(a[n, m, i] * b[n, i, o], i))],
    output=y[n, m, o],
    leading=N,
    broadcast=True,
    reference="torch.matmul(a, b)",
)

bias_add = Definition(
    name="bias_add",
    summary="The addition of a bias along the last axis.",
    inputs=[given(x[n, d]), given(bias[d])],
    lets=[let(y[n, d], x[n, d] + bias[d])],
    output=y[n, d],
    leading=N,
    reference="x + bias",
)
