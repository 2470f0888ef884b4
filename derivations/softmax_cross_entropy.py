"""Softmax followed by cross-entropy, from logits: against soft targets and against integer labels."""

from sympy import Idx, IndexedBase, Sum, exp, log, symbols

from gradlab.operation import Parameter, labels, mask, positive, simplex
from gradlab.symbolic.definition import Definition, fact, given, let

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
x, t, label, e, s, p, log_p, picked = map(IndexedBase, ("x", "t", "label", "e", "s", "p", "log_p", "picked"))
weight, keep, share, even = map(IndexedBase, ("weight", "keep", "share", "even"))
loss, hit, spread, total, label_smoothing = symbols("loss hit spread total label_smoothing")

softmax_cross_entropy = Definition(
    name="softmax_cross_entropy",
    summary="Mean cross-entropy of softmax(x) against targets t (one-hot or soft).",
    inputs=[given(x[n, d]), given(t[n, d], simplex(zeros=True), differentiable=False)],
    lets=[
        let(e[n, d], exp(x[n, d])),
        let(s[n], Sum(e[n, k], k)),
        let(p[n, d], e[n, d] / s[n]),
        let(log_p[n, d], x[n, d] - log(s[n])),
        let(loss, -Sum(t[n, d] * log_p[n, d], n, d) / N),
    ],
    output=loss,
    facts=[fact(Sum(t[n, d], d), 1)],
    shift=d,
    reference="torch.nn.functional.cross_entropy(x, t)",
)

softmax_cross_entropy_labels = Definition(
    name="softmax_cross_entropy_labels",
    summary="Mean cross-entropy of softmax(x) against integer labels.",
    inputs=[given(x[n, d]), given(label[n], labels("d"))],
    lets=[
        let(picked[n], x[n, label[n]]),
        let(e[n, d], exp(x[n, d])),
        let(s[n], Sum(e[n, k], k)),
        let(p[n, d], e[n, d] / s[n]),
        let(loss, -Sum(picked[n] - log(s[n]), n) / N),
    ],
    output=loss,
    shift=d,
    reference="torch.nn.functional.cross_entropy(x, label)",
)

softmax_cross_entropy_weighted = Definition(
    name="softmax_cross_entropy_weighted",
    summary="Cross-entropy of softmax(x) against labels: class weights, smoothing, rows left out.",
    inputs=[
        given(x[n, d]),
        given(label[n], labels("d")),
        given(weight[d], positive(), differentiable=False),
        given(keep[n], mask()),  # label != ignore_index
    ],
    lets=[
        let(e[n, d], exp(x[n, d])),
        let(s[n], Sum(e[n, k], k)),
        let(p[n, d], e[n, d] / s[n]),
        let(log_p[n, d], x[n, d] - log(s[n])),
        let(share[n], keep[n] * weight[label[n]]),
        let(hit, Sum(share[n] * log_p[n, label[n]], n)),
        let(even[n], Sum(weight[d] * log_p[n, d], d)),
        let(spread, Sum(keep[n] * even[n], n)),
        let(total, Sum(share[n], n)),
        let(loss, ((label_smoothing - 1) * hit - label_smoothing * spread / D) / total),
    ],
    output=loss,
    shift=d,
    parameters=[Parameter("label_smoothing", 0.0, 0.0, 1.0)],
    reference="torch.nn.functional.cross_entropy(x, label.where(keep, -100), weight, label_smoothing=label_smoothing)",
)
