"""The largest and the smallest entry of each row; at a tie the first one gets the whole gradient."""

from sympy import Idx, IndexedBase, symbols

from gradlab.symbolic.definition import Definition, argmax, given, let

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
x, y, at = map(IndexedBase, ("x", "y", "at"))

max = Definition(
    name="max",
    summary="The largest entry of each row; at a tie the first one gets the whole gradient.",
    inputs=[given(x[n, d])],
    lets=[let(at[n], argmax(x[n, k], k)), let(y[n], x[n, at[n]])],
    output=y[n],
    leading=N,
    reference="torch.max(x, dim=-1).values",
)

min = Definition(
    name="min",
    summary="The smallest entry of each row; at a tie the first one gets the whole gradient.",
    inputs=[given(x[n, d])],
    lets=[let(at[n], argmax(-x[n, k], k)), let(y[n], x[n, at[n]])],
    output=y[n],
    leading=N,
    reference="torch.min(x, dim=-1).values",
)
