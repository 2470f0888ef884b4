"""Softmax followed by cross-entropy, from logits: against soft targets and against integer labels."""

from sympy import Idx, IndexedBase, Max, Sum, exp, log, symbols

from gradlab.operation import Parameter, labels, mask, positive, real, simplex
from gradlab.symbolic.definition import Definition, fact, given, let

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
x, t, label, e, s, p, log_p, picked = map(IndexedBase, ("x", "t", "label", "e", "s", "p", "log_p", "picked"))
weight, keep, share, even, each, wanted = map(IndexedBase, ("weight", "keep", "share", "even", "each", "wanted"))
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

# Where every row is left out, torch's mean is NaN and its gradient 0: the sum is divided by 1, and 1 * 0 / 0 added,
# which does not depend on x; with any row it is 0 * 1 / count, nothing.
count, none, undefined = symbols("count none undefined")
counted = [
    let(count, Sum(keep[n], n)),
    let(none, Max(1 - count, 0)),
    let(undefined, none * (1 - none) / count),
]
kept = given(keep[n], mask(0.8))  # label != ignore_index
softmax = [let(e[n, d], exp(x[n, d])), let(s[n], Sum(e[n, k], k)), let(p[n, d], e[n, d] / s[n])]

softmax_cross_entropy_kept = Definition(
    name="softmax_cross_entropy_kept",
    summary="Mean cross-entropy of softmax(x) against integer labels, of the rows that are kept.",
    inputs=[given(x[n, d]), given(label[n], labels("d")), kept],
    lets=[
        let(picked[n], x[n, label[n]]),
        *softmax,
        *counted,
        let(hit, Sum(keep[n] * (picked[n] - log(s[n])), n)),
        let(loss, undefined - hit / (count + none)),
    ],
    output=loss,
    shift=d,
    reference="torch.nn.functional.cross_entropy(x, label.where(keep, -100))",
)

weighted = [given(x[n, d]), given(label[n], labels("d")), given(weight[d], positive(), differentiable=False), kept]
weighted_rows = [
    *softmax,
    let(log_p[n, d], x[n, d] - log(s[n])),
    let(share[n], keep[n] * weight[label[n]]),
    let(even[n], Sum(weight[d] * log_p[n, d], d)),
]
smoothing = [Parameter("label_smoothing", 0.0, 0.0, 1.0)]

softmax_cross_entropy_weighted = Definition(
    name="softmax_cross_entropy_weighted",
    summary="Cross-entropy of softmax(x) against labels: class weights, smoothing, rows left out.",
    inputs=weighted,
    lets=[
        *weighted_rows,
        *counted,
        let(hit, Sum(share[n] * log_p[n, label[n]], n)),
        let(spread, Sum(keep[n] * even[n], n)),
        let(total, Sum(share[n], n)),
        let(loss, undefined + ((label_smoothing - 1) * hit - label_smoothing * spread / D) / (total + none)),
    ],
    output=loss,
    shift=d,
    parameters=smoothing,
    reference="torch.nn.functional.cross_entropy(x, label.where(keep, -100), weight, label_smoothing=label_smoothing)",
)

softmax_cross_entropy_weighted_each = Definition(
    name="softmax_cross_entropy_weighted_each",
    summary="Cross-entropy of each row against its label: weights, smoothing.",
    inputs=weighted,
    lets=[
        *weighted_rows,
        let(
            each[n],
            (label_smoothing - 1) * share[n] * log_p[n, label[n]] - label_smoothing * keep[n] * even[n] / D,
        ),
    ],
    output=each[n],
    shift=d,
    parameters=smoothing,
    reference=(
        "torch.nn.functional.cross_entropy(x, label.where(keep, -100), weight, reduction='none', "
        "label_smoothing=label_smoothing)"
    ),
)

softmax_cross_entropy_soft_each = Definition(
    name="softmax_cross_entropy_soft_each",
    summary="Cross-entropy of each row against targets of 0 to 1: weights, smoothing.",
    # Beside a target of 1000 one of 1e-6 would be lost in their sum, here as in torch.
    inputs=[given(x[n, d]), given(t[n, d], real(0, 1)), given(weight[d], positive(), differentiable=False)],
    lets=[
        *softmax,
        let(log_p[n, d], x[n, d] - log(s[n])),
        let(wanted[n, d], weight[d] * ((1 - label_smoothing) * t[n, d] + label_smoothing / D)),
        let(each[n], -Sum(wanted[n, d] * log_p[n, d], d)),
    ],
    output=each[n],
    shift=d,
    parameters=smoothing,
    reference="torch.nn.functional.cross_entropy(x, t, weight, reduction='none', label_smoothing=label_smoothing)",
)
