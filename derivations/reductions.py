"""Sums along one or several axes, and what is made of them: sum, mean."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.operation import Along
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
x, y = map(IndexedBase, ("x", "y"))

# Named with an underscore: the module must not hide Python's own `sum`.
sum_ = Definition(
    name="sum",
    summary="The sum along one or several axes.",
    inputs=[given(x[n, d])],
    lets=[let(y[n], Sum(x[n, d], d))],
    output=y[n],
    leading=N,
    along=Along("d", several=True),
    reference="torch.sum(x, dim=axis)",
)

mean = Definition(
    name="mean",
    summary="The mean along one or several axes; that of nothing is NaN.",
    inputs=[given(x[n, d])],
    lets=[let(y[n], Sum(x[n, d], d) / D)],
    output=y[n],
    leading=N,
    along=Along("d", several=True),
    reference="torch.mean(x, dim=axis)",
)
