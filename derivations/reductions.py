"""Sums along one or several axes, and what is made of them: sum, mean; running sums, and products."""

from sympy import Idx, IndexedBase, Product, Sum, symbols

from gradlab.operation import Along
from gradlab.symbolic.definition import Definition, at_most, given, let

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
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

cumsum = Definition(
    name="cumsum",
    summary="Running sums along an axis.",
    inputs=[given(x[n, d])],
    lets=[let(y[n, d], Sum(x[n, k] * at_most(k, d), k))],
    output=y[n, d],
    leading=N,
    along=Along("d"),
    reference="torch.cumsum(x, dim=axis)",
)

prod = Definition(
    name="prod",
    summary="The product along one or several axes; the gradient divides by nothing, so that zeros are exact.",
    inputs=[given(x[n, d])],
    lets=[let(y[n], Product(x[n, d], d))],
    output=y[n],
    leading=N,
    along=Along("d", several=True),
    # torch.prod takes one axis only, so that several are made one first; sum and mean show that this is right.
    reference="torch.prod(to_last(x, axis), dim=-1)",
)
