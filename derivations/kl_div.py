"""The Kullback-Leibler divergence of log-probabilities from a target distribution."""

from sympy import Idx, IndexedBase, Sum, log, sign, symbols

from gradlab.operation import simplex
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
x, t, absent, log_t, gap = map(IndexedBase, ("x", "t", "absent", "log_t", "gap"))
loss = symbols("loss")

kl_div = Definition(
    name="kl_div",
    summary="KL divergence of log-probabilities x from targets t, summed over d, mean over n (batchmean); 0 log 0 = 0.",
    inputs=[given(x[n, d]), given(t[n, d], simplex(zeros=True), differentiable=False)],
    lets=[
        # 1 where t is 0, so that its logarithm is 0 there and t times it too.
        let(absent[n, d], 1 - sign(t[n, d])),
        let(log_t[n, d], log(t[n, d] + absent[n, d])),
        let(gap[n, d], log_t[n, d] - x[n, d]),
        let(loss, Sum(t[n, d] * gap[n, d], n, d) / N),
    ],
    output=loss,
    reference="torch.nn.functional.kl_div(x, t, reduction='batchmean')",
)
