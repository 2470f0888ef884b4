"""The negative log-likelihood of integer labels, from log-probabilities."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.operation import labels
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
log_p, label, picked = map(IndexedBase, ("log_p", "label", "picked"))
loss = symbols("loss")

nll = Definition(
    name="nll",
    summary="Mean negative log-likelihood of integer labels, from log-probabilities.",
    inputs=[given(log_p[n, d]), given(label[n], labels("d"))],
    lets=[let(picked[n], log_p[n, label[n]]), let(loss, -Sum(picked[n], n) / N)],
    output=loss,
    reference="torch.nn.functional.nll_loss(log_p, label)",
)
