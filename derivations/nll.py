"""The negative log-likelihood of integer labels, from log-probabilities."""

from sympy import Idx, IndexedBase, Max, Sum, symbols

from gradlab.operation import labels, mask, positive
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
log_p, label, picked, weight, keep, share, each = map(
    IndexedBase, ("log_p", "label", "picked", "weight", "keep", "share", "each")
)
loss, hit, total, count, none, undefined = symbols("loss hit total count none undefined")

nll = Definition(
    name="nll",
    summary="Mean negative log-likelihood of integer labels, from log-probabilities.",
    inputs=[given(log_p[n, d]), given(label[n], labels("d"))],
    lets=[let(picked[n], log_p[n, label[n]]), let(loss, -Sum(picked[n], n) / N)],
    output=loss,
    reference="torch.nn.functional.nll_loss(log_p, label)",
)

weighted = [
    given(log_p[n, d]),
    given(label[n], labels("d")),
    given(weight[d], positive(), differentiable=False),
    given(keep[n], mask(0.8)),  # label != ignore_index
]

nll_weighted = Definition(
    name="nll_weighted",
    summary="Mean negative log-likelihood of integer labels: class weights, rows left out.",
    inputs=weighted,
    lets=[
        let(share[n], keep[n] * weight[label[n]]),
        let(hit, Sum(share[n] * log_p[n, label[n]], n)),
        let(total, Sum(share[n], n)),
        # Of no rows it is NaN, as torch has it, and the gradient 0: see softmax_cross_entropy_kept.
        let(count, Sum(keep[n], n)),
        let(none, Max(1 - count, 0)),
        let(undefined, none * (1 - none) / count),
        let(loss, undefined - hit / (total + none)),
    ],
    output=loss,
    reference="torch.nn.functional.nll_loss(log_p, label.where(keep, -100), weight)",
)

nll_weighted_each = Definition(
    name="nll_weighted_each",
    summary="Negative log-likelihood of each integer label: class weights, rows left out.",
    inputs=weighted,
    lets=[let(share[n], keep[n] * weight[label[n]]), let(each[n], -share[n] * log_p[n, label[n]])],
    output=each[n],
    reference="torch.nn.functional.nll_loss(log_p, label.where(keep, -100), weight, reduction='none')",
)
