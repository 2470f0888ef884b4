"""The multi-class hinge loss: the margin that the label's score has over every other one."""

from sympy import Idx, IndexedBase, KroneckerDelta, Max, Sum, symbols

from gradlab.operation import Parameter, labels
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
x, label, picked, share, short, violated = map(IndexedBase, ("x", "label", "picked", "share", "short", "violated"))
margin, loss = symbols("margin loss")

multi_margin = Definition(
    name="multi_margin",
    summary="Multi-class hinge loss: max(0, margin - x[label] + x[d]) over the other classes d, averaged.",
    inputs=[given(x[n, d]), given(label[n], labels("d"))],
    lets=[
        let(picked[n], x[n, label[n]]),
        let(short[n, d], x[n, d] - picked[n] + margin),
        # A name of its own: as 1 - delta the label's entry would be added and subtracted, which leaves a rounding.
        let(share[n, d], (1 - KroneckerDelta(label[n], d)) / (N * D)),
        let(violated[n, d], Max(short[n, d], 0)),
        let(loss, Sum(share[n, d] * violated[n, d], n, d)),
    ],
    output=loss,
    parameters=[Parameter("margin", 1.0, 0.0, 2.0)],
    # Of torch.nn.functional.multi_margin_loss torch has no second derivative.
    reference=(
        "torch.mean(torch.relu(x - x.gather(-1, label[:, None]) + margin) * "
        "(1 - torch.nn.functional.one_hot(label, x.shape[-1])))"
    ),
)
