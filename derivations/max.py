"""The largest and the smallest entry along axes; at a tie the first one gets the whole gradient."""

from sympy import Idx, IndexedBase, symbols

from gradlab.operation import Along
from gradlab.symbolic.definition import Definition, argmax, given, let

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
x, y, at = map(IndexedBase, ("x", "y", "at"))

# torch's `max` takes one axis only, so that several are made one first.
max = Definition(
    name="max",
    summary="The largest entry along one or several axes; at a tie the first one gets the whole gradient.",
    inputs=[given(x[n, d])],
    lets=[let(at[n], argmax(x[n, k], k)), let(y[n], x[n, at[n]])],
    output=y[n],
    leading=N,
    along=Along("d", several=True),
    reference="torch.max(to_last(x, axis), dim=-1).values",
)

min = Definition(
    name="min",
    summary="The smallest entry along one or several axes; at a tie the first one gets the whole gradient.",
    inputs=[given(x[n, d])],
    lets=[let(at[n], argmax(-x[n, k], k)), let(y[n], x[n, at[n]])],
    output=y[n],
    leading=N,
    along=Along("d", several=True),
    reference="torch.min(to_last(x, axis), dim=-1).values",
)
