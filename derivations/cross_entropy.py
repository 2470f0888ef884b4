"""Cross-entropy of given probabilities against one-hot or soft targets, averaged over the batch."""

from sympy import Idx, IndexedBase, Sum, log, symbols

from gradlab.operation import positive, simplex
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
p, t, log_p = map(IndexedBase, ("p", "t", "log_p"))
loss = symbols("loss")

cross_entropy = Definition(
    name="cross_entropy",
    summary="Mean cross-entropy of probabilities p against targets t (one-hot or soft).",
    inputs=[given(p[n, d], positive()), given(t[n, d], simplex(zeros=True), differentiable=False)],
    lets=[
        let(log_p[n, d], log(p[n, d])),
        let(loss, -Sum(t[n, d] * log_p[n, d], n, d) / N),
    ],
    output=loss,
    reference="-(t * torch.log(p)).sum(dim=-1).mean()",
)
