"""Rows of a table, looked up by integer labels."""

from sympy import Idx, IndexedBase, symbols

from gradlab.operation import labels
from gradlab.symbolic.definition import Definition, given, let

N, K, D = symbols("N K D", integer=True)
n, k, d = Idx("n", N), Idx("k", K), Idx("d", D)
label, weight, y = map(IndexedBase, ("label", "weight", "y"))

embedding = Definition(
    name="embedding",
    summary="Rows of a table by integer labels; rows that are looked up several times add up their gradients.",
    inputs=[given(label[n], labels("k")), given(weight[k, d])],
    lets=[let(y[n, d], weight[label[n], d])],
    output=y[n, d],
    leading=N,
    reference="torch.nn.functional.embedding(label, weight)",
)
